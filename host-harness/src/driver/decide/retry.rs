//! The command to submit a job again after it has ended.

use super::step::Step;
use crate::contract::Charge;
use crate::ledger::{Job, Millis, PastSubmits, Stage};

/// Whether a job can be submitted again: it ended without a result, and nothing was charged, or the
/// user accepts a further charge.
#[must_use]
pub fn may_retry(job: &Job, again: bool) -> bool {
    let has_ended = matches!(job.stage, Stage::Failed { .. } | Stage::Cancelled { .. });
    has_ended && !job.lacks_input() && (again || job.charge() == Charge::No)
}

impl Step<'_> {
    /// The next attempt under the same row. The provider receives another key, so it does not take
    /// the attempt for the one before it.
    pub(super) fn try_again(&mut self, deadline_at: Millis, requester: String, again: bool) {
        let job = &mut *self.job;
        let Some(retries) = job.retries.checked_add(1).filter(|_| may_retry(job, again)) else {
            return;
        };
        let (_, submits) = std::mem::take(&mut job.stage).into_past();
        job.stage = Stage::Queued {
            earlier: match submits {
                PastSubmits::None => None,
                PastSubmits::NotAccepted(attempts) => Some(attempts),
                PastSubmits::Sent(submit) => Some(submit.attempts),
            },
        };
        job.retries = retries;
        job.billing.next_attempt();
        job.last_error = None;
        let schedule = &mut job.schedule;
        schedule.requester = requester;
        schedule.deadline_at = deadline_at;
        schedule.next_at = Some(self.now);
        schedule.backoff_ms = 0;
        schedule.attempts = 0;
        schedule.cancel_wanted = false;
        schedule.cancel_sent_at = None;
        schedule.clear_failures();
    }
}
