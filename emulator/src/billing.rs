//! What really happened at the provider, for whoever tests a client against it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where the account is; no fault touches it.
pub(crate) const BILLING_PATH: &str = "/v1/practice/account";

/// Every job of a data directory, and sums over them.
///
/// The jobs are those of the journal, so they survive a restart. What the journal does not hold
/// begins anew with each process: repeated and refused submissions, and polls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billing {
    /// The jobs in the order in which they were made.
    pub jobs: Vec<JobBill>,
    /// The sums.
    pub totals: Totals,
    /// The most polls of one job that were under way at the same time, for ten milliseconds at
    /// least. A poll lasts from its
    /// arrival until its reply is about to leave, with the pauses of its faults; one whose client
    /// goes away ends with that.
    pub most_polls_at_once_for_one_job: usize,
}

/// One job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobBill {
    /// Its id on the wire.
    pub id: Uuid,
    /// The idempotency key it was submitted with, also where keys are ignored.
    pub key: Option<String>,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    pub status: String,
    /// Whether it was paid for: once, when it has succeeded.
    pub charged: bool,
    /// How many submissions were answered with it: 1, and one more for each repetition.
    pub submits: u64,
}

/// Sums over all jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Jobs that were made.
    pub created: u64,
    /// Jobs that were paid for.
    pub charged: u64,
    /// Submissions that could be read, also those that were refused for their key or a full queue.
    pub submissions: u64,
    /// Submissions that were answered with the job of an earlier one.
    pub replayed: u64,
}
