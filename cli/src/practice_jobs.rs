//! The jobs that the practice provider serves, which cost no real money.

use zoetrope_host::ledger::Job;

/// The origin that is stored with these jobs. That of a configured connection is a URL, whatever its
/// id is.
pub(super) const PRACTICE_ORIGIN: &str = "practice";

/// Whether the practice provider serves a job.
pub(super) fn is_practice(job: &Job) -> bool {
    job.spec.provider_origin == PRACTICE_ORIGIN
}
