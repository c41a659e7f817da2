//! One process's part in the jobs of a data directory.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::watch;
use tokio::time::sleep;

use super::clock::now;
use super::error::{AdoptError, DriverError};
use super::event::Event;
use super::group_commit;
use super::leader::lead;
use super::shared::{Origin, Shared};
use super::wait::{DriveMode, LEDGER_POLL_INTERVAL, WaitFor, Waiting, changed};
use crate::component::Pack;
use crate::ledger::{Inserted, Job, Ledger, Millis, State};

/// This process's part in the jobs of a data directory. [`Driver::builder`] makes one.
pub struct Driver {
    pub(super) lock: PathBuf,
    pub(super) shared: Shared,
    pub(super) origin: Origin,
}

impl Driver {
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.shared.ledger
    }

    /// The name under which this process asks for jobs.
    #[must_use]
    pub fn requester(&self) -> &str {
        self.shared.requester.name()
    }

    /// Adds jobs of `pack`, whose bytes are `component`, in one commit, or finds the ones that
    /// have their keys and inputs already.
    ///
    /// # Errors
    ///
    /// When a key is taken by another input, or nothing can be written: none is added then.
    pub fn add(
        &self,
        jobs: &[Job],
        pack: &Pack,
        component: &[u8],
    ) -> Result<Vec<Inserted>, DriverError> {
        self.shared.steps.packs.keep(pack, component)?;
        Ok(self.shared.ledger.insert_all(jobs)?)
    }

    /// Makes of a row what an event makes of it: [`Event::Resumed`], `CancelWanted`,
    /// `NeverStarted` or `TargetChanged`; the row from then on.
    pub(crate) async fn tell(&self, job: &Job, event: &Event) -> Result<Job, DriverError> {
        Ok(self.shared.steps.settle(job.clone(), event).await?)
    }

    /// Has every job that is not done go on for this process, until `deadline_at`;
    /// their ids, oldest first.
    ///
    /// # Errors
    ///
    /// When the rows cannot be written; some may have been then.
    pub async fn resume_all(&self, deadline_at: Millis) -> Result<Vec<String>, DriverError> {
        let resumed = self
            .shared
            .ledger
            .resume_all(deadline_at, self.requester(), now())?;
        let event = Event::Resumed {
            deadline_at,
            requester: self.requester().to_owned(),
        };
        let unclear = resumed
            .iter()
            .filter(|(_, state)| *state == Some(State::OutcomeUnknown));
        // Their commits share the disk's time.
        stream::iter(unclear)
            .map(|(id, _)| self.tell_present(id, &event))
            .buffer_unordered(group_commit::MOST)
            .try_collect::<()>()
            .await?;
        Ok(resumed.into_iter().map(|(id, _)| id).collect())
    }

    async fn tell_present(&self, id: &str, event: &Event) -> Result<(), DriverError> {
        if let Some(job) = self.shared.ledger.readable_job(id)? {
            self.tell(&job, event).await?;
        }
        Ok(())
    }

    /// Works until all of these jobs are where they should be or `work` says otherwise:
    /// drives, or waits for the process that does. Jobs are submitted, polled and downloaded
    /// only while some process is in this call.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn wait(
        &self,
        ids: impl IntoIterator<Item = String>,
        until: WaitFor,
        mut work: watch::Receiver<DriveMode>,
    ) -> Result<(), DriverError> {
        let mut waiting = Waiting {
            ids: ids.into_iter().collect(),
            until,
        };
        let ids: Vec<_> = waiting.ids.iter().map(String::as_str).collect();
        let rows = self.shared.ledger.rows_of(&ids)?;
        waiting.leave_out(&rows);
        let mut seen = None;
        loop {
            if let Some(lock) = self.elected()? {
                tracing::info!("this process drives");
                let ended = lead(&self.shared, &mut waiting, &mut work).await;
                tracing::info!("this process drives no more");
                drop(lock);
                return ended;
            }
            let version = self.shared.ledger.others_version()?;
            if seen.replace(version) != Some(version) {
                let extent = *work.borrow();
                self.shared.look_at(&mut waiting, extent).await?;
            }
            if waiting.ids.is_empty() || *work.borrow() == DriveMode::Draining {
                return Ok(());
            }
            tokio::select! {
                () = sleep(LEDGER_POLL_INTERVAL) => {}
                () = changed(&mut work) => {}
            }
        }
    }

    /// Finds out which submits have lost their process, if no other one drives.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub(crate) async fn settle_orphans(&self) -> Result<(), DriverError> {
        if let Some(_lock) = self.elected()? {
            self.shared.settle_orphans().await?;
        }
        Ok(())
    }

    /// The lock, if this process is the driver from now on.
    fn elected(&self) -> Result<Option<File>, DriverError> {
        let failed = |source| DriverError::File {
            path: self.lock.clone(),
            source,
        };
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        let file = options.open(&self.lock).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Takes the job that a provider knows by this id for the one of a row whose outcome
    /// is unknown; the row from then on. Nothing that costs money is sent.
    ///
    /// # Errors
    ///
    /// The trouble that keeps the component from doing so, or when the ledger fails.
    pub(crate) async fn adopt(&self, job: Job, provider_job_id: &str) -> Result<Job, AdoptError> {
        let ticket = self.shared.steps.ticket_of(&job, provider_job_id).await;
        let event = Event::Adopted {
            ticket: ticket.map_err(AdoptError::Job)?,
            provider_job_id: provider_job_id.to_owned(),
        };
        let settled = self.shared.steps.settle(job, &event).await;
        settled.map_err(|error| AdoptError::Driver(error.into()))
    }
}
