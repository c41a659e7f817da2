//! Changes of a row that all groups of events share: next times, errors, ends.

use crate::contract::Charge;
use crate::driver::backoff;
use crate::driver::clock::Time;
use crate::ledger::{Failures, Job, JobError, Millis, Stage};

/// A row that is changed into the next one, and the time.
pub(super) struct Step<'a> {
    pub(super) job: &'a mut Job,
    pub(super) now: Millis,
    /// See [`Time::latest`](crate::driver::clock::Time::latest).
    pub(super) latest: Millis,
}

impl Step<'_> {
    /// The time of the decision.
    pub(super) fn time(&self) -> Time {
        Time {
            now: self.now,
            latest: self.latest,
        }
    }
}

/// How a job ends without a result.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    Failed,
    Cancelled,
}

impl Step<'_> {
    pub(super) fn end(&mut self, ending: Ending, error: JobError, charge: Charge) {
        let job = &mut *self.job;
        let (provider_job, submits) = std::mem::take(&mut job.stage).into_past();
        job.stage = match ending {
            Ending::Failed => Stage::Failed {
                job: provider_job,
                submits,
            },
            Ending::Cancelled => Stage::Cancelled {
                job: provider_job,
                submits,
            },
        };
        job.billing.charge = charge;
        // The cost that was announced at the acceptance is not charged.
        job.billing.cost.take_if(|_| charge == Charge::No);
        job.last_error = Some(error);
        job.schedule.cancel_wanted = false;
        job.schedule.next_at = None;
    }

    /// Sets the next time after the provider's own delay, else after a growing pause.
    pub(super) fn wait(&mut self, hint: Option<Millis>) {
        let job = &mut *self.job;
        let pause = if let Some(hint) = hint {
            backoff::bounded(hint)
        } else {
            job.schedule.backoff_ms = backoff::longer(job.schedule.backoff_ms);
            backoff::jittered(job.schedule.backoff_ms, &job.spec.id, self.now)
        };
        let is_awaited = !job.schedule.cancel_wanted;
        self.sleep(self.now + if is_awaited { pause } else { 0 });
    }

    /// Sets the next time, at the latest at the deadline.
    pub(super) fn sleep(&mut self, until: Millis) {
        let schedule = &mut self.job.schedule;
        schedule.next_at = Some(until.min(schedule.deadline_at.max(self.now)));
    }

    /// Counts a failure, and sets the next time.
    pub(super) fn retry(&mut self, error: JobError, after: Option<Millis>) {
        let error = self.counted(error);
        let job = &mut *self.job;
        job.last_error = Some(error);
        job.schedule.backoff_ms = backoff::longer(job.schedule.backoff_ms);
        let own = backoff::jittered(job.schedule.backoff_ms, &job.spec.id, self.now);
        let pause = after.map_or(own, |after| backoff::bounded(after).max(own));
        self.sleep(self.now + pause);
    }

    /// Counts a failure after which there is no next attempt until the job is resumed.
    pub(super) fn give_up(&mut self, error: JobError) {
        let error = self.counted(error);
        self.suspend(error);
    }

    /// The error of an attempt, as one more failure after those of the row.
    fn counted(&self, error: JobError) -> JobError {
        let earlier = self.job.last_error.as_ref();
        let earlier = earlier.and_then(|error| error.failures);
        JobError {
            failures: Some(Failures::and_one(earlier, self.now)),
            ..error
        }
    }

    /// No next attempt until the job is resumed.
    pub(super) fn suspend(&mut self, error: JobError) {
        self.job.last_error = Some(error);
        self.job.schedule.next_at = None;
    }
}
