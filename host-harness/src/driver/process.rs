//! One process's part in the jobs of a data directory.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::watch;
use tokio::time::sleep;

use super::asker::Asker;
use super::clock::now;
use super::error::{AdoptError, DriverError};
use super::event::Event;
use super::listener::{Listener, News};
use super::packs::Packs;
use super::reach::Reach;
use super::settings::DriverSettings;
use super::steps::Steps;
use super::wait::{GLANCE, Until, Waiting, Work};
use super::writer::{self, Writer};
use crate::component::Pack;
use crate::egress::Egress;
use crate::ledger::{Inserted, Job, Ledger, Millis, Pictures, State};
use crate::policy::Policy;
use crate::trace::Caller;

/// The file whose lock makes a process the driver.
const LOCK: &str = "driver.lock";

/// This process's part in the jobs of a data directory.
pub struct Driver {
    pub(super) ledger: Arc<Ledger>,
    lock: PathBuf,
    pub(super) asker: Asker,
    pub(super) steps: Arc<Steps>,
    pub(super) settings: DriverSettings,
    pub(super) caller: Option<Caller>,
}

impl Driver {
    /// A part in the jobs of `data_dir`, whose ledger is `ledger`, with `pack` as the
    /// component of new jobs and `policy` for those of others.
    ///
    /// # Errors
    ///
    /// When the files beside the ledger cannot be made.
    #[expect(clippy::too_many_arguments, reason = "what a process has one of")]
    pub fn new(
        data_dir: &Path,
        ledger: Arc<Ledger>,
        pack: &Pack,
        policy: &Policy,
        egress: &Egress,
        reach: Arc<dyn Reach>,
        listener: Listener,
        settings: DriverSettings,
    ) -> Result<Self, DriverError> {
        let asker = Asker::new(data_dir)?;
        let writer = Writer::start(Arc::clone(&ledger));
        let packs = Packs::of(data_dir, pack.engine(), policy);
        packs.remember(pack);
        let steps = Steps::new(
            packs,
            Pictures::of(data_dir),
            egress.clone(),
            reach,
            listener,
            writer,
            Arc::clone(&ledger),
            asker.name().to_owned(),
        );
        Ok(Self {
            ledger,
            lock: data_dir.join(LOCK),
            asker,
            steps: Arc::new(steps),
            settings,
            caller: None,
        })
    }

    /// With the trace that the jobs for which this process asks belong to; see
    /// [`trace`](crate::trace).
    #[must_use]
    pub fn going_on_with(mut self, caller: Option<Caller>) -> Self {
        self.caller = caller;
        self
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// The name under which this process asks for jobs.
    #[must_use]
    pub fn asker(&self) -> &str {
        self.asker.name()
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
        self.steps.packs.keep(pack, component)?;
        Ok(self.ledger.insert_all(jobs)?)
    }

    /// Makes of a row what an event makes of it: [`Event::Resumed`], `CancelWanted`,
    /// `Adopted`, `NeverStarted` or `Moved`; the row from then on.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn tell(&self, job: &Job, event: &Event) -> Result<Job, DriverError> {
        Ok(self.steps.settle(job.clone(), event).await?)
    }

    /// Has every job that is not done go on for this process, as [`Event::Resumed`] does;
    /// their ids, oldest first.
    ///
    /// # Errors
    ///
    /// As [`tell`](Self::tell); some rows may have been written then.
    pub async fn resume_all(&self, deadline_at: Millis) -> Result<Vec<String>, DriverError> {
        let resumed = self.ledger.resume_all(deadline_at, self.asker(), now())?;
        let event = Event::Resumed {
            deadline_at,
            asker: self.asker().to_owned(),
        };
        let unclear = resumed
            .iter()
            .filter(|(_, state)| *state == State::OutcomeUnknown);
        // Their commits share the disk's time.
        stream::iter(unclear)
            .map(|(id, _)| self.tell_present(id, &event))
            .buffer_unordered(writer::MOST)
            .try_collect::<()>()
            .await?;
        Ok(resumed.into_iter().map(|(id, _)| id).collect())
    }

    async fn tell_present(&self, id: &str, event: &Event) -> Result<(), DriverError> {
        if let Some(job) = self.ledger.job(id)? {
            self.tell(&job, event).await?;
        }
        Ok(())
    }

    /// Works until all of these jobs are where they should be or `work` says otherwise:
    /// drives, or waits for the process that does.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn wait(
        &self,
        ids: impl IntoIterator<Item = String>,
        until: Until,
        mut work: watch::Receiver<Work>,
    ) -> Result<(), DriverError> {
        let mut waiting = Waiting {
            ids: ids.into_iter().collect(),
            until,
        };
        let mut seen = None;
        loop {
            if let Some(lock) = self.elected()? {
                tracing::info!("this process drives");
                let ended = self.lead(&mut waiting, &mut work).await;
                tracing::info!("this process drives no more");
                drop(lock);
                return ended;
            }
            let version = self.ledger.others_version()?;
            if seen.replace(version) != Some(version) {
                let extent = *work.borrow();
                self.look_at(&mut waiting, extent).await?;
            }
            if waiting.ids.is_empty() || *work.borrow() == Work::Ending {
                return Ok(());
            }
            tokio::select! {
                () = sleep(GLANCE) => {}
                _ = work.changed() => {}
            }
        }
    }

    /// Finds out which submits have lost their process, if no other one drives.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn settle_orphans(&self) -> Result<(), DriverError> {
        if let Some(_lock) = self.elected()? {
            for orphan in self.ledger.submitting()? {
                self.steps.settle(orphan, &Event::Orphaned).await?;
            }
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

    /// Forgets the settled ones of `waiting`, and shows the others where they are few.
    /// Asks again for those that were left because another process, which had asked for
    /// them later, has ended.
    pub(super) async fn look_at(
        &self,
        waiting: &mut Waiting,
        work: Work,
    ) -> Result<(), DriverError> {
        const FEW: usize = 8;
        let ids: Vec<_> = waiting.ids.iter().map(String::as_str).collect();
        if ids.len() <= FEW {
            for id in &ids {
                if let Some(job) = self.ledger.job(id)? {
                    (self.steps.listener)(id, News::Committed(&job));
                }
            }
        }
        for (id, is_abandoned) in self
            .ledger
            .settled(&ids, waiting.until == Until::Accepted)?
        {
            if !is_abandoned || work != Work::On {
                waiting.ids.remove(&id);
            } else if let Some(job) = self.ledger.job(&id)? {
                let event = Event::Resumed {
                    deadline_at: job.schedule.deadline_at,
                    asker: self.asker().to_owned(),
                };
                self.tell(&job, &event).await?;
            }
        }
        Ok(())
    }

    /// Takes the job that a provider knows by this id for the one of a row whose outcome
    /// is unknown; the row from then on. Nothing that costs money is sent.
    ///
    /// # Errors
    ///
    /// The trouble that keeps the component from doing so, or when the ledger fails.
    pub async fn adopt(&self, job: Job, provider_job_id: &str) -> Result<Job, AdoptError> {
        let ticket = self.steps.ticket_of(&job, provider_job_id).await;
        let event = Event::Adopted {
            ticket: ticket.map_err(AdoptError::Trouble)?,
            provider_job_id: provider_job_id.to_owned(),
        };
        let settled = self.steps.settle(job, &event).await;
        settled.map_err(|error| AdoptError::Driver(error.into()))
    }
}
