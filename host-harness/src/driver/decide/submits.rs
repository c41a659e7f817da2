//! A submit: whether one may go out, and what becomes of a row when one does or does not.

use super::{Step, trouble};
use crate::contract::Charge;
use crate::driver::event::{Action, SubmitVerdict};
use crate::ledger::{Job, Millis, State, Trouble};

/// Submits that fail in a row before somebody must look: nothing left, or turned away.
const SUBMITS: u32 = 4;

/// Whether a submit may go out now: for the first time, or under a key that the first one
/// carried and the provider still honours.
#[must_use]
pub fn may_submit(job: &Job, now: Millis) -> bool {
    let window = job.order.idempotency_ms;
    let within = job
        .submitted_at
        .is_some_and(|first| now >= first && now - first < window);
    let is_known_again = job.keyed && within;
    matches!(job.state, State::Queued | State::OutcomeUnknown) && (!job.doubtful || is_known_again)
}

impl Step<'_> {
    pub(super) fn leave(&mut self, sha256: String, keyed: bool) -> Action {
        let other = self
            .job
            .submit_sha256
            .as_ref()
            .is_some_and(|before| *before != sha256);
        if !may_submit(self.job, self.now) || (self.job.doubtful && (other || !keyed)) {
            return Action::HoldBack;
        }
        let job = &mut *self.job;
        job.state = State::Submitting;
        job.submit_sha256 = Some(sha256);
        job.keyed = keyed;
        job.submits += 1;
        job.submitted_at.get_or_insert(self.now);
        job.charge = Charge::Unknown;
        Action::LetGo
    }

    pub(super) fn submit_failed(&mut self, trouble: Trouble, verdict: SubmitVerdict) {
        let job = &mut *self.job;
        let left = job.state == State::Submitting;
        if verdict == SubmitVerdict::Unknown && left {
            job.doubtful = true;
        }
        if job.doubtful {
            job.state = State::OutcomeUnknown;
        } else {
            job.state = State::Queued;
            job.charge = Charge::No;
            job.submitted_at = None;
        }
        job.tries += 1;
        let again = job.tries < SUBMITS && may_submit(job, self.now);
        match verdict {
            SubmitVerdict::Refused if !job.doubtful => self.end(State::Failed, trouble, Charge::No),
            _ if job.cancel_wanted && !job.doubtful => self.cancel_unsent(),
            SubmitVerdict::Again { after } if again => self.retry(trouble, after),
            SubmitVerdict::Unknown if again => self.retry(trouble, None),
            _ => self.halt(trouble),
        }
    }

    pub(super) fn start(&mut self, ticket: String, provider_job_id: String) {
        let job = &mut *self.job;
        job.state = State::Started;
        job.ticket = Some(ticket);
        job.provider_job_id = Some(provider_job_id);
        job.charge = Charge::Unknown;
        job.doubtful = false;
        job.trouble = None;
        job.tries = 0;
        job.pause_ms = 0;
    }

    pub(super) fn cancel_unsent(&mut self) {
        let nothing = trouble("cancelled", "cancelled before the provider took anything");
        self.end(State::Cancelled, nothing, Charge::No);
    }
}
