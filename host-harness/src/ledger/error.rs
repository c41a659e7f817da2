//! Errors of the ledger.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::schema::VERSION;
use super::state::State;
use crate::contract::Charge;
use crate::disk::Shortage;

/// Why the ledger cannot be used. Nothing was spent because of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The data directory, or a folder in it, cannot be created or written.
    #[error("the data directory `{}` cannot be written", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A later version of this program wrote it.
    #[error("the ledger `{}` has version {found}; this program reads up to version {VERSION}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// It is another program's database.
    #[error("`{}` is another program's database", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a database, or its content is damaged.
    #[error("the ledger `{}` is damaged, or is not a ledger", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The damage.
        source: Damage,
    },
    /// The disk is full, or a limit is reached. The same operation may succeed later.
    #[error("the ledger `{}` cannot be written: {lacks}", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What the write lacked.
        lacks: Shortage,
        /// The database's error.
        source: rusqlite::Error,
    },
    /// The file's permissions or its disk do not allow writing.
    #[error("the ledger `{}` cannot be written", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The database's error.
        source: rusqlite::Error,
    },
    /// The connection has another job under the same key.
    #[error("the idempotency key belongs to job {job}, which has another input")]
    KeyConflict {
        /// That job.
        job: String,
        /// Whether it was removed and cost nothing, so that its key is kept for its input alone.
        is_unpaid: bool,
    },
    /// Another process changed the row first.
    #[error("job {job} was changed by another process")]
    Outdated {
        /// The job.
        job: String,
    },
    /// Another process has been writing to it for as long as this one waits, half a minute.
    #[error(
        "another process has been writing to the ledger `{}` for half a minute, and nothing else \
         can be written meanwhile", path.display()
    )]
    Busy {
        /// The file.
        path: PathBuf,
        /// The database's error.
        source: rusqlite::Error,
    },
    /// A commit was stopped by a fault of this program. Its changes are written, or none is.
    #[error("a commit to the ledger was stopped by a fault of this program")]
    Stopped,
    /// Another error of the database.
    #[error("the ledger `{}` cannot be used", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// The database's error.
        source: rusqlite::Error,
    },
}

impl LedgerError {
    /// Classifies a failed query.
    pub(super) fn of(path: &Path, failure: impl Into<Failure>) -> Self {
        let path = path.to_owned();
        let source = match failure.into() {
            Failure::Database(source) => source,
            Failure::Row(row) => {
                let source = Damage::Row(row);
                return Self::Damaged { path, source };
            }
        };
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged {
                path,
                source: Damage::Database(source),
            },
            Some(ErrorCode::DiskFull) => {
                let lacks = Shortage::Space;
                Self::Full {
                    path,
                    lacks,
                    source,
                }
            }
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen)
                if let Some(lacks) = lacks(&path) =>
            {
                Self::Full {
                    path,
                    lacks,
                    source,
                }
            }
            Some(
                ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure,
            ) => Self::Unwritable { path, source },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Busy { path, source }
            }
            _ => Self::Other { path, source },
        }
    }

    /// The damaged row, if a single row is damaged and the others can be read.
    #[must_use]
    pub fn damaged_row(&self) -> Option<&DamagedRow> {
        match self {
            Self::Damaged {
                source: Damage::Row(row),
                ..
            } => Some(row),
            _ => None,
        }
    }

    /// Whether the same operation may succeed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Full { .. }
                | Self::Unwritable { .. }
                | Self::Busy { .. }
                | Self::Stopped
                | Self::Other { .. }
        )
    }

    /// What a write of this process lacked, if it lacked space.
    #[must_use]
    pub fn lacks(&self) -> Option<Shortage> {
        match self {
            Self::Full { lacks, .. } => Some(*lacks),
            Self::Folder { source, .. } => Shortage::of(source),
            _ => None,
        }
    }

    /// Whether another process holds the ledger. It passes, so a driver waits and tries again.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }
}

/// What a write to the ledger lacks now. The log beside it may be the file that cannot grow.
fn lacks(path: &Path) -> Option<Shortage> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    Shortage::probe(path.parent()?, length(path).max(length(log.as_ref())))
}

/// The damaged part of a ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The file.
    #[error(transparent)]
    Database(rusqlite::Error),
    /// A row.
    #[error(transparent)]
    Row(DamagedRow),
}

/// A row that cannot be read as a job. The other rows can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the row of job {job} is damaged")]
pub struct DamagedRow {
    /// The job.
    pub job: String,
    /// The value of its column `charge`; unknown if that cannot be read.
    pub charge: Charge,
    /// The cause.
    #[source]
    pub problem: RowProblem,
}

/// Why a row cannot be read as a job. Quotes only columns whose values are words of a fixed
/// list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowProblem {
    /// A column does not have its type.
    #[error("the column `{column}` cannot be read")]
    Unreadable {
        /// The column.
        column: &'static str,
    },
    /// A column holds a word that is not in its list.
    #[error("`{word}` is not a value of the column `{column}`")]
    UnknownWord {
        /// The column.
        column: &'static str,
        /// Its value.
        word: String,
    },
    /// Of two columns that belong together, one is empty.
    #[error("one of the two columns `{name}_…` is empty")]
    Incomplete {
        /// The common prefix of their names.
        name: &'static str,
    },
    /// The columns contradict each other.
    #[error("the job is `{}`, and {why}", state.as_str())]
    Impossible {
        /// The state.
        state: State,
        /// The contradiction.
        why: &'static str,
    },
}

/// Why a query failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The database's error.
    Database(rusqlite::Error),
    /// A row is damaged.
    Row(DamagedRow),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}
