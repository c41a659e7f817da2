//! Why a driver stops.

use std::path::PathBuf;
use std::sync::Arc;

use crate::ledger::{JobError, LedgerError};

/// Why a driver stopped. Every row says how its job stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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

/// Why a provider's job was not taken for one of ours.
#[derive(Debug)]
pub(crate) enum AdoptError {
    /// What the component or its connection says.
    Job(JobError),
    /// The ledger.
    Driver(DriverError),
}
