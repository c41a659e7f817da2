//! What can happen to a job, and what the driver does about it, as data.

use std::fmt;

use crate::contract::Charge;
use crate::download::DownloadFailure;
use crate::ledger::{ClipFile, Cost, JobError, Media, Millis, Target};

/// What has come of the last action, or what somebody wants.
#[derive(Clone, PartialEq)]
pub enum Event {
    /// Its time has come.
    Due,
    /// A submit's bytes, of this digest, are about to leave.
    SubmitReady {
        /// SHA-256 of the bytes.
        sha256: String,
        /// Whether the job's key is among them.
        keyed: bool,
    },
    /// The provider took the job.
    Accepted {
        /// What `poll` goes on from.
        ticket: String,
        /// The provider's own id.
        provider_job_id: String,
        /// When it wants to be asked.
        hint: Option<Millis>,
        /// The bill, if it is known already.
        cost: Option<Cost>,
    },
    /// The submit was not accepted, as far as is known.
    SubmitFailed {
        /// What went wrong.
        error: JobError,
        /// What that means.
        failure: SubmitFailure,
    },
    /// The process that was submitting is gone.
    Orphaned,
    /// The provider says that the job goes on.
    Waiting {
        /// The ticket from now on, if it is another.
        ticket: Option<String>,
        /// When it wants to be asked again.
        hint: Option<Millis>,
        /// The provider's words, where the state is one that nobody knows.
        unrecognized: Option<String>,
    },
    /// The job made its clip, or its URLs are fresh again.
    Succeeded {
        /// The ticket from now on, if it is another.
        ticket: Option<String>,
        /// The provider's own id, if it is news.
        provider_job_id: Option<String>,
        /// The output document.
        output: String,
        /// What can be downloaded.
        media: Option<Media>,
        /// What is known of the bill.
        charge: Charge,
        /// The bill.
        cost: Option<Cost>,
    },
    /// The job ended without a clip.
    Ended {
        /// `Failed` or `Cancelled`.
        cancelled: bool,
        /// What the provider says.
        error: JobError,
        /// What is known of the bill.
        charge: Charge,
        /// The bill.
        cost: Option<Cost>,
    },
    /// A poll, or a cancellation, taught nothing.
    ReadFailed {
        /// What went wrong.
        error: JobError,
        /// What that means.
        failure: PollFailure,
    },
    /// Somebody wants the job cancelled at the provider.
    CancelWanted,
    /// The provider will cancel, or it is too late: a poll tells.
    CancelAnswered,
    /// The provider has no cancellation.
    NoCancellation,
    /// The clip is whole, in a file that has not its name yet.
    Fetched {
        /// What it is, and where it goes.
        file: ClipFile,
    },
    /// The file has its name.
    Finalized,
    /// The clip is not here.
    DownloadFailed {
        /// What went wrong.
        error: JobError,
        /// What that means.
        failure: DownloadFailure,
    },
    /// Somebody waits for it, or again, until this time.
    Resumed {
        /// The deadline from now on.
        deadline_at: Millis,
        /// Which process waits.
        requester: String,
    },
    /// The process that asked last for a job that is not submitted has ended.
    Abandoned {
        /// Which one that was.
        requester: String,
    },
    /// Nothing was tried: the connection is to rest until then.
    RateLimited {
        /// When it may be tried.
        until: Millis,
    },
    /// What its connection leads to cannot be found out by this process.
    ConnectionUnavailable {
        /// What is missing.
        error: JobError,
    },
    /// The clip is wanted in another place.
    TargetChanged {
        /// Where.
        target: Target,
        /// Whether a file that is there is replaced.
        force: bool,
    },
    /// Somebody found the job at the provider.
    Adopted {
        /// Its ticket.
        ticket: String,
        /// The provider's id of it.
        provider_job_id: String,
    },
    /// Somebody found that the provider never had it.
    NeverStarted,
}

/// Its name alone: an event may hold a ticket, an output, URLs.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Due => "Due",
            Self::SubmitReady { .. } => "Leaving",
            Self::Accepted { .. } => "Accepted",
            Self::SubmitFailed { .. } => "SubmitFailed",
            Self::Orphaned => "Orphaned",
            Self::Waiting { .. } => "Waiting",
            Self::Succeeded { .. } => "Succeeded",
            Self::Ended { .. } => "Ended",
            Self::ReadFailed { .. } => "ReadFailed",
            Self::CancelWanted => "CancelWanted",
            Self::CancelAnswered => "CancelAnswered",
            Self::NoCancellation => "NoCancellation",
            Self::Fetched { .. } => "Fetched",
            Self::Finalized => "Placed",
            Self::DownloadFailed { .. } => "DownloadFailed",
            Self::Resumed { .. } => "Resumed",
            Self::Abandoned { .. } => "Abandoned",
            Self::RateLimited { .. } => "Held",
            Self::ConnectionUnavailable { .. } => "Unreachable",
            Self::TargetChanged { .. } => "Moved",
            Self::Adopted { .. } => "Adopted",
            Self::NeverStarted => "NeverStarted",
        })
    }
}

impl Event {
    /// What went wrong, if that is what happened.
    pub(super) fn error_mut(&mut self) -> Option<&mut JobError> {
        match self {
            Self::SubmitFailed { error, .. }
            | Self::Ended { error, .. }
            | Self::ReadFailed { error, .. }
            | Self::DownloadFailed { error, .. }
            | Self::ConnectionUnavailable { error } => Some(error),
            _ => None,
        }
    }
}

/// What a failed submit means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitFailure {
    /// Nothing left, or it was turned away whole: it may go out again, after the delay.
    Retryable {
        /// The provider's own delay.
        after: Option<Millis>,
    },
    /// The provider refused it for good.
    Refused,
    /// Somebody must mend the connection first.
    Permanent,
    /// It may have been accepted.
    Unknown,
}

/// What a failed poll or cancellation means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollFailure {
    /// It passes.
    Transient {
        /// The provider's own delay.
        after: Option<Millis>,
    },
    /// It may pass, or the job is lost or the provider changed.
    Unrecognized,
    /// Somebody must mend the connection first.
    Permanent,
}

/// What the driver does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing, until `next_at`.
    Wait,
    /// Hand the input to the component's `start`.
    Submit,
    /// Let the bytes of the submit leave.
    AllowSubmit,
    /// Do not let them leave: the provider would not know them for the same, or the job
    /// has changed.
    AbortSubmit,
    /// Ask the component where the job stands.
    Poll,
    /// Ask the component to cancel.
    Cancel,
    /// Fetch the clip.
    Download,
    /// Give the file its name.
    Place,
}
