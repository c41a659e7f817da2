//! What is told of jobs, and to whom.

use std::sync::Arc;

use crate::contract::Stage;
use crate::download::Received;
use crate::ledger::{Job, LedgerError};

/// Something that happened to a job, for whoever shows it.
pub enum JobUpdate<'a> {
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

/// Is called with a job's id and what happened to it.
///
/// Called after each commit of a job that this process drives or waits for, at each poll
/// that the provider answers with its progress, and as a download goes on; from several
/// threads, one call at a time for a job. A row may be told of again without a commit.
///
/// It must not block, must not panic and must not call the driver: the step that calls it
/// waits. It has no way to fail; what it cannot show or store is lost, except that
/// [`JobUpdate::Unrecorded`] is the only notice of a ticket that the ledger does not have.
pub type Listener = Arc<dyn Fn(&str, JobUpdate<'_>) + Send + Sync>;
