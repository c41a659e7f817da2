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
use super::context::Context;
use super::interrupts::Interrupts;
use super::report::{Failure, of_jobs, of_ledger, outcome};
use super::view::View;
use super::wait::wait_for;

impl Arguments {
    pub(super) async fn run(self, context: &Arc<Context>) -> Result<ExitCode, Failure> {
        match self.command {
            None => self.list.run(context),
            Some(Command::Show(command)) => command.run(context),
            Some(Command::Resume(command)) => command.run(context).await,
            Some(Command::Cancel(command)) => command.run(context).await,
            Some(Command::Fetch(command)) => command.run(context).await,
            Some(Command::Resolve(command)) => command.run(context).await,
            Some(Command::Prune(command)) => command.run(context),
        }
    }
}

/// The job that an id, or the beginning of one, names.
fn named(ledger: &Ledger, id: &str, context: &Context) -> Result<Job, Failure> {
    find(ledger, id).map_err(|error| of_jobs(error, &context.options()))
}

/// Waits until a job is settled; its row then.
async fn settle(
    jobs: &Jobs,
    view: &Arc<View>,
    job: Job,
    interrupts: &mut Interrupts,
) -> Result<Job, Failure> {
    let ids = [job.spec.id.clone()];
    let rows = wait_for(jobs, view, &ids, WaitFor::Settled, interrupts).await?;
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
fn answered(job: &Job, context: &Context) -> Result<ExitCode, Failure> {
    let answer = outcome::of(job, &context.options())?;
    said(
        &answer,
        answer["file"].as_str().unwrap_or_default(),
        context,
    )
}

fn said(answer: &Value, text: &str, context: &Context) -> Result<ExitCode, Failure> {
    context.printer().answer(answer, text)?;
    Ok(ExitCode::SUCCESS)
}
