//! Events of a job, and the driver's actions, as data.

use std::fmt;

use crate::contract::Charge;
use crate::download::DownloadFailure;
use crate::ledger::{ClipFile, Cost, FieldValue, JobError, Media, Millis, Target};

/// The result of the last action, or a command for the job.
#[derive(Clone, PartialEq)]
pub enum Event {
    /// The job's `next_at` has come.
    Due,
    /// Local pictures are about to be uploaded, for which the provider may charge.
    UploadsBegin,
    /// The local pictures are handed over to the provider.
    HandedOver {
        /// What is submitted for each, in their order.
        values: Vec<FieldValue>,
        /// From when the age of their uploads counts.
        at: Millis,
        /// Whether the provider may have charged for uploads.
        has_uploads: bool,
    },
    /// A local picture was not handed over.
    HandOverFailed {
        /// The error.
        error: JobError,
        /// How the driver handles it.
        failure: SubmitFailure,
        /// Whether the provider may have charged for uploads.
        has_uploads: bool,
    },
    /// The provider refused the submit without a charge, since it no longer has an upload.
    UploadGone {
        /// The provider's error.
        error: JobError,
    },
    /// A submit is ready to be sent.
    SubmitReady {
        /// SHA-256 of the bytes.
        sha256: String,
        /// Whether they contain the job's idempotency key.
        keyed: bool,
        /// A salted digest of the connection's credential, or that it has none; `None` without a
        /// connection.
        account: Option<String>,
        /// The path of the submit's URL, which is stored in the row: a cancellation is not sent
        /// there.
        path: String,
    },
    /// The provider accepted the job.
    Accepted {
        /// The ticket that `poll` takes.
        ticket: String,
        /// The provider's own id.
        provider_job_id: String,
        /// The provider's delay before the first poll.
        hint: Option<Millis>,
        /// The cost, if it is known already.
        cost: Option<Cost>,
    },
    /// The submit failed, or its outcome is unknown.
    SubmitFailed {
        /// The error.
        error: JobError,
        /// How the driver handles it.
        failure: SubmitFailure,
    },
    /// The process that was submitting has ended.
    Orphaned,
    /// The provider reports the job as not finished.
    Waiting {
        /// The new ticket, if the provider replaced it.
        ticket: Option<String>,
        /// The provider's delay before the next poll.
        hint: Option<Millis>,
        /// The provider's message, where the component does not recognize the state.
        unrecognized: Option<String>,
    },
    /// The provider reports the result, or new URLs of it.
    Succeeded {
        /// The new ticket, if there is one.
        ticket: Option<String>,
        /// The provider's own id, if it was not known before.
        provider_job_id: Option<String>,
        /// The output document.
        output: String,
        /// The file to download.
        media: Option<Media>,
        /// Whether the job is charged.
        charge: Charge,
        /// What the component says about the charge, where `charge` is not its word.
        reported: Option<Charge>,
        /// The cost, if it is known.
        cost: Option<Cost>,
    },
    /// The job ended at the provider without a result.
    Ended {
        /// Whether it was cancelled; else it failed.
        cancelled: bool,
        /// The provider's error.
        error: JobError,
        /// Whether the job is charged.
        charge: Charge,
        /// What the component says about the charge, where `charge` is not its word.
        reported: Option<Charge>,
        /// The cost, if it is known.
        cost: Option<Cost>,
    },
    /// The provider reports success, without a result. It may follow.
    NoResult {
        /// The ticket, if the answer to a submit is such a success.
        ticket: Option<String>,
        /// The provider's own id, if it was not known before.
        provider_job_id: Option<String>,
        /// What the provider says about it.
        error: JobError,
        /// Whether the job is charged.
        charge: Charge,
        /// What the component says about the charge, where `charge` is not its word.
        reported: Option<Charge>,
        /// The cost, if it is known.
        cost: Option<Cost>,
    },
    /// A poll or a cancellation failed.
    PollFailed {
        /// The error.
        error: JobError,
        /// How the driver handles it.
        failure: PollFailure,
    },
    /// Command: cancel the job at the provider.
    CancelWanted,
    /// The provider accepted the cancellation, or it was too late; the next poll shows which.
    CancelAnswered,
    /// The provider has no cancellation.
    NoCancellation,
    /// The request of a cancellation that changes something is ready to be sent.
    CancelReady,
    /// That request was not sent, or it may be sent again: a trusted pack's cancellations cost
    /// nothing.
    CancelRepeatable,
    /// The job is not finished, and it was cancelled before: the request is not sent again.
    CancelSpent,
    /// The download is complete, in a file without its final name.
    Fetched {
        /// The file, with its final path.
        file: ClipFile,
    },
    /// The file has its final name.
    Finalized,
    /// The download failed.
    DownloadFailed {
        /// The error.
        error: JobError,
        /// How the driver handles it.
        failure: DownloadFailure,
    },
    /// Command: continue the job for this process.
    Resumed {
        /// The new deadline.
        deadline_at: Millis,
        /// The process that waits.
        requester: String,
    },
    /// Command: submit a job again that ended without a result.
    Retried {
        /// The retries before it: a row that another process has submitted again meanwhile stays.
        after: u32,
        /// The new deadline.
        deadline_at: Millis,
        /// The process that waits.
        requester: String,
        /// Whether it may be charged once more, after an attempt that was or may have been charged.
        again: bool,
    },
    /// The requester of a job that is not submitted has ended.
    Abandoned {
        /// The requester.
        requester: String,
    },
    /// No request was sent: a rate limit, or a component or connection that another process has.
    Delayed {
        /// When the step is tried again.
        until: Millis,
        /// The provider's error for which the submits of all jobs over the connection wait.
        error: Option<JobError>,
    },
    /// This process cannot use the component or the connection that the row names.
    ConnectionUnavailable {
        /// The error.
        error: JobError,
    },
    /// Command: write the result to another file.
    TargetChanged {
        /// The new target.
        target: Target,
        /// Whether an existing file is replaced.
        force: bool,
    },
    /// Command: the files of the result are not at their places any more; get them again.
    ResultRemoved {
        /// Whether another file at the place of one is replaced.
        force: bool,
    },
    /// Command: the job was found at the provider.
    Adopted {
        /// Its ticket.
        ticket: String,
        /// The provider's id of it.
        provider_job_id: String,
        /// Whether the provider knows a job of this id.
        is_confirmed: bool,
    },
    /// Command: the provider never had the job.
    NeverStarted,
}

/// The variant's name alone: an event may hold a ticket, an output, URLs.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Due => "Due",
            Self::UploadsBegin => "UploadsBegin",
            Self::HandedOver { .. } => "HandedOver",
            Self::HandOverFailed { .. } => "HandOverFailed",
            Self::UploadGone { .. } => "UploadGone",
            Self::SubmitReady { .. } => "SubmitReady",
            Self::Accepted { .. } => "Accepted",
            Self::SubmitFailed { .. } => "SubmitFailed",
            Self::Orphaned => "Orphaned",
            Self::Waiting { .. } => "Waiting",
            Self::Succeeded { .. } => "Succeeded",
            Self::Ended { .. } => "Ended",
            Self::NoResult { .. } => "NoResult",
            Self::PollFailed { .. } => "PollFailed",
            Self::CancelWanted => "CancelWanted",
            Self::CancelAnswered => "CancelAnswered",
            Self::NoCancellation => "NoCancellation",
            Self::CancelReady => "CancelReady",
            Self::CancelRepeatable => "CancelRepeatable",
            Self::CancelSpent => "CancelSpent",
            Self::Fetched { .. } => "Fetched",
            Self::Finalized => "Finalized",
            Self::DownloadFailed { .. } => "DownloadFailed",
            Self::Resumed { .. } => "Resumed",
            Self::Retried { .. } => "Retried",
            Self::Abandoned { .. } => "Abandoned",
            Self::Delayed { .. } => "Delayed",
            Self::ConnectionUnavailable { .. } => "ConnectionUnavailable",
            Self::TargetChanged { .. } => "TargetChanged",
            Self::ResultRemoved { .. } => "ResultRemoved",
            Self::Adopted { .. } => "Adopted",
            Self::NeverStarted => "NeverStarted",
        })
    }
}

impl Event {
    /// The event's error, if it has one.
    pub(super) fn error_mut(&mut self) -> Option<&mut JobError> {
        match self {
            Self::SubmitFailed { error, .. }
            | Self::HandOverFailed { error, .. }
            | Self::UploadGone { error }
            | Self::Ended { error, .. }
            | Self::NoResult { error, .. }
            | Self::PollFailed { error, .. }
            | Self::DownloadFailed { error, .. }
            | Self::ConnectionUnavailable { error } => Some(error),
            _ => None,
        }
    }
}

/// How the driver handles a failed submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitFailure {
    /// Nothing was sent, or the provider accepted none of it: repeated after the delay.
    Retryable {
        /// The provider's own delay.
        after: Option<Millis>,
    },
    /// The provider refused it for good.
    Refused {
        /// `No`; `Unknown`, if the component alone says that it was refused.
        charge: Charge,
    },
    /// The job is suspended: the connection, the component or the configuration must be fixed
    /// first.
    Permanent,
    /// The provider may have accepted it.
    Unknown,
}

/// How the driver handles a failed poll or cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollFailure {
    /// Repeated with backoff.
    Transient {
        /// The provider's own delay.
        after: Option<Millis>,
    },
    /// The job is not found or the reply is unreadable: repeated for
    /// [`GRACE`](super::pure::GRACE), then the job is suspended.
    Unrecognized,
    /// The job is suspended: the connection, the component or the configuration must be fixed
    /// first.
    Permanent,
}

/// The driver's next action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing, until `next_at`.
    Wait,
    /// Hand the local pictures over to the provider.
    HandOver,
    /// Hand the input to the component's `start`.
    Submit,
    /// Send the submit.
    AllowSubmit,
    /// Do not send the submit: its bytes differ from the first one's, or the job has changed.
    AbortSubmit,
    /// Call the component's `poll`.
    Poll,
    /// Call the component's `cancel`.
    Cancel,
    /// Send the request of a cancellation that changes something.
    AllowCancel,
    /// Download the result.
    Download,
    /// Give the file its final name.
    Finalize,
}
