//! Which jobs a command submits that resumes them.

use super::commands::Jobs;
use super::error::JobsError;
use crate::driver::pure::{Time, may_submit};
use crate::ledger::{Job, State};

/// Why resuming a job submits it, which may cost money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Submission {
    /// It was never submitted.
    First,
    /// It was submitted before, and the provider did not accept it; or it waits for a further attempt
    /// that was requested before.
    Further,
    /// It is unknown whether the provider accepted it, and the provider honours its key: it is
    /// charged at most once.
    Repeated,
}

impl Submission {
    /// Why resuming this job submits it; `None`: it is not submitted.
    #[must_use]
    pub fn of(job: &Job, time: impl Into<Time>) -> Option<Self> {
        if !may_submit(job, time) {
            return None;
        }
        Some(match job.state() {
            State::Queued if job.submits() == 0 && job.retries == 0 => Self::First,
            State::Queued => Self::Further,
            _ => Self::Repeated,
        })
    }
}

impl Jobs {
    /// Why resuming this job submits it; `None` if it is not submitted, or by another process, which
    /// requested it and still runs.
    #[must_use]
    pub fn submission_of(&self, job: &Job) -> Option<Submission> {
        let submission = Submission::of(job, Time::of(self.ledger()))?;
        (!self.driver.is_of_another(job)).then_some(submission)
    }

    /// Whether another process submits this job: it requested it and still runs.
    #[must_use]
    pub fn is_submitted_by_another(&self, job: &Job) -> bool {
        Submission::of(job, Time::of(self.ledger())).is_some() && self.driver.is_of_another(job)
    }

    /// Sets the outcome of submits whose process has ended, if no other process drives.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn settle_orphans(&self) -> Result<(), JobsError> {
        Ok(self.driver.settle_orphans().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Charge;
    use crate::driver::pure::{Event, SubmitFailure, decide};
    use crate::error::ErrorKind;
    use crate::ledger::JobError;
    use crate::ledger::Millis;
    use crate::ledger::testing::queued;

    fn after(events: impl IntoIterator<Item = Event>, idempotency_ms: Millis) -> Job {
        let first = queued(idempotency_ms);
        let events = events.into_iter();
        events.fold(first, |job, event| decide(&job, event, 2_000).0)
    }

    fn sent() -> Event {
        Event::SubmitReady {
            sha256: "bytes".into(),
            keyed: true,
            account: None,
            path: "/v1/jobs".into(),
        }
    }

    fn failed(failure: SubmitFailure) -> Event {
        Event::SubmitFailed {
            error: JobError::new(ErrorKind::Unavailable, "no"),
            failure,
        }
    }

    #[test]
    fn job_that_a_resume_submits_says_why() {
        let of = |job: &Job| Submission::of(job, 3_000);
        assert_eq!(of(&after([], 0)), Some(Submission::First));
        let put_off = after(
            [sent(), failed(SubmitFailure::Retryable { after: None })],
            0,
        );
        assert_eq!(of(&put_off), Some(Submission::Further));
        let retried = Event::Retried {
            after: 0,
            deadline_at: 9_000,
            requester: "r".into(),
            again: false,
        };
        let refused = failed(SubmitFailure::Refused { charge: Charge::No });
        let waiting = after([sent(), refused, retried], 0);
        assert_eq!(of(&waiting), Some(Submission::Further));
        let unknown = [sent(), failed(SubmitFailure::Unknown)];
        let honoured = after(unknown.clone(), 60_000);
        assert_eq!(of(&honoured), Some(Submission::Repeated));
        assert_eq!(Submission::of(&honoured, 100_000), None, "later");
        assert_eq!(of(&after(unknown, 0)), None, "it is resolved");
    }

    #[test]
    fn job_that_is_at_the_provider_or_has_ended_is_not_submitted() {
        let accepted = Event::Accepted {
            ticket: "t".into(),
            provider_job_id: "p".into(),
            hint: None,
            cost: None,
        };
        let started = after([sent(), accepted], 60_000);
        assert_eq!(Submission::of(&started, 3_000), None);
        let cancelled = after([Event::CancelWanted], 60_000);
        assert_eq!(Submission::of(&cancelled, 3_000), None);
    }
}
