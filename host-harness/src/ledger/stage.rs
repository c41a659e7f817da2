//! How far a job is, with what is known there and nowhere else.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;

use super::state::State;

/// Milliseconds since 1970.
pub type Millis = i64;

/// How far a job is, and what is known from there. [`State`] names the stages and says
/// which follow which.
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
    /// On disk, and not with the provider.
    Queued {
        /// Submits that did not leave or were turned away.
        earlier: Option<Attempts>,
    },
    /// A submit is on its way, or was when its process ended.
    Submitting {
        /// The submit.
        submit: Submit,
        /// Whether an earlier one may have been accepted.
        uncertain: bool,
    },
    /// A submit may have been accepted. A further one goes out only under the same key,
    /// while the provider honours it.
    OutcomeUnknown {
        /// The latest submit.
        submit: Submit,
    },
    /// The provider has accepted the job.
    Started {
        /// The job there.
        job: ProviderJob,
        /// How it came there.
        submits: PastSubmits,
    },
    /// The provider has made the result.
    Succeeded {
        /// The job there.
        job: ProviderJob,
        /// How it came there.
        submits: PastSubmits,
        /// The output document.
        output: String,
        /// What can be downloaded; `None`: a poll is to name it again.
        media: Option<Media>,
        /// How much of it is on the disk.
        file: ResultFile,
    },
    /// The provider has given up, or has refused.
    Failed {
        /// The job there, if the provider had accepted it.
        job: Option<ProviderJob>,
        /// How it came there.
        submits: PastSubmits,
    },
    /// Ended on request.
    Cancelled {
        /// The job there, if the provider had accepted it.
        job: Option<ProviderJob>,
        /// How it came there.
        submits: PastSubmits,
    },
}

/// What the provider knows a job by.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderJob {
    /// What `poll` goes on from.
    pub ticket: String,
    /// The provider's own id, if it has one.
    pub id: Option<String>,
}

/// Submits that were about to leave: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// How many there were.
    pub count: NonZeroU32,
    /// SHA-256 of the latest one's bytes.
    pub sha256: String,
    /// Whether the latest one carries the job's key. One that does not is never repeated,
    /// whatever the provider honours.
    pub keyed: bool,
}

/// A submit that the provider may have accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submit {
    /// This one, and those before.
    pub attempts: Attempts,
    /// When the first one that may have been accepted was about to leave: the provider's
    /// window counts from here.
    pub first_at: Millis,
}

/// What was submitted for a job that is not submitted any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PastSubmits {
    /// Nothing. A component may know of an acceptance without a request that the host takes
    /// for a submit.
    None,
    /// Nothing left, or the provider turned all of it away.
    NotAccepted(Attempts),
    /// The provider may have accepted it, or has.
    Sent(Submit),
}

/// The picture or clip that a job made, and how it is fetched.
#[derive(Clone, PartialEq, Eq)]
pub struct Media {
    /// JSON Pointer into the output document.
    pub pointer: String,
    /// Where it can be fetched, until it expires or moves.
    pub url: String,
    /// `video/mp4`, when the provider tells.
    pub media_type: Option<String>,
    /// Lower-case hexadecimal, when the provider tells.
    pub sha256: Option<String>,
    /// Whether fetching it takes the connection's credential.
    pub needs_credential: bool,
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

/// How much of a result is on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultFile {
    /// Nothing that is complete.
    Missing,
    /// The complete file, committed before it gets its final name.
    Complete(ClipFile),
    /// The file with its final name.
    Finalized(ClipFile),
    /// A file had its final name when another target was committed: which one is not known.
    /// Rows of versions before this type can say so; none is made any more.
    Unrecorded,
}

/// The file that a job made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClipFile {
    /// Where it is, once it is placed: absolute.
    pub path: PathBuf,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// What it is, by its first bytes: `video/mp4`.
    pub media_type: String,
}

/// Nothing has been submitted.
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

    /// What the provider knows the job by, once it has accepted it.
    #[must_use]
    pub fn provider_job(&self) -> Option<&ProviderJob> {
        match self {
            Self::Queued { .. } | Self::Submitting { .. } | Self::OutcomeUnknown { .. } => None,
            Self::Started { job, .. } | Self::Succeeded { job, .. } => Some(job),
            Self::Failed { job, .. } | Self::Cancelled { job, .. } => job.as_ref(),
        }
    }

    /// Submits that were about to leave.
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

    /// When the first submit that may have been accepted was about to leave.
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

    /// The job at the provider, and what was submitted until now.
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
    /// Another one after `earlier`.
    pub(crate) fn after(earlier: Option<Self>, sha256: String, keyed: bool) -> Self {
        Self {
            count: earlier.map_or(NonZeroU32::MIN, |made| made.count.saturating_add(1)),
            sha256,
            keyed,
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
