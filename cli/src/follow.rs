//! Follows jobs that were submitted, without submitting any: beside the process that drives them, or
//! by polling them where none does.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use zoetrope_host::driver::{
    DriveMode, DriverError, LockState, WaitFor, deadline_after, lock_state,
};
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::Jobs;
use zoetrope_host::ledger::{Job, Rows, State};

use super::context::Context;
use super::interrupts::Interrupts;
use super::progress::Progress;
use super::report::{Failure, of_jobs};
use super::wait::{rows, stopped};

/// The time between two reads of jobs that another process drives.
const INTERVAL: Duration = Duration::from_secs(1);

/// The deadline in place of one that is too far for the clock.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// The most rows that are read at once.
const CHUNK: usize = 500;

/// Jobs to follow.
pub(super) struct Follow<'a> {
    pub(super) context: &'a Context,
    pub(super) jobs: &'a Jobs,
    pub(super) progress: &'a Arc<Progress>,
    pub(super) ids: &'a [String],
    pub(super) limit: Duration,
}

/// How a part of the wait has ended.
enum Ended {
    Settled,
    /// The deadline has passed, or the user leaves.
    Left,
}

impl Follow<'_> {
    /// Waits until no process works on these jobs and none is at its provider, or until the deadline
    /// or a signal; returns their rows. The jobs go on in any case.
    pub(super) async fn until_ended(&self, interrupts: &mut Interrupts) -> Result<Rows, Failure> {
        let first = rows(self.jobs, self.progress, self.ids)?;
        self.progress.watch(self.ids, &first);
        let now = Instant::now();
        let end = now.checked_add(self.limit).unwrap_or(now + LONGEST);
        let mut rows_now = first;
        let mut is_first = true;
        loop {
            let jobs = rows_now.jobs.iter();
            let open: Vec<_> = jobs.filter(|job| is_open(job, is_first)).collect();
            if open.is_empty() {
                break;
            }
            let is_driven = self.is_driven();
            if !is_driven {
                for job in open.iter().filter(|job| is_at_provider(job)) {
                    self.resume(job, end).await?;
                }
                // Beside a process that drives, one that has stopped waits for its turn.
                is_first = false;
            }
            let ids: Vec<_> = open.iter().map(|job| job.spec.id.clone()).collect();
            let ended = self.wait(&ids, end, interrupts).await?;
            rows_now = rows(self.jobs, self.progress, self.ids)?;
            self.progress.show_rows(&rows_now.jobs);
            if matches!(ended, Ended::Left) {
                break;
            }
            // Beside a process that drives, a job may have stopped alone.
            if rows_now.jobs.iter().any(|job| is_open(job, is_first)) {
                tokio::select! {
                    () = sleep(INTERVAL) => {}
                    _ = interrupts.next() => break,
                    () = sleep_until(end) => break,
                }
            }
        }
        self.progress.finish(&rows_now.jobs);
        Ok(rows_now)
    }

    fn is_driven(&self) -> bool {
        let data_dir = self.context.data_dir();
        let state = data_dir.ok().and_then(|folder| lock_state(&folder).ok());
        state == Some(LockState::Held)
    }

    /// Lets this process poll a job until its deadline.
    async fn resume(&self, job: &Job, end: Instant) -> Result<(), Failure> {
        let left = end.saturating_duration_since(Instant::now());
        let resumed = self.jobs.resume(job, deadline_after(left)).await;
        resumed.map_err(|error| of_jobs(error, &self.progress.options()))?;
        Ok(())
    }

    async fn wait(
        &self,
        ids: &[String],
        end: Instant,
        interrupts: &mut Interrupts,
    ) -> Result<Ended, Failure> {
        let (sender, modes) = watch::channel(DriveMode::Following);
        let waiting = self.jobs.wait(ids.iter().cloned(), WaitFor::Settled, modes);
        let mut waiting = Box::pin(waiting);
        let mut ended = Ended::Settled;
        let waited = loop {
            let is_left = matches!(ended, Ended::Left);
            tokio::select! {
                waited = &mut waiting => break waited,
                _ = interrupts.next() => {
                    if is_left {
                        break Ok(());
                    }
                    self.progress.note("Leaving. The jobs go on.");
                    ended = Ended::Left;
                    sender.send_replace(DriveMode::Draining);
                }
                () = sleep_until(end), if !is_left => {
                    self.progress.note("The deadline of this command has passed. The jobs go on.");
                    ended = Ended::Left;
                    sender.send_replace(DriveMode::Draining);
                }
                () = sleep(INTERVAL) => self.read_again(),
            }
        };
        match waited {
            Ok(()) | Err(DriverError::Outwaited) => Ok(ended),
            Err(error) => {
                self.progress.end();
                Err(stopped(&error, self.jobs, self.progress, self.ids))
            }
        }
    }

    /// Shows what another process has changed: of many jobs, the driver reports those of its own
    /// process alone.
    fn read_again(&self) {
        let ids = self.progress.unfinished();
        for ids in ids.chunks(CHUNK) {
            let ids: Vec<_> = ids.iter().map(String::as_str).collect();
            if let Ok(rows) = self.jobs.ledger().rows_of(&ids) {
                self.progress.show_rows(&rows.jobs);
            }
        }
    }
}

/// Whether the provider has the job, or its result.
pub(super) fn is_at_provider(job: &Job) -> bool {
    matches!(job.state(), State::Started | State::Succeeded)
}

/// Whether a job is followed. `is_first`: also one that has stopped at its provider, whatever the
/// reason was; later, only one whose deadline has passed.
fn is_open(job: &Job, is_first: bool) -> bool {
    if job.is_done() {
        return false;
    }
    let kind = job.last_error.as_ref().map(|error| error.kind);
    !job.is_settled() || is_at_provider(job) && (is_first || kind == Some(ErrorKind::Deadline))
}
