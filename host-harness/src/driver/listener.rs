//! Updates on jobs, for the program that shows them.

use std::sync::Arc;

use super::held_up::HeldUp;
use crate::contract::Stage;
use crate::download::Received;
use crate::ledger::{Job, LedgerError};

/// An update on a job.
pub enum JobUpdate<'a> {
    /// A poll was answered with the job's progress.
    Progress {
        /// The stage at the provider.
        stage: Stage,
        /// 0 to 1, if the provider reports it.
        fraction: Option<f32>,
        /// The provider's message, without the texts of the input.
        message: Option<&'a str>,
    },
    /// The job's local pictures are about to be uploaded.
    Uploading,
    /// Progress of the download.
    Downloading(Received),
    /// Another process drives the job and is not at work. Reported once for all jobs that this
    /// process waits for.
    HeldUp(&'a HeldUp),
    /// The wait for the job has ended at its deadline, while another process drives it that is not at
    /// work. The row does not say so.
    WaitEnded(&'a HeldUp),
    /// The row was committed.
    Committed(&'a Job),
    /// The provider accepted the job, and the ledger cannot be written. The ticket must be
    /// shown now.
    Unrecorded {
        /// The row, without the ticket.
        job: &'a Job,
        /// The ticket.
        ticket: &'a str,
        /// The provider's own id.
        provider_job_id: &'a str,
        /// Why.
        error: &'a LedgerError,
    },
}

/// A function that takes a job's id and an update.
///
/// Called after each commit of a job that this process drives or waits for, at each poll
/// that the provider answers with its progress, before uploads and during a download; from several threads,
/// one call at a time for a job. A row may be reported again without a commit.
///
/// It must not block, must not panic and must not call the driver: the step that calls it
/// waits. It cannot fail: an update that it cannot show or store is lost.
/// [`JobUpdate::Unrecorded`] is the only notice of a ticket that the ledger does not have.
pub type Listener = Arc<dyn Fn(&str, JobUpdate<'_>) + Send + Sync>;
