//! Commands for existing jobs.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use super::error::JobsError;
use super::find::find;
use super::next_step::is_of_connection;
use crate::component::Pack;
use crate::contract::Charge;
use crate::driver::pure::{Event, may_resolve};
use crate::driver::{AdoptError, ConnectionResolver, DriveMode, Driver, DriverError, WaitFor};
use crate::egress::Egress;
use crate::ledger::{Job, Ledger, Millis, State};

/// The jobs of a data directory, and the commands for them.
pub struct Jobs {
    pub(super) driver: Driver,
    pub(super) pack: Pack,
    pub(super) component: Cow<'static, [u8]>,
    pub(super) data_dir: PathBuf,
    pub(super) resolver: Arc<dyn ConnectionResolver>,
    pub(super) egress: Egress,
}

/// The result of [`Jobs::cancel`].
#[derive(Clone, Debug)]
pub enum CancelOutcome {
    /// The command is committed. [`Jobs::wait`] for the job carries it out.
    Wanted(Job),
    /// The job is done, so there is nothing to cancel. It was not changed.
    LeftAlone(Job),
}

impl Jobs {
    /// The jobs of a driver. `component` are the bytes of the pack that the driver was built
    /// with. They are stored beside the ledger when a job is made, so that a later program can
    /// continue it.
    #[must_use]
    pub fn new(driver: Driver, component: impl Into<Cow<'static, [u8]>>) -> Self {
        let origin = driver.origin();
        Self {
            pack: origin.pack.clone(),
            data_dir: origin.data_dir.clone(),
            resolver: Arc::clone(&origin.resolver),
            egress: origin.egress.clone(),
            component: component.into(),
            driver,
        }
    }

    /// The ledger, for reading.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        self.driver.ledger()
    }

    /// The job of this name, as [`find`].
    ///
    /// # Errors
    ///
    /// As [`find`].
    pub fn find(&self, name: &str) -> Result<Job, JobsError> {
        find(self.ledger(), name)
    }

    /// Works until all of these jobs have reached `until`, or `modes` ends it: drives, or waits
    /// for the process that drives.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn wait(
        &self,
        ids: impl IntoIterator<Item = String>,
        until: WaitFor,
        modes: watch::Receiver<DriveMode>,
    ) -> Result<(), DriverError> {
        self.driver.wait(ids, until, modes).await
    }

    /// Resumes a job for this process until `deadline_at`; returns the new row. Nothing is sent
    /// until a process calls [`wait`](Self::wait).
    ///
    /// # Errors
    ///
    /// [`JobsError::Unwritten`], when the ledger cannot be written.
    pub async fn resume(&self, job: &Job, deadline_at: Millis) -> Result<Job, JobsError> {
        self.apply(job, &self.resumed(deadline_at)).await
    }

    /// Resumes every job that is not done, except those of the ids in `left`, for this process;
    /// returns their ids, oldest first.
    ///
    /// # Errors
    ///
    /// [`JobsError::NotResumed`], when the ledger cannot be written; some rows may have been
    /// written.
    pub async fn resume_all(
        &self,
        left: &HashSet<String>,
        deadline_at: Millis,
    ) -> Result<Vec<String>, JobsError> {
        let resumed = self.driver.resume_all(left, deadline_at).await;
        resumed.map_err(|source| self.not_resumed(source))
    }

    fn not_resumed(&self, source: DriverError) -> JobsError {
        let mut jobs = self.ledger().rows().unwrap_or_default().jobs;
        jobs.retain(|job| !job.is_done());
        let spent = jobs.into_iter().find(|job| job.charge() != Charge::No);
        let spent = spent.map(Box::new);
        JobsError::NotResumed { spent, source }
    }

    /// Commits the command to cancel a job, and resumes it until `deadline_at`. A job that was
    /// not submitted is cancelled without a request.
    ///
    /// The outcome of a submit may be unknown. While the provider honours the job's key, the same
    /// submit finds the job, which is then cancelled. Otherwise nothing is sent, and the job is
    /// cancelled once [`adopt`](Self::adopt) has found it.
    ///
    /// # Errors
    ///
    /// [`JobsError::Unwritten`], when the ledger cannot be written.
    pub async fn cancel(&self, job: &Job, deadline_at: Millis) -> Result<CancelOutcome, JobsError> {
        if job.is_done() {
            return Ok(CancelOutcome::LeftAlone(job.clone()));
        }
        let resumed = self.resumed(deadline_at);
        // The driver acts after each commit. `Resumed` comes second where it could submit the
        // job, else first.
        let events = if job.state() == State::Started {
            [resumed, Event::CancelWanted]
        } else {
            [Event::CancelWanted, resumed]
        };
        let mut job = job.clone();
        for event in &events {
            job = self.apply(&job, event).await?;
        }
        Ok(CancelOutcome::Wanted(job))
    }

    /// Commits the command to cancel jobs that this process waits for already.
    ///
    /// # Errors
    ///
    /// At the first job whose row cannot be written.
    pub async fn cancel_awaited(&self, ids: &[String]) -> Result<(), JobsError> {
        for id in ids {
            if let Some(job) = self.ledger().job(id)? {
                self.apply(&job, &Event::CancelWanted).await?;
            }
        }
        Ok(())
    }

    /// Sets the provider's job of this id as the job of a row whose outcome is unknown; returns
    /// the new row. The provider is asked first, with one poll, whether it knows the id; with
    /// `unasked`, it is not, and no connection is needed. Until a reply has shown the job, it can be replaced by another one.
    /// Nothing that costs money is sent.
    ///
    /// # Errors
    ///
    /// [`JobsError::OutcomeKnown`]; [`JobsError::OtherJob`]; [`JobsError::NotAdopted`], when the
    /// component or its connection refuses; [`JobsError::Unconfirmed`], when the provider does not
    /// know the id, does not answer or cannot be asked; or when the ledger fails.
    pub async fn adopt(
        &self,
        job: &Job,
        provider_job_id: &str,
        unasked: bool,
    ) -> Result<Job, JobsError> {
        let job = self.unknown(job).await?;
        let (ledger, spec) = (self.ledger(), &job.spec);
        let other = ledger.job_of_provider_id(&spec.provider_origin, provider_job_id, &spec.id)?;
        if let Some(other) = other {
            let (asked, job) = (job, other);
            let provider_job_id = provider_job_id.to_owned();
            return Err(JobsError::OtherJob {
                asked: Box::new(asked),
                job,
                provider_job_id,
            });
        }
        let adopted = self
            .driver
            .adopt(job.clone(), provider_job_id, unasked)
            .await;
        let job = Box::new(job);
        adopted.map_err(|error| match error {
            AdoptError::Job(error) if !is_of_connection(error.kind) => {
                JobsError::NotAdopted { job, error }
            }
            AdoptError::Job(error) | AdoptError::Unconfirmed(error) => JobsError::Unconfirmed {
                job,
                provider_job_id: provider_job_id.to_owned(),
                error,
            },
            AdoptError::Driver(source) => JobsError::Unwritten { job, source },
        })
    }

    /// Ends a job whose outcome is unknown and which the provider never had; returns the new
    /// row. It can still be [adopted](Self::adopt) until it is submitted again or removed.
    ///
    /// # Errors
    ///
    /// [`JobsError::OutcomeKnown`], or when the ledger fails.
    pub async fn mark_never_started(&self, job: &Job) -> Result<Job, JobsError> {
        let job = self.unknown(job).await?;
        self.apply(&job, &Event::NeverStarted).await
    }

    /// The job, if its outcome is unknown, or what the user said about it is not confirmed.
    async fn unknown(&self, job: &Job) -> Result<Job, JobsError> {
        let mut job = job.clone();
        if job.state() == State::Submitting {
            // Settled here only if no process is submitting it any more.
            self.driver.settle_orphans().await?;
            job = self.find(&job.spec.id)?;
        }
        if may_resolve(&job) {
            Ok(job)
        } else {
            Err(JobsError::OutcomeKnown { job: Box::new(job) })
        }
    }

    pub(super) fn resumed(&self, deadline_at: Millis) -> Event {
        Event::Resumed {
            deadline_at,
            requester: self.driver.requester().to_owned(),
        }
    }

    pub(super) async fn apply(&self, job: &Job, event: &Event) -> Result<Job, JobsError> {
        let applied = self.driver.apply(job, event).await;
        applied.map_err(JobsError::unwritten(job))
    }
}
