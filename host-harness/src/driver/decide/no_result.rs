//! Events of a job that the provider reports as succeeded, without a result.

use super::poll::GRACE;
use super::step::{Ending, Step};
use crate::contract::Charge;
use crate::driver::event::{Action, Event};
use crate::error::ErrorKind;
use crate::ledger::{JobError, Millis, Stage, State};

/// How long a job is polled whose provider reports success without a result: some publish it a
/// little later. Counts from the first such reply since the last one that shows another state.
pub const NO_RESULT: Millis = 60_000;

impl Step<'_> {
    pub(super) fn on_no_result(&mut self, event: Event) -> Action {
        let Event::NoResult {
            ticket,
            provider_job_id,
            error,
            charge,
            reported,
            cost,
        } = event
        else {
            return Action::Wait;
        };
        match (self.job.state(), ticket) {
            (State::Queued | State::Submitting | State::OutcomeUnknown, Some(ticket)) => {
                self.start(ticket, provider_job_id);
            }
            (State::Started, _) => self.is_found(),
            (State::Succeeded, _) => {
                self.no_longer_offered();
                return Action::Wait;
            }
            _ => return Action::Wait,
        }
        let billing = &mut self.job.billing;
        billing.cost = cost.or(billing.cost.take());
        let schedule = &mut self.job.schedule;
        schedule.unrecognized_since = None;
        schedule.unreadable_since = None;
        let since = *schedule.no_result_since.get_or_insert(self.now);
        if self.now - since < NO_RESULT {
            self.retry(error, None);
            return Action::Wait;
        }
        billing.reported = reported;
        // A charge that an earlier reply confirms is not taken back by the absence of a result.
        let charge = match billing.charge {
            Charge::Yes => Charge::Yes,
            _ => charge,
        };
        self.end(Ending::Failed, error, charge);
        Action::Wait
    }

    /// The provider had made the result. A later poll may still return its URL.
    pub(super) fn no_longer_offered(&mut self) {
        let message = "the provider no longer offers the result";
        let error = JobError::new(ErrorKind::DownloadFailed, message);
        self.retry_unrecognized(error, GRACE);
    }

    /// A job that ended without a result is asked about again; returns whether it is one.
    pub(super) fn reopen(&mut self) -> bool {
        let job = &mut *self.job;
        if !job.has_no_result() {
            return false;
        }
        let (provider_job, submits) = std::mem::take(&mut job.stage).into_past();
        let Some(provider_job) = provider_job else {
            return false;
        };
        job.stage = Stage::Started {
            job: provider_job,
            submits,
        };
        // A result would be paid for.
        if job.billing.charge == Charge::No {
            job.billing.charge = Charge::Unknown;
        }
        job.billing.reported = None;
        job.schedule.no_result_since = None;
        true
    }
}
