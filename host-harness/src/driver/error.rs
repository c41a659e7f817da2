//! Errors that stop a driver.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::held_up::HeldUp;
use crate::error::ErrorKind;
use crate::ledger::{JobError, LedgerError};
use crate::lock_errors;

/// Why a driver stopped. The state of each job is in its row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] Arc<LedgerError>),
    /// The lock, or another file beside the ledger, cannot be used.
    #[error("`{}` cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file system of the data directory has no locks.
    #[error(
        "`{}` cannot be locked: {} without locks for files, on which two processes could submit \
         the same job", path.display(), lock_errors::place_of(path)
    )]
    NoLocks {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The deadlines of the jobs passed while this process waited for another one, which cannot be
    /// replaced: it may be in the middle of a submit.
    #[error("the deadline passed, and the jobs wait for another process: {held_up}")]
    HeldUp {
        /// That process.
        held_up: HeldUp,
    },
    /// The deadlines of this process passed, while another command waits longer for the jobs.
    #[error("the deadline passed; another command waits longer for the job, which continues")]
    Outwaited,
    /// The deadlines of the jobs passed while another process held the ledger.
    #[error(
        "the deadline passed, and the jobs wait for another process that is writing to the ledger \
         and may be stopped"
    )]
    LedgerHeld,
}

impl DriverError {
    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Ledger(_) | Self::File { .. } | Self::NoLocks { .. } => {
                ErrorKind::LedgerUnavailable
            }
            Self::HeldUp { .. } | Self::Outwaited | Self::LedgerHeld => ErrorKind::Deadline,
        }
    }

    /// The error of a file that cannot be opened or renamed.
    pub(super) fn of_file(path: &Path, source: std::io::Error) -> Self {
        let path = path.to_owned();
        Self::File { path, source }
    }

    /// Whether the file system cannot do what a data directory needs.
    pub(crate) fn is_of_file_system(&self) -> bool {
        match self {
            Self::File { source, .. } => lock_errors::is_of_file_system(source),
            Self::NoLocks { .. } => true,
            _ => false,
        }
    }

    /// The error of a file that was opened and cannot be locked.
    pub(super) fn of_lock(path: &Path, source: std::io::Error) -> Self {
        let path = path.to_owned();
        if lock_errors::is_without_locks(&source) {
            Self::NoLocks { path, source }
        } else {
            Self::File { path, source }
        }
    }
}

impl From<LedgerError> for DriverError {
    fn from(error: LedgerError) -> Self {
        Arc::new(error).into()
    }
}

/// Why a provider's job was not adopted.
#[derive(Debug)]
pub(crate) enum AdoptError {
    /// The component or its connection refuses.
    Job(JobError),
    /// The provider does not know a job of the id, or did not say whether it does.
    Unconfirmed(JobError),
    /// The ledger cannot be used.
    Driver(DriverError),
}
