//! Why the ledger cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::schema::VERSION;

/// Why the ledger cannot be used. Nothing was spent because of it.
#[derive(Debug, thiserror::Error)]
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
        /// What the database says.
        source: rusqlite::Error,
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
    /// What the database says, sorted.
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path, source }
            }
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

    /// Whether the same may go well a moment later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unwritable { .. } | Self::Other { .. })
    }
}
