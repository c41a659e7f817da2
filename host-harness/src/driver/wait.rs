//! How long a driver works, and what for.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::watch;

use crate::error::chain;
use crate::ledger::{DamagedRow, Job, Rows};

/// How often a process looks for what others have written.
pub(super) const LEDGER_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How much longer a [`Driver`](super::Driver) is to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveMode {
    /// Until what it waits for is settled.
    Normal,
    /// The same, without submitting anything more.
    NoNewSubmits,
    /// Only until the submits on their way are answered.
    Draining,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// Nothing happens any more until somebody says so: [`Job::is_settled`].
    Settled,
    /// The provider has taken it, or it is settled.
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
    /// Leaves out the damaged ones of these rows, which nothing can change: their ids.
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

/// Waits for the next change of `work`. Never returns once its sender is gone.
pub(super) async fn changed(work: &mut watch::Receiver<DriveMode>) {
    if work.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
