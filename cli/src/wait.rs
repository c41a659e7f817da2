//! Waits for jobs, driven by this process or another one; shows progress and handles Ctrl-C.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use zoetrope_host::driver::{DriveMode, DriverError, WaitFor};
use zoetrope_host::jobs::{Jobs, NextStep};
use zoetrope_host::ledger::{Job, Rows};

use super::interrupts::Interrupts;
use super::progress::Progress;
use super::report::unsubmitted::{at_interrupt, at_second_interrupt};
use super::report::{Failure, Phase, next_step, of_driver, of_jobs, of_ledger, outcome};
use super::stop::Stop;

/// The time after a Ctrl-C in which a second one cancels the jobs at the provider.
const GRACE: Duration = Duration::from_secs(3);

/// The longest wait for a cancellation. After that, `zoetrope jobs resume` finishes it.
const CANCELLATION: Duration = Duration::from_secs(20);

/// The time between two reads of the jobs that another process submits.
const ACCEPTANCES: Duration = Duration::from_secs(1);

/// The most rows that are read at once: jobs are submitted in the order in which they were made.
const MAX_READ: usize = 50;

/// Waits until these jobs have reached `until` or the user interrupts; returns their rows.
pub(super) async fn wait_for(
    jobs: &Jobs,
    progress: &Arc<Progress>,
    ids: &[String],
    until: WaitFor,
    interrupts: &mut Interrupts,
) -> Result<Rows, Failure> {
    // A ledger that cannot be read ends the wait.
    progress.watch(ids, &rows(jobs, progress, ids).unwrap_or_default());
    let (sender, work) = watch::channel(DriveMode::Normal);
    let mut waiting = Box::pin(async {
        tokio::select! {
            waited = jobs.wait(ids.iter().cloned(), until, work) => waited,
            never = report_acceptances(jobs, progress, ids) => match never {},
        }
    });
    let mut stop = Stop::None;
    let mut deadline = Instant::now();
    let mut cancelling = None;
    let waited = loop {
        tokio::select! {
            waited = &mut waiting => break waited,
            interrupt = interrupts.next() => {
                let before = stop;
                stop = stop.after(interrupt);
                if stop == before {
                    continue;
                }
                if let Some(message) = said(stop, jobs, progress, ids) {
                    progress.message(&message);
                }
                match stop {
                    Stop::None => {}
                    Stop::NoNewSubmits => {
                        deadline = Instant::now() + GRACE;
                        sender.send_replace(DriveMode::NoNewSubmits);
                    }
                    Stop::Cancel => {
                        deadline = Instant::now() + CANCELLATION;
                        cancelling = Some(Box::pin(jobs.cancel_awaited(ids)));
                    }
                    Stop::Drain => {
                        sender.send_replace(DriveMode::Draining);
                    }
                    // The ledger may be held by a process that never ends.
                    Stop::AtOnce => break Ok(()),
                }
            }
            cancelled = finished(&mut cancelling) => {
                cancelling = None;
                // If this cannot be recorded, submits in flight are still awaited.
                if let Err(error) = cancelled {
                    progress.message(of_jobs(error, "").message());
                }
            }
            () = sleep_until(deadline), if stop.has_deadline() && *sender.borrow() != DriveMode::Draining => {
                sender.send_replace(DriveMode::Draining);
            }
        }
    };
    if cancelling.is_some() && *sender.borrow() == DriveMode::Draining {
        progress.message("Not every cancellation is recorded.");
    }
    ended(waited, jobs, progress, ids)
}

/// The rows after a wait.
fn ended(
    waited: Result<(), DriverError>,
    jobs: &Jobs,
    progress: &Progress,
    ids: &[String],
) -> Result<Rows, Failure> {
    if let Err(error) = waited {
        progress.end();
        return Err(stopped(&error, jobs, progress, ids));
    }
    let rows = rows(jobs, progress, ids);
    progress.finish(rows.as_ref().map_or(&[], |rows| rows.jobs.as_slice()));
    let mut rows = rows?;
    progress.explain(&mut rows.jobs);
    Ok(rows)
}

/// What the user is told at a signal.
fn said(stop: Stop, jobs: &Jobs, progress: &Progress, ids: &[String]) -> Option<String> {
    let read = || rows(jobs, progress, ids).unwrap_or_default().jobs;
    let unsubmitted = match stop {
        Stop::NoNewSubmits => at_interrupt(&read(), &progress.options()),
        Stop::Cancel => at_second_interrupt(&read()).map(str::to_owned),
        _ => None,
    };
    unsubmitted.or_else(|| stop.message(ids.len()).map(str::to_owned))
}

/// Reports the jobs that another process has submitted for this one: of many, the driver reports
/// those of its own process alone.
async fn report_acceptances(jobs: &Jobs, progress: &Progress, ids: &[String]) -> Infallible {
    loop {
        sleep(ACCEPTANCES).await;
        for id in progress.unreported(ids, MAX_READ) {
            if let Ok(Some(job)) = jobs.ledger().job(&id) {
                progress.report_acceptance(&job);
            }
        }
    }
}

/// The rows of these jobs.
pub(super) fn rows(jobs: &Jobs, progress: &Progress, ids: &[String]) -> Result<Rows, Failure> {
    let mut rows = Rows::default();
    for id in ids {
        match jobs.ledger().job(id) {
            Ok(Some(job)) => rows.jobs.push(job),
            // Its key is known, and the job was removed before or meanwhile.
            Ok(None) => {
                let removed = jobs.removed(id);
                let removed = removed.map_err(|error| of_jobs(error, &progress.options()))?;
                rows.jobs.extend(removed);
            }
            Err(error) if error.damaged_row().is_some() => rows.damaged.push(error),
            Err(error) => return Err(of_ledger(&error, &progress.options())),
        }
    }
    Ok(rows)
}

/// The result of the work, once there is one.
async fn finished<T>(work: &mut Option<impl Future<Output = T> + Unpin>) -> T {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

/// The failure of the ledger while jobs are in flight, some of which may be charged.
pub(super) fn stopped(
    error: &DriverError,
    jobs: &Jobs,
    progress: &Progress,
    ids: &[String],
) -> Failure {
    let rows = ids.iter().map(|id| jobs.ledger().job(id).ok().flatten());
    let rows: Vec<_> = rows.collect();
    let charges = rows.iter().map(|row| row.as_ref().map(Job::charge));
    let charge = outcome::charge_of(charges);
    let resume = progress.resume_commands(ids);
    let next = match error {
        DriverError::Outwaited => resume,
        error => next_step::then_resume(&NextStep::of_driver(error), &resume),
    };
    let failure = of_driver(error, &progress.options());
    match rows.as_slice() {
        [Some(job)] => failure
            .about(job)
            .in_flight(outcome::phase(job), charge, next),
        _ => failure.in_flight(Phase::Submit, charge, next),
    }
}
