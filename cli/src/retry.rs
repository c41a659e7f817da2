//! Failed jobs that are submitted again, by `jobs retry` and by `run --retry-failed`.

use std::time::Duration;

use zoetrope_host::contract::Charge;
use zoetrope_host::driver::deadline_after;
use zoetrope_host::jobs::Jobs;
use zoetrope_host::ledger::{Job, Millis, State};

use super::context::Context;
use super::report::{Failure, of_jobs};

/// Says what was or may have been charged for these jobs, before they are submitted again.
pub(super) fn announce(jobs: &Jobs, ended: &[Job], context: &Context) -> Result<(), Failure> {
    let spent = jobs
        .spent(ended)
        .map_err(|error| of_jobs(error, &context.options()))?;
    if spent.jobs > 0 {
        context.printer().message(&format!(
            "Submitting {} again. Already charged, or possibly charged: {spent}, for {}. The new \
             attempts are charged separately.",
            count(ended.len()),
            count(spent.jobs)
        ));
    }
    Ok(())
}

/// Queues a job again that has ended.
pub(super) async fn submit_again(
    jobs: &Jobs,
    job: &Job,
    deadline_at: Millis,
    again: bool,
    context: &Context,
) -> Result<Job, Failure> {
    let retried = jobs.retry(job, deadline_at, again).await;
    retried.map_err(|error| of_jobs(error, &context.options()))
}

/// Queues those of these jobs again that have failed: all of them with `again`, else those that cost
/// nothing. A single job that is left out is an error.
pub(super) async fn retry_failed(
    jobs: &Jobs,
    rows: Vec<Job>,
    wait: Duration,
    again: bool,
    context: &Context,
) -> Result<Vec<Job>, Failure> {
    let is_failed = |job: &&Job| job.state() == State::Failed;
    let is_taken = |job: &Job| again || job.charge() == Charge::No;
    if let [only] = rows.as_slice()
        && is_failed(&only)
    {
        let checked = jobs.check_retry(only, again);
        checked.map_err(|error| of_jobs(error, &context.options()))?;
    }
    let failed = rows.iter().filter(is_failed).cloned();
    let (taken, left): (Vec<_>, Vec<_>) = failed.partition(is_taken);
    announce(jobs, &taken, context)?;
    if !left.is_empty() {
        let spent = jobs.spent(&left);
        let spent = spent.map_err(|error| of_jobs(error, &context.options()))?;
        context.printer().message(&format!(
            "note: {} that failed and was or may have been charged ({spent}) stays as it is; with \
             --again it is submitted again too, and charged separately",
            count(left.len())
        ));
    }
    let deadline_at = deadline_after(wait);
    let mut now = Vec::with_capacity(rows.len());
    for job in rows {
        now.push(if is_failed(&&job) && is_taken(&job) {
            submit_again(jobs, &job, deadline_at, again, context).await?
        } else {
            job
        });
    }
    Ok(now)
}

fn count(jobs: usize) -> String {
    match jobs {
        1 => "1 job".into(),
        jobs => format!("{jobs} jobs"),
    }
}
