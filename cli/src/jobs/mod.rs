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

use serde_json::Value;
use zoetrope_host::driver::WaitFor;
use zoetrope_host::jobs::{Jobs, find};
use zoetrope_host::ledger::{Job, Ledger, Rows};

use super::args::jobs::{Command, Jobs as Arguments};
use super::drive::drive;
use super::interrupts::Interrupts;
use super::report::{Failure, of_jobs, of_ledger, outcome};
use super::setup::Setup;
use super::view::View;

impl Arguments {
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
    find(ledger, id).map_err(|error| of_jobs(error, &setup.options()))
}

/// Waits until a job is settled; its row then.
async fn settle(
    jobs: &Jobs,
    view: &Arc<View>,
    job: Job,
    interrupts: &mut Interrupts,
) -> Result<Job, Failure> {
    let ids = [job.spec.id.clone()];
    let rows = drive(jobs, view, &ids, WaitFor::Settled, interrupts).await?;
    only(rows, job)
}

/// The row of the only job there is; as it was, where it is forgotten.
pub(super) fn only(rows: Rows, before: Job) -> Result<Job, Failure> {
    match rows.damaged.first() {
        Some(error) => Err(of_ledger(error)),
        None => Ok(rows.jobs.into_iter().next().unwrap_or(before)),
    }
}

/// The answer of a job whose result is in place.
fn answered(job: &Job, setup: &Setup) -> Result<ExitCode, Failure> {
    let answer = outcome::of(job, &setup.options())?;
    said(&answer, answer["file"].as_str().unwrap_or_default(), setup)
}

fn said(answer: &Value, words: &str, setup: &Setup) -> Result<ExitCode, Failure> {
    setup.printer().answer(answer, words)?;
    Ok(ExitCode::SUCCESS)
}
