//! A process that works on the jobs of a data directory.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::busy::retry_while_busy;
use super::clock::now;
use super::error::{AdoptError, DriverError};
use super::event::Event;
use super::group_commit::{BusyPolicy, MAX_COMMITS};
use super::leader::lead;
use super::others::Others;
use super::shared::{Origin, Shared};
use super::steps::Steps;
use super::term::{Term, Turns};
use super::wait::{DriveMode, LEDGER_POLL_INTERVAL, WaitFor, Waiting, changed, unless_draining};
use crate::component::Pack;
use crate::error::ErrorKind;
use crate::ledger::{Inserted, Job, JobError, Ledger, LedgerError, Millis, State};
use crate::rights;

/// How long a process waits for the rows that others have changed before it looks at its deadlines.
const READ_TIME: Duration = Duration::from_secs(5);

/// Works on the jobs of a data directory for this process. [`Driver::builder`] makes one.
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

    /// The name of this process as the requester of jobs.
    #[must_use]
    pub fn requester(&self) -> &str {
        self.shared.requester.name()
    }

    /// Whether another process, which still runs, requested a job last: that process submits it.
    #[must_use]
    pub fn is_of_another(&self, job: &Job) -> bool {
        let requester = &job.schedule.requester;
        !job.is_removed()
            && requester != self.requester()
            && self.shared.requester.is_alive(requester)
    }

    /// Inserts jobs of `pack`, whose bytes are `component`, in one commit. A job whose key and
    /// input are in the ledger already is not inserted; the existing one is returned.
    ///
    /// Blocks: it waits while another process removes files of the data directory
    /// ([`Ledger::hold_files`]) or has a transaction, and writes the component's file.
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
        add(
            &self.shared.ledger,
            &self.shared.steps,
            jobs,
            pack,
            component,
        )
    }

    /// The same on a thread of its own, so that the caller may stop waiting.
    pub(crate) async fn add_on_thread(
        &self,
        jobs: Vec<Job>,
        pack: &Pack,
        component: Cow<'static, [u8]>,
    ) -> Result<Vec<Inserted>, DriverError> {
        let pack = pack.clone();
        let adding =
            move |ledger: &Ledger, steps: &Steps| add(ledger, steps, &jobs, &pack, &component);
        self.on_thread(adding).await
    }

    /// Whether the component of this digest is stored.
    pub(crate) fn has_component(&self, digest: &str) -> bool {
        self.shared.steps.packs.has(digest)
    }

    /// Puts a removed job back, whose component is stored, or `pack`, whose bytes are `component`;
    /// returns whether it was removed. On a thread, as [`add_on_thread`](Self::add_on_thread).
    pub(crate) async fn restore(
        &self,
        job: Job,
        pack: &Pack,
        component: Cow<'static, [u8]>,
    ) -> Result<bool, DriverError> {
        let pack = pack.clone();
        let restoring = move |ledger: &Ledger, steps: &Steps| {
            let _hold = ledger.hold_files()?;
            steps.packs.keep(&pack, &component)?;
            Ok(ledger.restore(&job, now())?)
        };
        self.on_thread(restoring).await
    }

    /// The result of work that may wait for another process, on a thread of its own.
    async fn on_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ledger, &Steps) -> Result<T, DriverError> + Send + 'static,
    ) -> Result<T, DriverError> {
        let ledger = Arc::clone(&self.shared.ledger);
        let steps = Arc::clone(&self.shared.steps);
        let done = spawn_blocking(move || work(&ledger, &steps)).await;
        done.unwrap_or_else(|_| Err(LedgerError::Stopped.into()))
    }

    /// Applies a command to a row: [`Event::Resumed`], `CancelWanted`, `NeverStarted` or
    /// `TargetChanged`; returns the new row.
    pub(crate) async fn apply(&self, job: &Job, event: &Event) -> Result<Job, DriverError> {
        Ok(self.shared.steps.command(job.clone(), event).await?)
    }

    /// Resumes every job that is not done, except those of the ids in `left`, for this process and
    /// until `deadline_at`; returns their ids, oldest first.
    ///
    /// # Errors
    ///
    /// When the rows cannot be written; some may have been written.
    pub async fn resume_all(
        &self,
        left: &HashSet<String>,
        deadline_at: Millis,
    ) -> Result<Vec<String>, DriverError> {
        let (requester, left) = (self.requester().to_owned(), left.clone());
        let resuming = move |ledger: &Ledger, _: &Steps| {
            Ok(ledger.resume_all(&left, deadline_at, &requester, now())?)
        };
        let resumed = self.on_thread(resuming).await?;
        let unclear = resumed
            .iter()
            .filter(|(_, state)| *state == Some(State::OutcomeUnknown));
        self.resume_these(unclear.map(|(id, _)| id.as_str()), deadline_at)
            .await?;
        Ok(resumed.into_iter().map(|(id, _)| id).collect())
    }

    /// Resumes the jobs of these ids for this process, until `deadline_at`. A damaged row is left as it
    /// is.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn resume_these<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a str>,
        deadline_at: Millis,
    ) -> Result<(), DriverError> {
        let event = Event::Resumed {
            deadline_at,
            requester: self.requester().to_owned(),
        };
        let ids: Vec<_> = ids.into_iter().collect();
        // Concurrent, so that they share group commits.
        stream::iter(ids)
            .map(|id| self.apply_to_present(id, &event))
            .buffer_unordered(MAX_COMMITS)
            .try_collect::<()>()
            .await
    }

    async fn apply_to_present(&self, id: &str, event: &Event) -> Result<(), DriverError> {
        if let Some(job) = self.shared.ledger.readable_job(id)? {
            self.apply(&job, event).await?;
        }
        Ok(())
    }

    /// Works until all of these jobs have reached `until`, or `modes` ends it: drives, or waits
    /// for the process that drives. Jobs are submitted, polled and downloaded only while a
    /// process is in this call.
    ///
    /// # Errors
    ///
    /// When the ledger fails; [`DriverError::HeldUp`] and [`DriverError::LedgerHeld`] when the
    /// deadlines of jobs passed while another process held them up.
    pub async fn wait(
        &self,
        ids: impl IntoIterator<Item = String>,
        until: WaitFor,
        modes: watch::Receiver<DriveMode>,
    ) -> Result<(), DriverError> {
        let ids: Vec<String> = ids.into_iter().collect();
        let ended = tokio::select! {
            ended = self.wait_awake(ids.iter().cloned().collect(), until, modes) => ended,
            () = self.shared.deadlines.keep_clock() => Ok(()),
        };
        self.shared.deadlines.forget_all(&ids);
        ended
    }

    async fn wait_awake(
        &self,
        ids: HashSet<String>,
        until: WaitFor,
        mut modes: watch::Receiver<DriveMode>,
    ) -> Result<(), DriverError> {
        let mut waiting = Waiting::new(ids, until);
        let ids: Vec<_> = waiting.ids.iter().map(String::as_str).collect();
        let rows = retry_while_busy(|| self.shared.ledger.rows_of(&ids));
        let Some(rows) = unless_draining(&modes, rows).await else {
            return Ok(());
        };
        let rows = rows?;
        waiting.leave_out(&rows);
        // From now on, a clock that is set does not change them.
        for job in &rows.jobs {
            let (id, deadline_at) = (&job.spec.id, job.schedule.deadline_at);
            let deadlines = &self.shared.deadlines;
            let left = deadlines.left(id, deadline_at, now()).awake;
            waiting.note_deadline(id, deadlines.awake().saturating_add(left));
        }
        let mut seen = None;
        let mut others = Others::begin();
        let mut turns = Turns::begin();
        loop {
            others.look(&self.shared.ledger);
            let lock = if turns.is_own() {
                self.try_lock()?
            } else {
                None
            };
            if let Some(lock) = lock
                && others.allow_driving()
            {
                if self
                    .drive(lock, &mut waiting, &mut modes, &mut turns)
                    .await?
                {
                    return Ok(());
                }
                others = Others::begin();
                continue;
            }
            turns.look(others.is_driven());
            let drive_mode = *modes.borrow();
            // Another process may hold the ledger, and the deadlines count all the same.
            let read = self.read_changes(&mut waiting, &mut seen, drive_mode);
            let read = timeout(READ_TIME, read);
            if let Some(Ok(read)) = unless_draining(&modes, read).await {
                read?;
            }
            if waiting.ids.is_empty() || *modes.borrow() == DriveMode::Draining {
                return others.ended();
            }
            // A process that follows leaves the rows to the one that drives.
            if drive_mode != DriveMode::Following {
                others.end_late(&self.shared, &mut waiting).await?;
            }
            if waiting.ids.is_empty() {
                return others.ended();
            }
            others.report_silence(&self.shared, &waiting);
            tokio::select! {
                () = sleep(LEDGER_POLL_INTERVAL) => {}
                () = changed(&mut modes) => {}
            }
        }
    }

    /// Drives for a turn; returns whether the wait has ended.
    async fn drive(
        &self,
        lock: File,
        waiting: &mut Waiting,
        modes: &mut watch::Receiver<DriveMode>,
        turns: &mut Turns,
    ) -> Result<bool, DriverError> {
        tracing::info!("this process drives the jobs");
        let ended = lead(&self.shared, waiting, modes, turns.least()).await;
        tracing::info!("this process no longer drives");
        drop(lock);
        match ended? {
            Term::Ended => return Ok(true),
            Term::Yielded => turns.leave(),
            Term::Lost => tracing::error!(
                "another process drives the jobs although this one has the lock on driver.lock: \
                 the locks of this file system do not exclude other machines; use a data directory \
                 on a local disk"
            ),
        }
        Ok(false)
    }

    /// Updates `waiting` if another process has changed the ledger since the version `seen`.
    async fn read_changes(
        &self,
        waiting: &mut Waiting,
        seen: &mut Option<i64>,
        drive_mode: DriveMode,
    ) -> Result<(), DriverError> {
        let version = retry_while_busy(|| self.shared.ledger.others_version()).await?;
        if seen.replace(version) != Some(version) {
            self.shared.update_waiting(waiting, drive_mode).await?;
        }
        Ok(())
    }

    /// Marks the submits whose process has ended, if no other process drives.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub(crate) async fn settle_orphans(&self) -> Result<(), DriverError> {
        let mut others = Others::begin();
        others.look(&self.shared.ledger);
        if let Some(_lock) = self.try_lock()?
            && others.wait_to_drive(&self.shared.ledger).await
        {
            self.shared.settle_orphans(BusyPolicy::Fail).await?;
        }
        Ok(())
    }

    /// Takes the lock; `None` if another process holds it.
    fn try_lock(&self) -> Result<Option<File>, DriverError> {
        let mut options = File::options();
        rights::private(options.write(true).create(true).truncate(false));
        let opened = options.open(&self.lock);
        let file = opened.map_err(|source| DriverError::of_file(&self.lock, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(DriverError::of_lock(&self.lock, error)),
        }
    }

    /// Sets the provider's job of this id as the job of a row whose outcome is unknown; returns
    /// the new row. Unless `unasked`, the provider is asked for it first, with one poll. Nothing
    /// that costs money is sent.
    ///
    /// # Errors
    ///
    /// When the component or its connection refuses, the provider does not confirm the id, or the
    /// ledger fails.
    pub(crate) async fn adopt(
        &self,
        job: Job,
        provider_job_id: &str,
        unasked: bool,
    ) -> Result<Job, AdoptError> {
        let steps = &self.shared.steps;
        let ticket = match steps.ticket_of(&job, provider_job_id).await {
            // It is made when the connection is there: before the first poll.
            Err(error) if unasked && lacks_connection(&error) => String::new(),
            ticket => ticket.map_err(AdoptError::Job)?,
        };
        if !unasked {
            let confirmed = steps.confirm(&job, &ticket).await;
            confirmed.map_err(AdoptError::Unconfirmed)?;
        }
        let event = Event::Adopted {
            ticket,
            provider_job_id: provider_job_id.to_owned(),
            is_confirmed: !unasked,
        };
        let settled = steps.command(job, &event).await;
        settled.map_err(|error| AdoptError::Driver(error.into()))
    }
}

/// Whether a call needs a connection that cannot be used.
fn lacks_connection(error: &JobError) -> bool {
    use ErrorKind::{BadConfig, ConnectionChanged, ConnectionUnavailable};
    matches!(
        error.kind,
        BadConfig | ConnectionChanged | ConnectionUnavailable
    )
}

/// Inserts jobs, as [`Driver::add`].
fn add(
    ledger: &Ledger,
    steps: &Steps,
    jobs: &[Job],
    pack: &Pack,
    component: &[u8],
) -> Result<Vec<Inserted>, DriverError> {
    let _hold = ledger.hold_files()?;
    steps.packs.keep(pack, component)?;
    Ok(ledger.insert_all(jobs)?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use zoetrope_bundled_pack::{COMPONENT, DIGEST};

    use super::*;
    use crate::config::Config;
    use crate::engine::{Engine, EngineSettings};
    use crate::ledger::testing::queued;
    use crate::policy::Policy;

    #[tokio::test]
    async fn wait_does_not_end_for_a_row_that_the_driver_has_changed_meanwhile() {
        let folder = tempfile::tempdir().expect("folder");
        let engine = Engine::new(EngineSettings::default()).expect("engine");
        let policy = Policy::default().trusting(DIGEST);
        let pack = Pack::load(&engine, COMPONENT, &policy).expect("pack");
        let config = Config::parse("", Path::new("zoetrope.toml")).expect("configuration");
        let driver = Driver::builder(folder.path(), &pack, Arc::new(config)).build();
        let driver = driver.expect("driver");
        // Its deadline has passed.
        driver.ledger().insert_all(&[queued(0)]).expect("insert");
        let row = driver.ledger().job("j").expect("read").expect("a row");
        let mut resumed = row.clone();
        resumed.schedule.deadline_at = Millis::MAX;
        let other = Ledger::open(folder.path()).expect("ledger");
        let resumed = other.commit(&row, &resumed, now()).expect("commit");
        let end = driver.shared.steps.end_wait(row);
        assert_eq!(end.await.expect("a row"), resumed);
    }
}
