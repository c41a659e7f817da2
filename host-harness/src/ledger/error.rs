//! Why the ledger cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::schema::VERSION;
use super::state::State;
use crate::contract::Charge;

/// Why the ledger cannot be used. Nothing was spent because of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The data directory, or a folder in it, cannot be made or written.
    #[error("the data directory `{}` cannot be written", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A later version of this program wrote it.
    #[error("the ledger `{}` is of version {found}, this program reads up to {VERSION}", path.display())]
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
    /// It is no database, or its content is damaged.
    #[error("the ledger `{}` is damaged, or is none", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is damaged.
        source: Damage,
    },
    /// There is no room for it, or no right to write it.
    #[error("the ledger `{}` cannot be written", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the database says.
        source: rusqlite::Error,
    },
    /// The connection has another job under the same key.
    #[error("the key is taken by job {job}, which has another input")]
    KeyConflict {
        /// That job.
        job: String,
    },
    /// Another process changed the row first.
    #[error("job {job} was changed by another process")]
    Outdated {
        /// The job.
        job: String,
    },
    /// Anything else.
    #[error("the ledger `{}` does not answer", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What the database says.
        source: rusqlite::Error,
    },
}

impl LedgerError {
    /// What the database says, sorted, or what is wrong with a row.
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
            Some(
                ErrorCode::ReadOnly
                | ErrorCode::DiskFull
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure,
            ) => Self::Unwritable { path, source },
            _ => Self::Other { path, source },
        }
    }

    /// The row that is damaged, if it is a single one and the others can be read.
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

    /// Whether the same may go well a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unwritable { .. } | Self::Other { .. })
    }
}

/// What is damaged of a ledger.
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

/// A row that is no job. The other rows can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the row of job {job} is damaged")]
pub struct DamagedRow {
    /// The job.
    pub job: String,
    /// What its column `charge` says: unknown where that cannot be read.
    pub charge: Charge,
    /// What is wrong.
    #[source]
    pub problem: RowProblem,
}

/// Why a row is no job. Quotes no column but those that hold a word of a fixed list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowProblem {
    /// A column does not hold what it should.
    #[error("the column `{column}` cannot be read")]
    Unreadable {
        /// The column.
        column: &'static str,
    },
    /// A column holds a word that is none of its list.
    #[error("`{word}` is no value of the column `{column}`")]
    UnknownWord {
        /// The column.
        column: &'static str,
        /// What it holds.
        word: String,
    },
    /// Of two columns that belong together, one is empty.
    #[error("one of the two columns `{name}_…` is empty")]
    Incomplete {
        /// How both begin.
        name: &'static str,
    },
    /// The columns contradict each other.
    #[error("the job is `{}`, and {why}", state.as_str())]
    Impossible {
        /// The state.
        state: State,
        /// What contradicts it.
        why: &'static str,
    },
}

/// Why a query failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// What the database says.
    Database(rusqlite::Error),
    /// A row is damaged.
    Row(DamagedRow),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}
