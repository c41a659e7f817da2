//! The row of the process that drives: who it is, and since when it was not seen at work.
//!
//! The kernel's lock on `driver.lock` decides which process drives. On a file system whose locks do
//! not exclude other machines, this row is the second line of defence: a submit is committed only
//! while the row has the token of the process that commits it.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::stage::Millis;
use crate::sanitize::sentence;

/// The process that drives the jobs of a data directory, as the ledger names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrivingProcess {
    /// A random text: its term as the driver.
    pub token: String,
    /// The id of the process on its machine.
    pub process: u32,
    /// The name of its machine.
    pub host: String,
    /// When it began to drive.
    pub since: Millis,
    /// When it was at work last, to about two seconds.
    pub seen_at: Millis,
}

/// `process 123 on studio, last seen at work at 2026-01-31T12:00:00Z`
impl fmt::Display for DrivingProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { process, host, .. } = self;
        write!(f, "process {process} on {}", sentence(host))?;
        match jiff::Timestamp::from_millisecond(self.seen_at / 1000 * 1000) {
            Ok(seen_at) => write!(f, ", last seen at work at {seen_at}"),
            Err(_) => Ok(()),
        }
    }
}

/// The part of this process.
#[derive(Debug, Default)]
pub(super) struct Driving(Mutex<Term>);

#[derive(Debug, Default)]
enum Term {
    /// It does not drive.
    #[default]
    None,
    /// It holds the lock, and the row is written with the next commit.
    Begun(DrivingProcess),
    /// The row was written.
    Written(DrivingProcess),
    /// Another process has written the row since.
    Lost,
}

impl Driving {
    /// Whether a submit may be committed: this process drives, or no process of this ledger needs
    /// to. Writes the row, if that is due; [`confirmed`](Self::confirmed) follows the commit.
    pub(super) fn confirm(
        &self,
        transaction: &Transaction<'_>,
        now: Millis,
    ) -> rusqlite::Result<bool> {
        let mut term = self.term();
        match &*term {
            Term::None => Ok(true),
            Term::Lost => Ok(false),
            Term::Begun(process) => {
                write(transaction, process, now)?;
                Ok(true)
            }
            Term::Written(process) => {
                let is_own = is_of(transaction, &process.token)?;
                if !is_own {
                    *term = Term::Lost;
                }
                Ok(is_own)
            }
        }
    }

    /// Begins a term.
    pub(super) fn begin(&self, process: DrivingProcess) {
        *self.term() = Term::Begun(process);
    }

    /// Ends a term; returns its process, if its row may have been written.
    pub(super) fn end(&self) -> Option<DrivingProcess> {
        match std::mem::take(&mut *self.term()) {
            Term::Begun(process) | Term::Written(process) => Some(process),
            Term::None | Term::Lost => None,
        }
    }

    /// The token of the present term.
    pub(super) fn token(&self) -> Option<String> {
        match &*self.term() {
            Term::Begun(process) | Term::Written(process) => Some(process.token.clone()),
            Term::None | Term::Lost => None,
        }
    }

    pub(super) fn is_lost(&self) -> bool {
        matches!(*self.term(), Term::Lost)
    }

    /// The transaction of [`confirm`](Self::confirm) was committed.
    pub(super) fn confirmed(&self) {
        let mut term = self.term();
        *term = match std::mem::take(&mut *term) {
            Term::Begun(process) => Term::Written(process),
            other => other,
        };
    }

    fn term(&self) -> MutexGuard<'_, Term> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(
    transaction: &Transaction<'_>,
    process: &DrivingProcess,
    now: Millis,
) -> rusqlite::Result<()> {
    let write = "INSERT INTO driver (row, token, process, host, since, seen_at)
        VALUES (1, ?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (row) DO UPDATE SET token = excluded.token, process = excluded.process,
        host = excluded.host, since = excluded.since, seen_at = excluded.seen_at";
    let DrivingProcess {
        token,
        process,
        host,
        since,
        ..
    } = process;
    let mut write = transaction.prepare_cached(write)?;
    write
        .execute(params![token, process, host, since, now])
        .map(drop)
}

fn is_of(transaction: &Transaction<'_>, token: &str) -> rusqlite::Result<bool> {
    let found: Option<String> = transaction
        .prepare_cached("SELECT token FROM driver")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(found.as_deref() == Some(token))
}
