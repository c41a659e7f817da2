//! Drives jobs to their end.
//!
//! One process of those that share a data directory drives: the one that holds the
//! kernel's lock on `driver.lock`, which ends with the process however it ends. The
//! others write rows, wait, and take over when the lock is free.
//!
//! Between two polls a job is a row and nothing else. When its time comes, [`decide`]
//! says what to do, one of the `steps` does it, what came of it is an [`event`], and
//! [`decide`] says what the row becomes. Whatever may cost money is committed before it
//! leaves, and a ticket before anybody is told of it.
//!
//! - [`decide`], [`event`], [`pace`]: what happens next, as pure functions
//! - `verdict`: what an answer means, as a pure function; `discreet`: without the prompt
//! - `lead`: the loop over due jobs; `steps`: submit, poll, cancel, download
//! - `writer`: commits of many jobs in one transaction
//! - `budget`: how often a connection is asked
//! - `asker`: who waits, so that nothing is bought for nobody
//! - `packs`, [`reach`](Reach): the component and the connection that a row names
//! - `telling`: what is told of a job in logs

mod asker;
mod budget;
pub mod decide;
mod discreet;
pub mod event;
mod lead;
pub mod pace;
mod packs;
mod reach;
mod steps;
mod telling;
mod verdict;
mod writer;

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::contract::Stage;
use crate::download::Received;
use crate::egress::Egress;
use crate::ledger::{Inserted, Job, Ledger, LedgerError, Millis, Pictures, State, Trouble};
use crate::pack::Pack;
use crate::policy::Policy;
use crate::trace::Caller;

use asker::Asker;
use event::Event;
use packs::Packs;
pub use reach::{Reach, Reached};
use steps::Steps;
use writer::Writer;

/// The file whose lock makes a process the driver.
const LOCK: &str = "driver.lock";

/// How often a process looks for what others have written.
const GLANCE: Duration = Duration::from_millis(100);

/// How much a driver does at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverSettings {
    /// Calls into components.
    pub calls: usize,
    /// Downloads.
    pub downloads: usize,
}

impl Default for DriverSettings {
    fn default() -> Self {
        Self {
            calls: 64,
            downloads: 4,
        }
    }
}

/// Something that happened to a job, for whoever shows it.
pub enum News<'a> {
    /// The provider says how far it is.
    Progress {
        /// Where it stands.
        stage: Stage,
        /// 0 to 1, when the provider tells.
        fraction: Option<f32>,
        /// The provider's words.
        message: Option<&'a str>,
    },
    /// The download is that far.
    Downloading(Received),
    /// The row was committed.
    Committed(&'a Job),
    /// The provider took the job, and that cannot be written down: this is the moment to
    /// show the ticket.
    Unrecorded {
        /// The row without it.
        job: &'a Job,
        /// The ticket.
        ticket: &'a str,
        /// The provider's own id.
        provider_job_id: &'a str,
        /// Why.
        error: &'a LedgerError,
    },
}

/// Is told what happens, with the job's id. Must not block.
pub type Listener = Arc<dyn Fn(&str, News<'_>) + Send + Sync>;

/// How much longer a [`Driver`] is to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Until what it waits for is settled.
    On,
    /// The same, without submitting anything more.
    WithoutSubmits,
    /// Only until the submits on their way are answered.
    Ending,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Nothing happens any more until somebody says so: [`Job::is_settled`].
    Settled,
    /// The provider has taken it, or it is settled.
    Accepted,
}

impl Until {
    fn is_met(self, job: &Job) -> bool {
        job.is_settled() || self == Self::Accepted && job.ticket.is_some()
    }
}

/// Why a driver stopped. Every row says how its job stands.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] Arc<LedgerError>),
    /// The lock or another file beside the ledger.
    #[error("`{}` cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl From<LedgerError> for DriverError {
    fn from(error: LedgerError) -> Self {
        Arc::new(error).into()
    }
}

/// This process's part in the jobs of a data directory.
pub struct Driver {
    ledger: Arc<Ledger>,
    lock: PathBuf,
    asker: Asker,
    steps: Arc<Steps>,
    settings: DriverSettings,
    caller: Option<Caller>,
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
    async fn look_at(&self, waiting: &mut Waiting, work: Work) -> Result<(), DriverError> {
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
                    deadline_at: job.deadline_at,
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

/// Why a provider's job was not taken for one of ours.
#[derive(Debug)]
pub enum AdoptError {
    /// What the component or its connection says.
    Trouble(Trouble),
    /// The ledger.
    Driver(DriverError),
}

/// The jobs that this process waits for.
struct Waiting {
    ids: HashSet<String>,
    until: Until,
}

/// The time as rows have it.
#[must_use]
pub fn now() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}
