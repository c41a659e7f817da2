//! Failed jobs that are submitted again, by `jobs retry` and by `run --retry-failed`.

use std::collections::HashSet;
use std::time::Duration;

use zoetrope_host::contract::Charge;
use zoetrope_host::driver::{deadline_after, now};
use zoetrope_host::jobs::{Jobs, Spent};
use zoetrope_host::ledger::{Job, Millis, State};

use super::context::Context;
use super::interrupts::Interrupts;
use super::recording::Recording;
use super::report::{Failure, of_jobs};

/// Says what was or may have been charged for these jobs, before they are submitted again.
pub(super) fn announce(jobs: &Jobs, ended: &[Job], context: &Context) -> Result<(), Failure> {
    let spent = jobs
        .spent(ended)
        .map_err(|error| of_jobs(error, &context.options()))?;
    if spent.jobs > 0 {
        context.printer().message(&format!(
            "Submitting {} again. {}",
            count(ended.len()),
            already_spent(&spent, ended.len())
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
    interrupts: &mut Interrupts,
) -> Result<Job, Failure> {
    let options = context.options();
    let left = deadline_at.saturating_sub(now());
    let recording = Recording {
        jobs,
        options: &options,
        job: Some(job),
        limit: Duration::from_millis(u64::try_from(left).unwrap_or_default()),
    };
    let retrying = jobs.retry(job, deadline_at, again);
    recording.until_interrupted(retrying, interrupts).await
}

/// Queues those of these jobs again that have failed: all of them with `again`, else those that cost
/// nothing. A single job that is left out is an error. Removed jobs are left out.
pub(super) async fn retry_failed(
    jobs: &Jobs,
    rows: Vec<Job>,
    wait: Duration,
    again: bool,
    context: &Context,
    interrupts: &mut Interrupts,
) -> Result<Vec<Job>, Failure> {
    let is_failed = |job: &&Job| job.state() == State::Failed;
    if let [only] = rows.as_slice()
        && is_failed(&only)
    {
        let checked = jobs.check_retry(only, again);
        checked.map_err(|error| of_jobs(error, &context.options()))?;
    }
    let mut removed = HashSet::new();
    for job in rows.iter().filter(is_failed) {
        let known = jobs.removed(&job.spec.id);
        if let Some(job) = known.map_err(|error| of_jobs(error, &context.options()))? {
            removed.insert(job.spec.id.clone());
        }
    }
    let is_removed = |job: &Job| removed.contains(&job.spec.id);
    let is_taken = |job: &Job| (again || job.charge() == Charge::No) && !is_removed(job);
    let failed = rows.iter().filter(is_failed).cloned();
    let (taken, left): (Vec<_>, Vec<_>) = failed.partition(is_taken);
    announce(jobs, &taken, context)?;
    let (gone, left): (Vec<_>, Vec<_>) = left.into_iter().partition(is_removed);
    if !gone.is_empty() {
        let spent = jobs.spent(&gone);
        let spent = spent.map_err(|error| of_jobs(error, &context.options()))?;
        context.printer().message(&format!(
            "note: {} that failed, was or may have been charged ({spent}) and was removed from the \
             ledger stays as it is; a run under another --key is a new purchase",
            count(gone.len())
        ));
    }
    if !left.is_empty() {
        let spent = jobs.spent(&left);
        let spent = spent.map_err(|error| of_jobs(error, &context.options()))?;
        context.printer().message(&left_out(&spent, left.len()));
    }
    let deadline_at = deadline_after(wait);
    let mut queued = Vec::with_capacity(rows.len());
    for job in rows {
        queued.push(if is_failed(&&job) && is_taken(&job) {
            submit_again(jobs, &job, deadline_at, again, context, interrupts).await?
        } else {
            job
        });
    }
    Ok(queued)
}

/// What was spent on some of the jobs that are submitted again, `all` in number.
fn already_spent(spent: &Spent, all: usize) -> String {
    let attempts = match all {
        1 => "attempt is",
        _ => "attempts are",
    };
    format!(
        "Already charged, or possibly charged, for {}: {spent}. The new {attempts} charged \
         separately.",
        count(spent.jobs)
    )
}

/// The note on failed jobs that are not submitted again.
fn left_out(spent: &Spent, jobs: usize) -> String {
    let (they_stay, they_are) = match jobs {
        1 => ("it stays as it is", "it is"),
        _ => ("they stay as they are", "they are"),
    };
    format!(
        "note: {} that failed, charged or possibly charged ({spent}): {they_stay}; with --again \
         {they_are} submitted again too, and charged separately",
        count(jobs)
    )
}

fn count(jobs: usize) -> String {
    match jobs {
        1 => "1 job".into(),
        jobs => format!("{jobs} jobs"),
    }
}

#[cfg(test)]
mod tests {
    use zoetrope_host::money::Sums;

    use super::*;

    fn spent(jobs: usize) -> Spent {
        Spent {
            jobs,
            costs: Sums::default(),
            unknown: jobs,
        }
    }

    #[test]
    fn one_job_and_many_have_sentences_of_their_own() {
        let text = "note: 1 job that failed, charged or possibly charged (an unknown amount): it stays as it is; with --again it is submitted again too, and charged separately";
        assert_eq!(left_out(&spent(1), 1), text);
        let text = "note: 3 jobs that failed, charged or possibly charged (an unknown amount): they stay as they are; with --again they are submitted again too, and charged separately";
        assert_eq!(left_out(&spent(3), 3), text);
        let text = "Already charged, or possibly charged, for 1 job: an unknown amount. The new attempt is charged separately.";
        assert_eq!(already_spent(&spent(1), 1), text);
        let text = "Already charged, or possibly charged, for 2 jobs: an unknown amount. The new attempts are charged separately.";
        assert_eq!(already_spent(&spent(2), 3), text);
    }
}
