//! The jobs that were made and charged, for tests of clients.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The path of the billing report. No fault applies to it.
pub(crate) const BILLING_PATH: &str = "/v1/practice/account";

/// Every job of a data directory, and sums over them.
///
/// The jobs are those of the journal, so they survive a restart. Repeated and refused submissions
/// and polls are not in the journal; each process counts them from zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billing {
    /// The jobs in the order of their submission.
    pub jobs: Vec<JobBill>,
    /// The sums.
    pub totals: Totals,
    /// The highest number of concurrent polls of one job, if they overlapped for at least ten
    /// milliseconds. A poll lasts from its arrival until its reply is sent, including the pauses
    /// of its faults, or until its client disconnects.
    pub most_polls_at_once_for_one_job: usize,
}

/// One job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobBill {
    /// Its id on the wire.
    pub id: Uuid,
    /// The idempotency key of its submission, also where keys are ignored.
    pub key: Option<String>,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    pub status: String,
    /// Whether it was charged. A job is charged once, when it succeeds.
    pub charged: bool,
    /// Number of submissions that were answered with this job: the first and its repetitions.
    pub submits: u64,
}

/// Sums over all jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Jobs that were created.
    pub created: u64,
    /// Jobs that were charged.
    pub charged: u64,
    /// Valid submissions, including those refused because of their key or a full queue.
    pub submissions: u64,
    /// Submissions that were answered with the job of an earlier one.
    pub replayed: u64,
}
