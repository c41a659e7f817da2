//! Waiting for jobs: with a driver in this process or another, with Ctrl-C, with
//! something to see.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use zoetrope_host::driver::{DriveMode, DriverError, WaitFor};
use zoetrope_host::jobs::{Jobs, NextStep};
use zoetrope_host::ledger::{Job, Rows};

use super::interrupts::Interrupts;
use super::report::{Failure, Phase, next_step, of_driver, of_jobs, of_ledger, outcome};
use super::view::View;

/// How long after a Ctrl-C a second one asks the provider to cancel.
const GRACE: Duration = Duration::from_secs(3);

/// How long a cancellation may take before it is left to whoever resumes the job.
const CANCELLATION: Duration = Duration::from_secs(20);

/// Where a Ctrl-C has led to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Interruption {
    None,
    NoNewSubmits,
    Cancel,
}

/// Works until these jobs are where they should be, or the user ends it; their rows then.
pub(super) async fn wait_for(
    jobs: &Jobs,
    view: &Arc<View>,
    ids: &[String],
    until: WaitFor,
    interrupts: &mut Interrupts,
) -> Result<Rows, Failure> {
    view.watch(ids);
    let (sender, work) = watch::channel(DriveMode::Normal);
    let mut waiting = Box::pin(jobs.wait(ids.iter().cloned(), until, work));
    let mut interruption = Interruption::None;
    let mut deadline = Instant::now();
    let waited = loop {
        tokio::select! {
            waited = &mut waiting => break waited,
            () = interrupts.next() => match interruption {
                Interruption::None => {
                    view.say("Interrupted: nothing more is submitted. Ctrl-C again within 3 s asks the provider to cancel.");
                    interruption = Interruption::NoNewSubmits;
                    deadline = Instant::now() + GRACE;
                    sender.send_replace(DriveMode::NoNewSubmits);
                }
                Interruption::NoNewSubmits => {
                    view.say("Asking the provider to cancel.");
                    interruption = Interruption::Cancel;
                    deadline = Instant::now() + CANCELLATION;
                    // Whatever keeps it from being written down keeps no submit from its end.
                    if let Err(error) = jobs.cancel_awaited(ids).await {
                        view.say(of_jobs(error, "").message());
                    }
                }
                Interruption::Cancel => {
                    sender.send_replace(DriveMode::Draining);
                }
            },
            () = sleep_until(deadline), if interruption != Interruption::None && *sender.borrow() != DriveMode::Draining => {
                sender.send_replace(DriveMode::Draining);
            }
        }
    };
    view.end();
    waited.map_err(|error| stopped(&error, jobs, view, ids))?;
    let mut rows = Rows::default();
    for id in ids {
        match jobs.ledger().job(id) {
            Ok(job) => rows.jobs.extend(job),
            Err(error) if error.damaged_row().is_some() => rows.damaged.push(error),
            Err(error) => return Err(of_ledger(&error)),
        }
    }
    Ok(rows)
}

/// The ledger failed while jobs were under way: some may be paid for.
fn stopped(error: &DriverError, jobs: &Jobs, view: &View, ids: &[String]) -> Failure {
    let rows = ids.iter().map(|id| jobs.ledger().job(id).ok().flatten());
    let rows: Vec<_> = rows.collect();
    let charges = rows.iter().map(|row| row.as_ref().map(Job::charge));
    let charge = outcome::charge_of(charges);
    let next = next_step::then(&NextStep::of_driver(error), &view.way_on(ids));
    let failure = of_driver(error);
    match rows.as_slice() {
        [Some(job)] => failure
            .about(job)
            .under_way(outcome::phase(job), charge, next),
        _ => failure.under_way(Phase::Submit, charge, next),
    }
}
