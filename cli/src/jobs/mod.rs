//! `zoetrope jobs`: what the ledger knows, and going on from there.

mod cancel;
mod fetch;
mod list;
mod prune;
mod resolve;
mod resume;
mod show;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;
use zoetrope_host::driver::{Driver, Until};
use zoetrope_host::ledger::{Job, Ledger};

use super::drive::drive;
use super::failure::{Failure, of_ledger};
use super::interrupts::Interrupts;
use super::setup::Setup;
use super::view::View;
use super::{outcome, output};

/// List jobs, or show, resume, cancel, fetch, resolve, forget them.
///
/// A job's ID may be shortened as long as no other begins the same.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Jobs {
    #[command(flatten)]
    list: list::List,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Show all that is known of a job
    Show(show::Show),
    /// Go on with a job, or with all that are not done
    Resume(resume::Resume),
    /// Ask the provider to cancel a job
    Cancel(cancel::Cancel),
    /// Put a job's result into a file
    Fetch(fetch::Fetch),
    /// Say what became of a submit whose outcome is unknown
    Resolve(resolve::Resolve),
    /// Forget jobs that are done; their files stay
    Prune(prune::Prune),
}

impl Jobs {
    pub(super) async fn run(self, setup: &Arc<Setup>) -> Result<ExitCode, Failure> {
        match self.command {
            None => self.list.run(setup),
            Some(Command::Show(command)) => command.run(setup),
            Some(Command::Resume(command)) => command.run(setup).await,
            Some(Command::Cancel(command)) => command.run(setup).await,
            Some(Command::Fetch(command)) => command.run(setup).await,
            Some(Command::Resolve(command)) => command.run(setup).await,
            Some(Command::Prune(command)) => command.run(setup),
        }
    }
}

/// The job that an id, or the beginning of one, names.
fn named(ledger: &Ledger, id: &str, setup: &Setup) -> Result<Job, Failure> {
    let mut found = ledger.jobs_like(id).map_err(|error| of_ledger(&error))?;
    let message = match (found.pop(), found.is_empty()) {
        (Some(job), true) => return Ok(job),
        (Some(_), false) => format!("several jobs begin with `{id}`"),
        (None, _) => format!("there is no job `{id}`"),
    };
    Err(Failure::usage(message).then(format!("zoetrope jobs{}", setup.options())))
}

/// Waits until a job is settled; its row then.
async fn settle(
    driver: &Driver,
    view: &Arc<View>,
    job: Job,
    interrupts: &mut Interrupts,
) -> Result<Job, Failure> {
    let ids = [job.spec.id.clone()];
    let jobs = drive(driver, view, &ids, Until::Settled, interrupts).await?;
    Ok(jobs.into_iter().next().unwrap_or(job))
}

/// The answer of a job whose result is in place.
fn answered(job: &Job, setup: &Setup) -> Result<ExitCode, Failure> {
    let answer = outcome::of(job, setup)?;
    said(&answer, answer["file"].as_str().unwrap_or_default(), setup)
}

fn said(answer: &Value, words: &str, setup: &Setup) -> Result<ExitCode, Failure> {
    if setup.json() {
        output::line(answer)?;
    } else {
        output::text(&format!("{words}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn a_while(text: &str) -> Result<Duration, humantime::DurationError> {
    humantime::parse_duration(text)
}
