//! When a driver stops working.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::watch;

use crate::error::chain;
use crate::ledger::{DamagedRow, Job, Millis, Rows};

/// How often a process reads the changes of others.
pub(super) const LEDGER_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How often the deadlines of the jobs that a process waits for are compared with the time.
pub(super) const LATE_INTERVAL: Duration = Duration::from_secs(1);

/// How long after its deadline the wait for a job ends that the process which drives has not ended:
/// it polls for up to 2 s longer, and commits.
pub(super) const LATE: Millis = 5_000;

/// How a [`Driver`](super::Driver) works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveMode {
    /// Until the jobs that it waits for are settled.
    Normal,
    /// The same, without new submits.
    NoNewSubmits,
    /// Only until the running submits are answered.
    Draining,
}

/// The state of a job that [`Driver::wait`](super::Driver::wait) waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// The job is done or suspended: [`Job::is_settled`].
    Settled,
    /// The provider has accepted it, or it is settled.
    Accepted,
}

impl WaitFor {
    pub(super) fn is_met(self, job: &Job) -> bool {
        job.is_settled() || self == Self::Accepted && job.ticket().is_some()
    }
}

/// The jobs that this process waits for.
pub(super) struct Waiting {
    pub(super) ids: HashSet<String>,
    pub(super) until: WaitFor,
}

impl Waiting {
    /// Removes the damaged ones of these rows, which no event can change; returns their ids.
    pub(super) fn leave_out(&mut self, rows: &Rows) -> Vec<String> {
        let mut left_out = Vec::with_capacity(rows.damaged.len());
        for error in &rows.damaged {
            if let Some(DamagedRow { job, .. }) = error.damaged_row() {
                tracing::error!(job, error = chain(error), "a job cannot be read");
                self.ids.remove(job);
                left_out.push(job.clone());
            }
        }
        left_out
    }
}

/// Waits for the next change of `modes`. Never returns once its sender is gone.
pub(super) async fn changed(modes: &mut watch::Receiver<DriveMode>) {
    if modes.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Completes once the mode is [`DriveMode::Draining`]. Never completes once its sender is gone.
pub(super) async fn draining(modes: &watch::Receiver<DriveMode>) {
    let mut modes = modes.clone();
    let is_draining = |mode: &DriveMode| *mode == DriveMode::Draining;
    if modes.wait_for(is_draining).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The result of `work`; `None` if the driver drains earlier. A commit that `work` waits for may
/// still happen.
pub(super) async fn unless_draining<T>(
    modes: &watch::Receiver<DriveMode>,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = draining(modes) => None,
    }
}
