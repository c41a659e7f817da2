//! The stages of a job, each with the data that exists only there.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;

use super::state::State;

/// Milliseconds since 1970.
pub type Millis = i64;

/// A job's stage, with its data. [`State`] names the stages and shows which follow which.
///
/// | stage | ticket | submits that may have been accepted | result |
/// |---|---|---|---|
/// | `Queued` | no | no | no |
/// | `Submitting` | no | this one; an earlier one too if `uncertain` | no |
/// | `OutcomeUnknown` | no | yes | no |
/// | `Started` | yes | the one that was accepted, or none that the host saw | no |
/// | `Succeeded` | yes | the same | yes |
/// | `Failed`, `Cancelled` | if it was accepted | if it was accepted | no |
#[derive(Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "a box would be an allocation for each row that is read"
)]
pub enum Stage {
    /// In the ledger, and not accepted by the provider.
    Queued {
        /// Submits that were not sent or not accepted.
        earlier: Option<Attempts>,
    },
    /// A submit is running, or was when its process ended.
    Submitting {
        /// The submit.
        submit: Submit,
        /// Whether an earlier one may have been accepted.
        uncertain: bool,
    },
    /// A submit may have been accepted. Another one is sent only under the same key, while the
    /// provider honours it.
    OutcomeUnknown {
        /// The latest submit.
        submit: Submit,
    },
    /// The provider has accepted the job.
    Started {
        /// The provider's job.
        job: ProviderJob,
        /// The submits of it.
        submits: PastSubmits,
    },
    /// The provider has made the result.
    Succeeded {
        /// The provider's job.
        job: ProviderJob,
        /// The submits of it.
        submits: PastSubmits,
        /// The output document.
        output: String,
        /// The file to download; `None`: a poll returns it again.
        media: Option<Media>,
        /// The file on the disk.
        file: ResultFile,
    },
    /// The job failed at the provider, or the provider refused it.
    Failed {
        /// The provider's job, if the job was accepted.
        job: Option<ProviderJob>,
        /// The submits of it.
        submits: PastSubmits,
    },
    /// Ended on request.
    Cancelled {
        /// The provider's job, if the job was accepted.
        job: Option<ProviderJob>,
        /// The submits of it.
        submits: PastSubmits,
    },
}

/// A job at the provider.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderJob {
    /// The ticket that `poll` takes.
    pub ticket: String,
    /// The provider's own id, if it has one.
    pub id: Option<String>,
    /// Whether the user gave the id, and no reply of the provider has shown this job since. Only
    /// `Started` has such a job; it can be replaced by another one.
    pub is_unconfirmed: bool,
}

/// Submits that were ready to be sent: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// How many there were.
    pub count: NonZeroU32,
    /// SHA-256 of the latest one's bytes.
    pub sha256: String,
    /// Whether the latest one carries the job's key. A submit without it is never repeated,
    /// even if the provider honours keys.
    pub keyed: bool,
    /// A salted digest of the credential of the latest one: which account was asked. `None`: the
    /// connection has no credential, or an earlier version sent it.
    pub account: Option<String>,
}

/// A submit that the provider may have accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submit {
    /// This submit and those before it.
    pub attempts: Attempts,
    /// When the first one that may have been accepted was ready to be sent. The provider's
    /// window for the key counts from here.
    pub first_at: Millis,
}

/// The submits of a job that is not submitted any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PastSubmits {
    /// None. A component may report an acceptance without a request that the host counts as a
    /// submit.
    None,
    /// None was sent, or the provider accepted none.
    NotAccepted(Attempts),
    /// The provider has or may have accepted one.
    Sent(Submit),
}

/// The picture or clip that a job made, and how it is downloaded.
#[derive(Clone, PartialEq, Eq)]
pub struct Media {
    /// JSON Pointer into the output document.
    pub pointer: String,
    /// Its URL, which may expire.
    pub url: String,
    /// `video/mp4`, if the provider reports it.
    pub media_type: Option<String>,
    /// Lower-case hexadecimal, if the provider reports it.
    pub sha256: Option<String>,
    /// Whether the download needs the connection's credential.
    pub needs_credential: bool,
    /// Further places of the same file, in the order in which they are tried; without
    /// alternatives of their own.
    pub alternatives: Vec<Self>,
    /// The further files of the result; without others of their own.
    pub others: Vec<Self>,
}

/// Without the URL, whose query may give access.
impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Media");
        shown.field("pointer", &self.pointer);
        shown.field("media_type", &self.media_type);
        shown.finish_non_exhaustive()
    }
}

/// The file of a result on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultFile {
    /// No complete file.
    Missing,
    /// The complete file, committed before it gets its final name.
    Complete(ClipFile),
    /// The file with its final name.
    Finalized(ClipFile),
    /// No file is missing, and the row describes none: the output is the result. In rows of earlier
    /// versions, a file with its final name.
    Unrecorded,
}

/// The file that a job made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipFile {
    /// Its final, absolute path.
    pub path: PathBuf,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Its type by its first bytes: `video/mp4`.
    pub media_type: String,
    /// The further files of the result; without others of their own.
    pub others: Vec<FurtherFile>,
    /// Why further files of the result are missing: a sentence each.
    pub left_out: Vec<String>,
}

impl ClipFile {
    /// All files of the result, the first one first.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.others.iter().map(|other| &other.file))
    }
}

/// A file of a result after its first one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FurtherFile {
    /// Its unfinished file.
    pub part: PathBuf,
    /// The file.
    pub file: ClipFile,
}

/// Queued, without a submit.
impl Default for Stage {
    fn default() -> Self {
        Self::Queued { earlier: None }
    }
}

impl Stage {
    /// The stage's name.
    #[must_use]
    pub fn state(&self) -> State {
        match self {
            Self::Queued { .. } => State::Queued,
            Self::Submitting { .. } => State::Submitting,
            Self::OutcomeUnknown { .. } => State::OutcomeUnknown,
            Self::Started { .. } => State::Started,
            Self::Succeeded { .. } => State::Succeeded,
            Self::Failed { .. } => State::Failed,
            Self::Cancelled { .. } => State::Cancelled,
        }
    }

    /// The provider's job, once the job is accepted.
    #[must_use]
    pub fn provider_job(&self) -> Option<&ProviderJob> {
        match self {
            Self::Queued { .. } | Self::Submitting { .. } | Self::OutcomeUnknown { .. } => None,
            Self::Started { job, .. } | Self::Succeeded { job, .. } => Some(job),
            Self::Failed { job, .. } | Self::Cancelled { job, .. } => job.as_ref(),
        }
    }

    /// Submits that were ready to be sent.
    #[must_use]
    pub fn attempts(&self) -> Option<&Attempts> {
        match self {
            Self::Queued { earlier } => earlier.as_ref(),
            Self::Submitting { submit, .. } | Self::OutcomeUnknown { submit } => {
                Some(&submit.attempts)
            }
            Self::Started { submits, .. }
            | Self::Succeeded { submits, .. }
            | Self::Failed { submits, .. }
            | Self::Cancelled { submits, .. } => match submits {
                PastSubmits::None => None,
                PastSubmits::NotAccepted(attempts) => Some(attempts),
                PastSubmits::Sent(submit) => Some(&submit.attempts),
            },
        }
    }

    /// When the first submit that may have been accepted was ready to be sent.
    #[must_use]
    pub fn first_submit_at(&self) -> Option<Millis> {
        match self {
            Self::Submitting { submit, .. }
            | Self::OutcomeUnknown { submit }
            | Self::Started {
                submits: PastSubmits::Sent(submit),
                ..
            }
            | Self::Succeeded {
                submits: PastSubmits::Sent(submit),
                ..
            }
            | Self::Failed {
                submits: PastSubmits::Sent(submit),
                ..
            }
            | Self::Cancelled {
                submits: PastSubmits::Sent(submit),
                ..
            } => Some(submit.first_at),
            _ => None,
        }
    }

    /// The provider's job, and the submits until now.
    pub(crate) fn into_past(self) -> (Option<ProviderJob>, PastSubmits) {
        match self {
            Self::Queued { earlier: None } => (None, PastSubmits::None),
            Self::Queued {
                earlier: Some(attempts),
            } => (None, PastSubmits::NotAccepted(attempts)),
            Self::Submitting { submit, .. } | Self::OutcomeUnknown { submit } => {
                (None, PastSubmits::Sent(submit))
            }
            Self::Started { job, submits } | Self::Succeeded { job, submits, .. } => {
                (Some(job), submits)
            }
            Self::Failed { job, submits } | Self::Cancelled { job, submits } => (job, submits),
        }
    }
}

/// Without ticket and output.
impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Stage");
        shown.field("state", &self.state());
        shown.field("attempts", &self.attempts());
        shown.field("first_submit_at", &self.first_submit_at());
        match self {
            Self::Submitting { uncertain, .. } => {
                shown.field("uncertain", uncertain);
            }
            Self::Succeeded { media, file, .. } => {
                shown.field("media", media).field("file", file);
            }
            _ => {}
        }
        shown.field("job", &self.provider_job());
        shown.finish_non_exhaustive()
    }
}

/// Without the ticket.
impl fmt::Debug for ProviderJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ProviderJob");
        shown.field("id", &self.id);
        shown.finish_non_exhaustive()
    }
}

impl Attempts {
    /// `earlier` and one more submit.
    pub(crate) fn after(
        earlier: Option<Self>,
        sha256: String,
        keyed: bool,
        account: Option<String>,
    ) -> Self {
        Self {
            count: earlier.map_or(NonZeroU32::MIN, |made| made.count.saturating_add(1)),
            sha256,
            keyed,
            account,
        }
    }
}

impl ResultFile {
    /// The complete file, with its final name or before it.
    #[must_use]
    pub fn file(&self) -> Option<&ClipFile> {
        match self {
            Self::Complete(file) | Self::Finalized(file) => Some(file),
            Self::Missing | Self::Unrecorded => None,
        }
    }

    /// Whether the file has its final name.
    #[must_use]
    pub fn is_finalized(&self) -> bool {
        matches!(self, Self::Finalized(_) | Self::Unrecorded)
    }
}
