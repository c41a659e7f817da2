//! Errors that stop a driver.

use std::path::PathBuf;
use std::sync::Arc;

use crate::ledger::{JobError, LedgerError};

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
    /// The ledger cannot be used.
    Driver(DriverError),
}
