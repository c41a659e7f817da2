//! Why there is no file, and what that means for the job.

use std::io;
use std::path::PathBuf;

use crate::egress::{EgressError, FetchError, NotSent, ReplyLost};

/// What a failed download means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownloadFailure {
    /// The URL is no good any more: the ticket gives a fresh one.
    UrlExpired,
    /// It passes; what is here of the file stays.
    Transient,
    /// Somebody must make room first.
    Permanent,
}

/// Why a file cannot be made where it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Something is there already.
    #[error("`{}` exists already", path.display())]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// Not the name of a file.
    #[error("`{}` is a folder, not a file", path.display())]
    IsAFolder {
        /// The target.
        path: PathBuf,
    },
    /// Nothing can be written there.
    #[error("nothing can be written to the folder `{}`", folder.display())]
    Unwritable {
        /// The target's folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The file cannot be made where it should be.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// There is nothing to be had at the URL.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The download broke off; what came of it is kept.
    #[error("the download of {url} broke off")]
    Broken {
        /// The URL without its query.
        url: String,
        /// Why.
        source: ReplyLost,
    },
    /// It is longer than it may be.
    #[error("{url} is longer than {limit} bytes")]
    TooLong {
        /// The URL without its query.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// It is something else.
    #[error("{url} should be {expected}, but {what} came")]
    WrongKind {
        /// The URL without its query.
        url: String,
        /// What it should be, with its article.
        expected: &'static str,
        /// What came, by its first bytes.
        what: String,
    },
    /// It is not what the provider says it made.
    #[error("the file from {url} has another SHA-256 than the provider says")]
    Digest {
        /// The URL without its query.
        url: String,
    },
    /// It cannot be written.
    #[error("`{}` cannot be written", path.display())]
    Write {
        /// The unfinished file, or the target.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that is there cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else is writing the same unfinished file.
    #[error("`{}` is being written already", path.display())]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },
    /// A file that was whole is not there any more.
    #[error("`{}` is not there any more", path.display())]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// A file that was whole has other bytes now; it is removed.
    #[error("`{}` was changed after its download", path.display())]
    Altered {
        /// The unfinished file.
        path: PathBuf,
    },
}

impl DownloadError {
    /// What it means for the job.
    ///
    /// `UrlExpired` is what a fresh URL may cure: the server refused this one, it leads
    /// nowhere or where nothing may be fetched, or what came is not the file. A host
    /// without an address or with a foreign certificate counts among these, for that is
    /// how storage that moved looks. `Transient` is what the same URL may cure later, and
    /// a file that another download brings back. `Permanent` is what somebody must mend
    /// on this machine.
    #[must_use]
    pub fn failure(&self) -> DownloadFailure {
        match self {
            Self::Target(_) | Self::Write { .. } | Self::Read { .. } => DownloadFailure::Permanent,
            Self::Fetch(error) => of_fetch(error),
            Self::Broken { source, .. } => of_lost(source),
            Self::TooLong { .. } | Self::WrongKind { .. } | Self::Digest { .. } => {
                DownloadFailure::UrlExpired
            }
            Self::Busy { .. } | Self::Gone { .. } | Self::Altered { .. } => {
                DownloadFailure::Transient
            }
        }
    }

    /// Whether what is in the unfinished file can never become the file.
    pub(super) fn spoils_the_part(&self) -> bool {
        matches!(
            self,
            Self::TooLong { .. } | Self::WrongKind { .. } | Self::Digest { .. }
        )
    }
}

fn of_fetch(error: &FetchError) -> DownloadFailure {
    match error {
        FetchError::Url | FetchError::Redirect { .. } => DownloadFailure::UrlExpired,
        FetchError::Status { status, .. } => match status {
            408 | 425 | 429 | 500..=599 => DownloadFailure::Transient,
            _ => DownloadFailure::UrlExpired,
        },
        FetchError::Egress { source, .. } => match source {
            EgressError::NotSent(error) => of_not_sent(error),
            EgressError::ReplyLost(error) => of_lost(error),
        },
    }
}

fn of_not_sent(error: &NotSent) -> DownloadFailure {
    match error {
        NotSent::Denied(_)
        | NotSent::Name { .. }
        | NotSent::Address { .. }
        | NotSent::Resolve { .. }
        | NotSent::Tls { .. } => DownloadFailure::UrlExpired,
        NotSent::PutOff(_)
        | NotSent::Connect { .. }
        | NotSent::ConnectTimeout { .. }
        | NotSent::Closed { .. }
        | NotSent::Body(_)
        | NotSent::File(_) => DownloadFailure::Transient,
    }
}

fn of_lost(error: &ReplyLost) -> DownloadFailure {
    match error {
        ReplyLost::Terminated(_)
        | ReplyLost::Timeout { .. }
        | ReplyLost::Protocol(_)
        | ReplyLost::Length { .. } => DownloadFailure::Transient,
        ReplyLost::HeaderTooLong { .. }
        | ReplyLost::BodyTooLong { .. }
        | ReplyLost::Encoded { .. } => DownloadFailure::UrlExpired,
    }
}
