//! Waiting for jobs: with a driver in this process or another, with Ctrl-C, with
//! something to see.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use zoetrope_host::contract::Charge;
use zoetrope_host::driver::event::Event;
use zoetrope_host::driver::{Driver, DriverError, Until, Work};
use zoetrope_host::ledger::Job;

use super::failure::{Failure, Phase, of_driver, of_ledger};
use super::interrupts::Interrupts;
use super::outcome;
use super::view::View;

/// How long after a Ctrl-C a second one asks the provider to cancel.
const GRACE: Duration = Duration::from_secs(3);

/// How long a cancellation may take before it is left to whoever resumes the job.
const CANCELLATION: Duration = Duration::from_secs(20);

/// Where a Ctrl-C has led to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    GoOn,
    Stop,
    Cancel,
}

/// Works until these jobs are where they should be, or somebody has enough; how they
/// stand then.
pub(super) async fn drive(
    driver: &Driver,
    view: &Arc<View>,
    ids: &[String],
    until: Until,
    interrupts: &mut Interrupts,
) -> Result<Vec<Job>, Failure> {
    view.watch(ids);
    let (sender, work) = watch::channel(Work::On);
    let mut waiting = Box::pin(driver.wait(ids.iter().cloned(), until, work));
    let mut wish = Wish::GoOn;
    let mut patience = Instant::now();
    let waited = loop {
        tokio::select! {
            waited = &mut waiting => break waited,
            () = interrupts.next() => match wish {
                Wish::GoOn => {
                    view.say("Interrupted: nothing more is submitted. Ctrl-C again within 3 s asks the provider to cancel.");
                    wish = Wish::Stop;
                    patience = Instant::now() + GRACE;
                    sender.send_replace(Work::WithoutSubmits);
                }
                Wish::Stop => {
                    view.say("Asking the provider to cancel.");
                    wish = Wish::Cancel;
                    patience = Instant::now() + CANCELLATION;
                    // Whatever keeps it from being written down keeps no submit from its end.
                    if let Err(failure) = cancel(driver, ids).await {
                        view.say(failure.message());
                    }
                }
                Wish::Cancel => {
                    sender.send_replace(Work::Ending);
                }
            },
            () = sleep_until(patience), if wish != Wish::GoOn && *sender.borrow() != Work::Ending => {
                sender.send_replace(Work::Ending);
            }
        }
    };
    view.end();
    waited.map_err(|error| stopped(&error, driver, view, ids))?;
    let mut jobs = Vec::with_capacity(ids.len());
    for id in ids {
        let job = driver.ledger().job(id);
        jobs.extend(job.map_err(|error| of_ledger(&error))?);
    }
    Ok(jobs)
}

/// The ledger failed while jobs were under way: some may be paid for.
fn stopped(error: &DriverError, driver: &Driver, view: &View, ids: &[String]) -> Failure {
    let rows = ids.iter().map(|id| driver.ledger().job(id).ok().flatten());
    let rows: Vec<_> = rows.collect();
    let charge_of = |row: &Option<Job>| row.as_ref().map_or(Charge::Unknown, Job::charge);
    let any = |charge| rows.iter().any(|row| charge_of(row) == charge);
    let charge = match (any(Charge::Unknown), any(Charge::Yes)) {
        (true, _) => Charge::Unknown,
        (false, true) => Charge::Yes,
        (false, false) => Charge::No,
    };
    let failure = of_driver(error);
    match rows.as_slice() {
        [Some(job)] => failure
            .under_way(outcome::phase(job), charge, &view.way_on(ids))
            .of_job(outcome::facts(job)),
        _ => failure.under_way(Phase::Submit, charge, &view.way_on(ids)),
    }
}

/// Tells a job's row what somebody wants. What may have been spent for it is said, should
/// that fail.
pub(super) async fn tell(driver: &Driver, job: &Job, event: &Event) -> Result<Job, Failure> {
    let told = driver.tell(job, event).await;
    told.map_err(|error| of_driver(&error).about(job))
}

async fn cancel(driver: &Driver, ids: &[String]) -> Result<(), Failure> {
    for id in ids {
        let job = driver.ledger().job(id);
        if let Some(job) = job.map_err(|error| of_ledger(&error))? {
            tell(driver, &job, &Event::CancelWanted).await?;
        }
    }
    Ok(())
}
