//! Submits jobs again that ended without a result.

use super::commands::Jobs;
use super::error::JobsError;
use super::spent::Spent;
use crate::contract::Charge;
use crate::download::check_target;
use crate::driver::pure::{Event, may_retry};
use crate::ledger::{Job, Millis, State, Target};

impl Jobs {
    /// Checks that [`retry`](Self::retry) submits this job again. `again`: also if it was or may have
    /// been charged.
    ///
    /// # Errors
    ///
    /// [`JobsError::Removed`], [`JobsError::WithoutInput`], [`JobsError::NotFailed`], [`JobsError::MayBeCharged`] and
    /// [`JobsError::OfJob`], where its result could not be written, or when the ledger cannot be read.
    pub fn check_retry(&self, job: &Job, again: bool) -> Result<(), JobsError> {
        let (ledger, id) = (self.ledger(), &job.spec.id);
        if ledger.job(id)?.is_none()
            && let Some(removed) = ledger.removed_job(id)?
        {
            let removed = Box::new(removed);
            return Err(JobsError::Removed { removed });
        }
        if may_retry(job, again) {
            return match &job.target {
                Target::File(path) => check_target(path, job.force)
                    .map_err(|error| JobsError::Target(error).of_job(job)),
                Target::Stem(_) => Ok(()),
            };
        }
        let job = Box::new(job.clone());
        if !matches!(job.state(), State::Failed | State::Cancelled) {
            return Err(JobsError::NotFailed { job });
        }
        if job.lacks_input() {
            return Err(JobsError::WithoutInput { job });
        }
        let spent = self.spent([&*job])?;
        Err(JobsError::MayBeCharged { job, spent })
    }

    /// Queues a failed or cancelled job again, for this process and until `deadline_at`; returns the
    /// new row. The row keeps its id, key, input and target. The provider receives another key
    /// ([`Job::provider_key`]), so that it makes another job. Nothing is sent until a process calls
    /// [`wait`](Self::wait).
    ///
    /// # Errors
    ///
    /// As [`check_retry`](Self::check_retry), or [`JobsError::Unwritten`], when the ledger cannot be
    /// written.
    pub async fn retry(
        &self,
        job: &Job,
        deadline_at: Millis,
        again: bool,
    ) -> Result<Job, JobsError> {
        self.check_retry(job, again)?;
        let retried = Event::Retried {
            after: job.retries,
            deadline_at,
            requester: self.driver.requester().to_owned(),
            again,
        };
        let next = self.apply(job, &retried).await?;
        // Another process may have changed the row meanwhile.
        if next.retries == job.retries {
            self.check_retry(&next, again)?;
        }
        Ok(next)
    }

    /// What was or may have been charged for these jobs until now.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn spent<'a>(&self, jobs: impl IntoIterator<Item = &'a Job>) -> Result<Spent, JobsError> {
        let mut spent = Spent::default();
        for job in jobs.into_iter().filter(|job| job.charge() != Charge::No) {
            let earlier = self.ledger().earlier_attempts(&job.spec.id)?;
            let earlier = earlier.iter().map(|one| (one.charge, one.cost.as_ref()));
            spent.add(earlier.chain([(job.billing.charge, job.cost())]));
        }
        Ok(spent)
    }
}
