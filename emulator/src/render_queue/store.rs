//! The jobs in memory, together with the journal and the data directory.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tracing::info;

use crate::data_dir::DataDir;
use crate::job::{Ending, JobId};
use crate::jobs::Jobs;
use crate::journal::{Entry, Event, Journal};

/// The jobs of a data directory.
pub(super) struct Store {
    pub(super) data_dir: DataDir,
    pub(super) journal: Journal,
    jobs: Mutex<Jobs>,
}

impl Store {
    /// A store with the jobs of the journal.
    pub(super) fn new(data_dir: DataDir, journal: Journal, jobs: Jobs) -> Self {
        Self {
            data_dir,
            journal,
            jobs: Mutex::new(jobs),
        }
    }

    /// The jobs, locked.
    pub(super) fn jobs(&self) -> MutexGuard<'_, Jobs> {
        lock(&self.jobs)
    }

    /// Writes the end of a claimed job to the journal, then settles the job.
    pub(super) async fn end(&self, id: JobId, ending: Ending) -> io::Result<()> {
        let entry = Entry {
            at: Timestamp::now(),
            job: id,
            event: Event::Ended(ending.clone()),
        };
        let written = self.journal.append(&entry).durable().await;
        // If the write fails, the job still ends here, and a restart renders it again.
        info!(job = %id, ending = ending.status(), "job ended");
        self.jobs().settle(id, ending, entry.at);
        written
    }
}

/// Locks a mutex, also after a panic: every change under the lock is complete in itself.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
