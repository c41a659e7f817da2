//! `zoetrope jobs`: lists and changes the jobs in the ledger.

mod cancel;
mod end_hooks;
mod fetch;
mod list;
mod page;
mod prune;
mod receipt;
mod resolve;
mod resume;
mod retry;
mod show;
mod watch;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use zoetrope_host::driver::WaitFor;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{Jobs, JobsError, find};
use zoetrope_host::ledger::{Job, Ledger, Rows};

use super::args::jobs::{Command, Jobs as Arguments};
use super::configuration::USES_CONNECTION;
use super::context::Context;
use super::interrupts::Interrupts;
use super::picture_notes;
use super::practice_jobs::is_practice;
use super::progress::Progress;
use super::recording::Recording;
use super::report::{Failure, Phase, next_step, of_jobs, of_ledger, outcome, unwritten};
use super::wait::wait_for;

/// What a command for all unfinished jobs says if there are none.
const NOTHING_LEFT: &str = "No unfinished jobs.";

impl Arguments {
    pub(super) async fn run(self, context: &Arc<Context>) -> Result<ExitCode, Failure> {
        match self.command {
            None => self.list.run(context),
            Some(Command::List(command)) => command.run(context),
            Some(Command::Show(command)) => command.run(context),
            Some(Command::Watch(command)) => command.run(context).await,
            Some(Command::Resume(command)) => command.run(context).await,
            Some(Command::Retry(command)) => command.run(context).await,
            Some(Command::Cancel(command)) => command.run(context).await,
            Some(Command::Fetch(command)) => command.run(context).await,
            Some(Command::Resolve(command)) => command.run(context).await,
            Some(Command::Prune(command)) => command.run(context),
        }
    }
}

/// The job with this id, or with an id that begins so.
fn find_job(ledger: &Ledger, id: &str, context: &Context) -> Result<Job, Failure> {
    find(ledger, id).map_err(|error| of_jobs(error, &context.options()))
}

/// The same; a removed job of which the provider may have a result is put back into the ledger.
async fn find_or_restore(jobs: &Jobs, id: &str, context: &Context) -> Result<Job, Failure> {
    let found = match jobs.find(id) {
        Err(JobsError::Removed { removed }) => jobs.restore(*removed).await,
        found => found,
    };
    found.map_err(|error| of_jobs(error, &context.options()))
}

/// Ends a command that would use a configured connection of one of these jobs, if the
/// configuration is not trusted.
async fn needs_connections(context: &Context, jobs: &[&Job]) -> Result<(), Failure> {
    if !jobs.iter().all(|job| is_practice(job)) {
        context.configuration().trusted(USES_CONNECTION).await?;
    }
    context.note_unused_config().await;
    Ok(())
}

/// Ends a command that would send something over the job's connection, if the configuration has none
/// of this id. `command`: the one that goes on.
async fn has_connection(context: &Context, job: &Job, command: &str) -> Result<(), Failure> {
    let id = &job.spec.connection;
    if is_practice(job) || context.config().await?.connection(id).is_some() {
        return Ok(());
    }
    let message = format!("there is no connection `{id}` in the configuration; nothing was sent");
    let next = next_step::configure(id, &format!("{command}{}", context.options()));
    Err(
        Failure::new(ErrorKind::ConnectionUnavailable, Phase::Setup, message)
            .about(job)
            .then(next),
    )
}

/// The recording of a command for a job.
fn recording<'a>(jobs: &'a Jobs, options: &'a str, job: &'a Job, limit: Duration) -> Recording<'a> {
    let job = Some(job);
    Recording {
        jobs,
        options,
        job,
        limit,
    }
}

/// Waits until a job is settled; returns its row.
async fn settle(
    jobs: &Jobs,
    progress: &Arc<Progress>,
    job: Job,
    interrupts: &mut Interrupts,
) -> Result<Job, Failure> {
    progress.is_known(&job);
    let ids = [job.spec.id.clone()];
    let rows = wait_for(jobs, progress, &ids, WaitFor::Settled, interrupts).await?;
    only(rows, job, &progress.options())
}

/// The row of a single job; `before` if it was pruned meanwhile.
pub(super) fn only(rows: Rows, before: Job, options: &str) -> Result<Job, Failure> {
    match rows.damaged.first() {
        Some(error) => Err(of_ledger(error, options)),
        None => Ok(rows.jobs.into_iter().next().unwrap_or(before)),
    }
}

/// Prints the result of a job.
fn print_result(job: &Job, context: &Context) -> Result<ExitCode, Failure> {
    let answer = outcome::of(job, &context.options())?;
    context.note_all(picture_notes::results([job]));
    let files = outcome::files(job);
    let written = context.answer_files(&answer, &files);
    if written.is_ok() {
        context.close(job);
    }
    unwritten::end_of_job(written, job, &files, context.printer(), &context.options())
}

/// Prints an answer about a job, as JSON or as text.
fn print(answer: &Value, text: &str, job: &Job, context: &Context) -> Result<ExitCode, Failure> {
    let written = context.answer(answer, text);
    unwritten::end_of_job(written, job, &[], context.printer(), &context.options())
}
