//! What a process that waits does about the one that drives: it keeps its own deadlines, and reports
//! a driver that is not at work.

use futures::future::try_join_all;
use tokio::time::{Instant, sleep};

use super::error::DriverError;
use super::held_up::HeldUp;
use super::listener::JobUpdate;
use super::shared::Shared;
use super::wait::{LATE_INTERVAL, LEDGER_POLL_INTERVAL, Waiting};
use super::watch::Watch;
use crate::ledger::{Ledger, State};

/// What a process that waits knows of the others.
pub(super) struct Others {
    watch: Watch,
    /// Whether it was reported that the driver is not at work.
    is_reported: bool,
    next_late_at: Instant,
    /// Why the wait for some jobs has ended whose rows do not say it.
    ended_by: Option<DriverError>,
}

impl Others {
    pub(super) fn begin() -> Self {
        Self {
            watch: Watch::begin(),
            is_reported: false,
            next_late_at: Instant::now(),
            ended_by: None,
        }
    }

    fn held_up(&self) -> HeldUp {
        HeldUp {
            process: self.watch.process().cloned(),
        }
    }

    /// The result of a wait in which no job is left.
    pub(super) fn ended(&mut self) -> Result<(), DriverError> {
        match self.ended_by.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Whether a process has a row as the driver.
    pub(super) fn is_driven(&self) -> bool {
        self.watch.process().is_some()
    }

    /// Reads the row of the driver.
    pub(super) fn look(&mut self, ledger: &Ledger) {
        self.watch.look(ledger);
    }

    /// Looks at the row of the driver until this process, which has the lock, may drive; `false` if
    /// another one turns out to be at work.
    pub(super) async fn wait_to_drive(&mut self, ledger: &Ledger) -> bool {
        let before = self.watch.process().cloned();
        while !self.watch.may_drive() {
            sleep(LEDGER_POLL_INTERVAL).await;
            self.watch.look(ledger);
            if self
                .watch
                .process()
                .is_some_and(|process| before.as_ref() != Some(process))
            {
                return false;
            }
        }
        true
    }

    /// Whether this process, which has the lock, may drive.
    pub(super) fn allow_driving(&self) -> bool {
        self.watch.may_drive()
    }

    /// Ends the wait for jobs whose deadline has passed, and which the process that drives has not
    /// ended. It may be stopped; this process does not drive instead of it, but records the end.
    pub(super) async fn end_late(
        &mut self,
        shared: &Shared,
        waiting: &mut Waiting,
    ) -> Result<(), DriverError> {
        if self.next_late_at > Instant::now() {
            return Ok(());
        }
        self.next_late_at = Instant::now() + LATE_INTERVAL;
        let is_live = self.watch.is_live();
        let held_up = self.held_up();
        // The row has the deadline of another command: this process ends its own wait alone.
        for id in shared.late_alone(waiting)? {
            waiting.ids.remove(&id);
            self.ended_by = Some(if is_live {
                DriverError::Outwaited
            } else {
                DriverError::HeldUp {
                    held_up: held_up.clone(),
                }
            });
        }
        let mut late = Vec::new();
        for id in shared.late(waiting) {
            let Some(job) = shared.ledger.readable_job(&id)? else {
                continue;
            };
            let is_busy_with_it = job.schedule.cancel_wanted
                || matches!(job.state(), State::Submitting | State::Succeeded);
            if !(is_busy_with_it && is_live) {
                late.push(shared.deadlines.rebased(job, true));
            }
        }
        // Concurrent, so that they share group commits.
        let ends = late
            .into_iter()
            .map(|job| Box::pin(shared.steps.end_wait(job)));
        for job in try_join_all(ends).await? {
            if !job.is_settled() {
                // The process at work has changed the row meanwhile: it is looked at again.
                if is_live {
                    continue;
                }
                self.ended_by = Some(DriverError::HeldUp {
                    held_up: held_up.clone(),
                });
            } else if !is_live {
                (shared.steps.listener)(&job.spec.id, JobUpdate::WaitEnded(&held_up));
            }
            waiting.ids.remove(&job.spec.id);
        }
        Ok(())
    }

    /// Reports once that the process that drives is not at work.
    pub(super) fn report_silence(&mut self, shared: &Shared, waiting: &Waiting) {
        if self.watch.is_live() {
            self.is_reported = false;
        } else if !std::mem::replace(&mut self.is_reported, true)
            && let Some(id) = waiting.ids.iter().next()
        {
            let held_up = self.held_up();
            (shared.steps.listener)(id, JobUpdate::HeldUp(&held_up));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::this_process::new_term;
    use crate::ledger::DrivingProcess;

    #[tokio::test]
    async fn process_does_not_settle_the_submits_of_one_that_is_at_work_elsewhere() {
        let folder = tempfile::tempdir().expect("folder");
        let [own, other] = [(); 2].map(|()| Ledger::open(folder.path()).expect("ledger"));
        let mut others = Others::begin();
        others.look(&own);
        assert!(others.wait_to_drive(&own).await, "no process drives");
        let process = DrivingProcess {
            host: "another machine".into(),
            ..new_term()
        };
        let later = process.since + 1;
        other.begin_driving(process);
        others.look(&own);
        let (may_drive, ()) = tokio::join!(others.wait_to_drive(&own), async {
            other.note_driving(later);
        });
        assert!(!may_drive);
    }
}
