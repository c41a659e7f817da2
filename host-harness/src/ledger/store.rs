//! The rows and their transactions.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};

use super::columns::select_job;
use super::driving::Driving;
use super::end_commands::{self, EndCommands};
use super::error::{DamagedRow, Failure, LedgerError};
use super::hold::Holds;
use super::latest::Latest;
use super::removed::{RemovedJob, removed_of_key};
use super::row::Job;
use super::stage::Millis;
use super::state::{DONE, SETTLED, State};
use super::{open, record};
use crate::contract::Charge;
use crate::error::{ErrorKind, chain};
use crate::rights;

/// The ledger's file in the data directory.
pub(super) const FILE: &str = "ledger.sqlite3";

/// A transaction waits for this long at once, so that reads over the same connection, which find
/// the changes of other processes, do not wait for the whole time.
pub(super) const BUSY_SLICE: Duration = Duration::from_millis(200);

/// Another thread that waits for the connection gets it between two slices.
const BUSY_PAUSE: Duration = Duration::from_millis(2);

/// The jobs of a data directory. Several processes may have it open.
///
/// # Example
///
/// ```
/// use zoetrope_host::ledger::Ledger;
///
/// let folder = tempfile::tempdir()?;
/// let ledger = Ledger::open(folder.path())?;
/// let rows = ledger.rows()?;
/// assert!(rows.jobs.is_empty() && rows.damaged.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Ledger {
    pub(super) path: PathBuf,
    writer: Mutex<Writer>,
    /// A connection of its own, so that reads do not wait while a commit is synced.
    reader: Mutex<Connection>,
    /// How long a transaction waits for another process's transaction.
    wait: Duration,
    holds: Holds,
    latest: Latest,
    driving: Driving,
    end_commands: EndCommands,
}

/// The connection that writes.
#[derive(Debug)]
struct Writer {
    connection: Connection,
    durability: Durability,
}

/// Whether a commit is synced when it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// Synced: the commit survives a power cut.
    Synced,
    /// Not synced: the commit survives the end of the process. The next synced commit syncs
    /// it too.
    Unsynced,
}

/// Rows of a ledger. Damaged ones are listed apart, so that they do not block other jobs.
#[derive(Debug, Default)]
pub struct Rows {
    /// The rows that could be read.
    pub jobs: Vec<Job>,
    /// The errors of the others, each with a [`LedgerError::damaged_row`].
    pub damaged: Vec<LedgerError>,
}

impl Rows {
    /// Adds a row, or its damage.
    pub(super) fn take(&mut self, path: &Path, row: &Row<'_>) -> Result<(), Failure> {
        match record::job(row) {
            Ok(job) => self.jobs.push(job),
            Err(failure @ Failure::Row(_)) => self.damaged.push(LedgerError::of(path, failure)),
            Err(failure) => return Err(failure),
        }
        Ok(())
    }
}

/// The result for one job of [`Ledger::insert_all`].
#[derive(Clone, Debug, PartialEq)]
pub enum Inserted {
    /// A row was inserted.
    New,
    /// This row was inserted under the key of a removed job, which had no result and cost nothing. It
    /// counts as a retry of that job, so that the provider receives another key.
    Again(Box<Job>),
    /// The ledger has this job already, with the same key and input.
    Same(Box<Job>),
    /// It had this job, with the same key and input, which has a result or may have been charged.
    /// Nothing was inserted.
    Removed(Box<RemovedJob>),
}

/// One committed change of a job's state or error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The time of the change.
    pub at: Millis,
    /// The new state.
    pub state: State,
    /// The kind of the new error, if there is one.
    pub error: Option<ErrorKind>,
}

impl Ledger {
    /// Whether a data directory has a ledger.
    #[must_use]
    pub fn exists(data_dir: &Path) -> bool {
        data_dir.join(FILE).is_file()
    }

    /// Opens the ledger of a data directory; creates both if they are missing. Takes the rights of
    /// other users from what is there; see [`rights::restrict`].
    ///
    /// # Errors
    ///
    /// When it cannot be created, read or written, or a later version wrote it.
    pub fn open(data_dir: &Path) -> Result<Self, LedgerError> {
        open::make_folder(data_dir)?;
        rights::restrict_and_log(data_dir);
        let path = data_dir.join(FILE);
        let connection = open::open(&path)?;
        connection
            .busy_timeout(BUSY_SLICE)
            .map_err(|error| LedgerError::of(&path, error))?;
        let writer = Mutex::new(Writer {
            connection,
            durability: Durability::Synced,
        });
        let reader = open::open(&path)?;
        let latest = Latest::read(&reader).map_err(|error| LedgerError::of(&path, error))?;
        let reader = Mutex::new(reader);
        Ok(Self {
            path,
            writer,
            reader,
            wait: open::BUSY_TIMEOUT,
            holds: Holds::of(data_dir),
            latest,
            driving: Driving::default(),
            end_commands: EndCommands::default(),
        })
    }

    /// The version of the `SQLite` library.
    #[must_use]
    pub fn sqlite_version() -> &'static str {
        rusqlite::version()
    }

    /// A ledger whose transactions wait for other processes only once.
    #[cfg(test)]
    pub(crate) fn without_wait(self) -> Self {
        Self {
            wait: Duration::ZERO,
            ..self
        }
    }

    /// Inserts jobs, all of them or none, synced when this returns.
    ///
    /// # Errors
    ///
    /// [`LedgerError::KeyConflict`] when a key belongs to a job with another input.
    pub fn insert_all(&self, jobs: &[Job]) -> Result<Vec<Inserted>, LedgerError> {
        self.write(|transaction| {
            let mut inserted = Vec::with_capacity(jobs.len());
            for job in jobs {
                let spec = &job.spec;
                let present = of_key(transaction, &spec.connection, &spec.key)?;
                inserted.push(match present {
                    None => match removed_of_key(transaction, &spec.connection, &spec.key)? {
                        Some(removed)
                            if removed.job.spec.raw_input_sha256 != spec.raw_input_sha256 =>
                        {
                            let is_unpaid = !removed.holds_key();
                            let job = removed.job.spec.id.clone();
                            return Ok(Err(LedgerError::KeyConflict { job, is_unpaid }));
                        }
                        Some(removed) if removed.holds_key() => {
                            Inserted::Removed(Box::new(removed))
                        }
                        Some(removed) => {
                            let retries = removed.job.retries.saturating_add(1);
                            let job = job.clone();
                            Inserted::Again(Box::new(Job { retries, ..job }))
                        }
                        None => Inserted::New,
                    },
                    Some(present) if present.spec.raw_input_sha256 == spec.raw_input_sha256 => {
                        Inserted::Same(Box::new(present))
                    }
                    Some(Job { spec, .. }) => {
                        let (job, is_unpaid) = (spec.id.clone(), false);
                        return Ok(Err(LedgerError::KeyConflict { job, is_unpaid }));
                    }
                });
            }
            for (job, inserted) in jobs.iter().zip(&inserted) {
                match inserted {
                    Inserted::New => add(transaction, job)?,
                    Inserted::Again(job) => add(transaction, job)?,
                    Inserted::Same(_) | Inserted::Removed(_) => continue,
                }
                end_commands::keep(transaction, &job.spec.id, self.end_commands.of_new_jobs())?;
            }
            Ok(Ok(inserted))
        })?
    }

    /// The job of this id.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn job(&self, id: &str) -> Result<Option<Job>, LedgerError> {
        let by_id = select_job!("WHERE id = ?1");
        Ok(self.read(by_id, [id], record::job)?.pop())
    }

    /// The job of this id, if its row can be read. Damage is logged, so that the caller can
    /// continue with other jobs.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn readable_job(&self, id: &str) -> Result<Option<Job>, LedgerError> {
        match self.job(id) {
            Err(error) if error.damaged_row().is_some() => {
                tracing::error!(job = id, error = chain(&error), "a job cannot be read");
                Ok(None)
            }
            job => job,
        }
    }

    /// The job of this connection and key.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn job_of_key(&self, connection: &str, key: &str) -> Result<Option<Job>, LedgerError> {
        of_key(&locked(&self.reader), connection, key)
            .map_err(|error| LedgerError::of(&self.path, error))
    }

    /// The jobs whose id begins with this, at most two.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn jobs_like(&self, beginning: &str) -> Result<Rows, LedgerError> {
        let like = select_job!("WHERE substr(id, 1, length(?1)) = ?1 LIMIT 6");
        self.rows_like(like, [beginning])
    }

    /// Every job, oldest first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read, or one of its rows is damaged.
    pub fn jobs(&self) -> Result<Vec<Job>, LedgerError> {
        let all = select_job!("ORDER BY created_at, rowid");
        self.read(all, [], record::job)
    }

    /// Every job that can be read, oldest first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn rows(&self) -> Result<Rows, LedgerError> {
        let all = select_job!("ORDER BY created_at, rowid");
        self.rows_like(all, [])
    }

    /// These jobs, in no order.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn rows_of(&self, ids: &[&str]) -> Result<Rows, LedgerError> {
        let mut rows = Rows::default();
        let of_ids = select_job!("WHERE id IN (SELECT value FROM json_each(?1))");
        let ids = serde_json::Value::from(ids.to_vec()).to_string();
        self.read(of_ids, [ids], |row| rows.take(&self.path, row))?;
        Ok(rows)
    }

    /// The settled ones of these jobs ([`Job::is_settled`]), those that are not in the ledger,
    /// and, with `accepted_too`, those that the provider has accepted. The flag says whether the
    /// job is not done and was given up at a deadline, or because its requester has ended.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn settled(
        &self,
        ids: &[&str],
        accepted_too: bool,
    ) -> Result<Vec<(String, bool)>, LedgerError> {
        let ids = serde_json::Value::from(ids.to_vec()).to_string();
        let settled = format!(
            "SELECT value, COALESCE(next_at IS NULL
                AND (state IN ('queued', 'outcome_unknown') AND error_kind = 'interrupted'
                    OR error_kind = 'deadline' AND NOT {}), FALSE)
            FROM json_each(?1) LEFT JOIN jobs ON jobs.id = value
            WHERE jobs.id IS NULL OR {} OR (?2 AND ticket IS NOT NULL)",
            *DONE, *SETTLED
        );
        self.read(&settled, params![ids, accepted_too], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    /// The deadlines of these jobs, in no order.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn deadlines(&self, ids: &[&str]) -> Result<Vec<(String, Millis)>, LedgerError> {
        let ids = serde_json::Value::from(ids.to_vec()).to_string();
        let of_ids = "SELECT id, deadline_at FROM jobs
            WHERE id IN (SELECT value FROM json_each(?1))";
        self.read(of_ids, [ids], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// Jobs of the state `submitting`.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn submitting(&self) -> Result<Rows, LedgerError> {
        let mut rows = Rows::default();
        let submitting = select_job!("WHERE state = 'submitting'");
        self.read(submitting, [], |row| rows.take(&self.path, row))?;
        Ok(rows)
    }

    /// A number that changes whenever another process commits.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn others_version(&self) -> Result<i64, LedgerError> {
        locked(&self.writer)
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0))
            .map_err(|error| LedgerError::of(&self.path, error))
    }

    /// The history of a job, oldest first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn history(&self, id: &str) -> Result<Vec<HistoryEntry>, LedgerError> {
        let of_job = "SELECT at, state, error_kind FROM history WHERE job = ?1 ORDER BY rowid";
        self.read(of_job, [id], |row| {
            let (state, error): (String, Option<String>) = (row.get(1)?, row.get(2)?);
            let damaged = |problem| {
                Failure::Row(DamagedRow {
                    job: id.to_owned(),
                    charge: Charge::Unknown,
                    problem,
                })
            };
            Ok(HistoryEntry {
                at: row.get(0)?,
                state: record::state(&state).map_err(damaged)?,
                error: error
                    .map(|word| record::kind(&word))
                    .transpose()
                    .map_err(damaged)?,
            })
        })
    }

    /// Writes in one transaction, which is synced when this returns.
    pub(super) fn write<T>(
        &self,
        run: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, LedgerError> {
        self.write_until(Durability::Synced, run)
    }

    /// Writes in one transaction of this durability.
    pub(super) fn write_until<T>(
        &self,
        wanted: Durability,
        run: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, LedgerError> {
        self.write_within(self.wait, wanted, run)
    }

    /// The same without a wait for a process that writes for longer than a moment.
    pub(super) fn write_once<T>(
        &self,
        wanted: Durability,
        run: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, LedgerError> {
        self.write_within(Duration::ZERO, wanted, run)
    }

    fn write_within<T>(
        &self,
        wait: Duration,
        wanted: Durability,
        run: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, LedgerError> {
        let begun = Instant::now();
        loop {
            let mut writer = locked(&self.writer);
            match begin(&mut writer, wanted) {
                Ok(transaction) => {
                    let written = run(&transaction).and_then(|answer| {
                        transaction.commit()?;
                        Ok(answer)
                    });
                    return written.map_err(|error| LedgerError::of(&self.path, error));
                }
                Err(error) => {
                    let error = LedgerError::of(&self.path, error);
                    if !error.is_busy() || begun.elapsed() >= wait {
                        return Err(error);
                    }
                }
            }
            drop(writer);
            std::thread::sleep(BUSY_PAUSE);
        }
    }

    /// The connection that writes, outside of a transaction.
    pub(super) fn with_writer<T>(
        &self,
        run: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        run(&locked(&self.writer).connection).map_err(|error| LedgerError::of(&self.path, error))
    }

    /// The ledger's file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn holds(&self) -> &Holds {
        &self.holds
    }

    pub(super) fn latest_time(&self) -> &Latest {
        &self.latest
    }

    pub(super) fn driving(&self) -> &Driving {
        &self.driving
    }

    pub(super) fn end_commands(&self) -> &EndCommands {
        &self.end_commands
    }

    /// Reads the jobs of a query of [`select_job`].
    pub(super) fn rows_like(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Rows, LedgerError> {
        let mut rows = Rows::default();
        self.read(query, parameters, |row| rows.take(&self.path, row))?;
        Ok(rows)
    }

    /// Reads rows of a query.
    pub(super) fn read<T>(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, Failure>,
    ) -> Result<Vec<T>, LedgerError> {
        let connection = locked(&self.reader);
        let read = || {
            let mut statement = connection.prepare_cached(query)?;
            let mut rows = statement.query(parameters)?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(read(row)?);
            }
            Ok(found)
        };
        read().map_err(|error: Failure| LedgerError::of(&self.path, error))
    }
}

fn locked<T>(connection: &Mutex<T>) -> MutexGuard<'_, T> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins a transaction of this durability.
fn begin(writer: &mut Writer, wanted: Durability) -> rusqlite::Result<Transaction<'_>> {
    let Writer {
        connection,
        durability,
    } = writer;
    set_durability(connection, durability, wanted)?;
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Sets the durability of a connection's commits, if it differs.
fn set_durability(
    connection: &Connection,
    durability: &mut Durability,
    wanted: Durability,
) -> rusqlite::Result<()> {
    if *durability != wanted {
        let synchronous = match wanted {
            Durability::Synced => "full",
            Durability::Unsynced => "normal",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        *durability = wanted;
    }
    Ok(())
}

fn add(transaction: &Transaction<'_>, job: &Job) -> rusqlite::Result<()> {
    record::insert(transaction, job)?;
    note(transaction, job, job.spec.created_at, None)
}

pub(super) fn of_key(
    from: &Connection,
    connection: &str,
    key: &str,
) -> Result<Option<Job>, Failure> {
    let same_key = select_job!("WHERE connection = ?1 AND key = ?2");
    let mut statement = from.prepare_cached(same_key)?;
    let mut rows = statement.query([connection, key])?;
    rows.next()?.map(record::job).transpose()
}

pub(super) fn kind(job: &Job) -> Option<ErrorKind> {
    job.last_error.as_ref().map(|error| error.kind)
}

/// Adds a history entry of a job; not if it has `most` of them already.
pub(super) fn note(
    transaction: &Transaction<'_>,
    job: &Job,
    at: Millis,
    most: Option<u32>,
) -> rusqlite::Result<()> {
    let add = "INSERT INTO history (job, at, state, error_kind) SELECT ?1, ?2, ?3, ?4
               WHERE ?5 IS NULL OR (SELECT count(*) FROM history WHERE job = ?1) < ?5";
    transaction
        .prepare_cached(add)?
        .execute(params![
            job.spec.id,
            at,
            job.state().as_str(),
            kind(job).map(ErrorKind::as_str),
            most
        ])
        .map(drop)
}

#[cfg(test)]
mod tests;
