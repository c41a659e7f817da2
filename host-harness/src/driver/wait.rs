//! How long a driver works, and what for.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::watch;

use crate::ledger::Job;

/// How often a process looks for what others have written.
pub(super) const GLANCE: Duration = Duration::from_millis(100);

/// How much longer a [`Driver`](super::Driver) is to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Until what it waits for is settled.
    On,
    /// The same, without submitting anything more.
    WithoutSubmits,
    /// Only until the submits on their way are answered.
    Ending,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Nothing happens any more until somebody says so: [`Job::is_settled`].
    Settled,
    /// The provider has taken it, or it is settled.
    Accepted,
}

impl Until {
    pub(super) fn is_met(self, job: &Job) -> bool {
        job.is_settled() || self == Self::Accepted && job.ticket().is_some()
    }
}

/// The jobs that this process waits for.
pub(super) struct Waiting {
    pub(super) ids: HashSet<String>,
    pub(super) until: Until,
}

/// Waits for the next change of `work`. Never returns once its sender is gone.
pub(super) async fn changed(work: &mut watch::Receiver<Work>) {
    if work.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
