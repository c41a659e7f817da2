//! Counts the requests of a pack: its own, and the uploads that it plans.

use super::error::{Denial, NotSent};
use super::spans;
use crate::policy::{PackLimit, Quota};

/// Counts a request of the pack with this quota, and denies it beyond the pack's limits. `header`
/// is the number of bytes that count as its header.
pub(super) fn count(quota: &Quota, header: u64) -> Result<(), NotSent> {
    let permissions = quota.permissions();
    if header > permissions.bounds().of_one(PackLimit::HeaderBytes) {
        let denial: Denial = permissions.beyond(PackLimit::HeaderBytes).into();
        spans::denied(&denial);
        return Err(NotSent::denied(denial));
    }
    if !quota.take_request() {
        let missing = permissions.beyond(PackLimit::RequestsPerMinute);
        return Err(NotSent::PutOff(missing));
    }
    Ok(())
}
