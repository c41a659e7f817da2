//! What is told of jobs, and to whom.

use std::sync::Arc;

use crate::contract::Stage;
use crate::download::Received;
use crate::ledger::{Job, LedgerError};

/// Something that happened to a job, for whoever shows it.
pub enum News<'a> {
    /// The provider says how far it is.
    Progress {
        /// Where it stands.
        stage: Stage,
        /// 0 to 1, when the provider tells.
        fraction: Option<f32>,
        /// The provider's words.
        message: Option<&'a str>,
    },
    /// The download is that far.
    Downloading(Received),
    /// The row was committed.
    Committed(&'a Job),
    /// The provider took the job, and that cannot be written down: this is the moment to
    /// show the ticket.
    Unrecorded {
        /// The row without it.
        job: &'a Job,
        /// The ticket.
        ticket: &'a str,
        /// The provider's own id.
        provider_job_id: &'a str,
        /// Why.
        error: &'a LedgerError,
    },
}

/// Is told what happens, with the job's id. Must not block.
pub type Listener = Arc<dyn Fn(&str, News<'_>) + Send + Sync>;
