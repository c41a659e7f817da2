//! The errors of a download, and what each means for the job.

use std::io;
use std::path::PathBuf;

use crate::disk::Shortage;
use crate::egress::{EgressError, FetchError, NotSent, ReplyLost};

/// How a failed download can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownloadFailure {
    /// With a fresh URL, which a poll with the ticket returns.
    UrlExpired,
    /// With the same URL, later. The unfinished file is kept.
    Transient,
    /// After the user has fixed a problem on this machine, such as a full disk.
    Permanent,
    /// With a fresh URL, after the user has allowed its origin in the configuration.
    Forbidden,
}

/// Why the target file cannot be created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The target exists already.
    #[error("`{}` exists already", path.display())]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// The target is a folder.
    #[error("`{}` is a folder, not a file", path.display())]
    IsAFolder {
        /// The target.
        path: PathBuf,
    },
    /// The target is a device, a pipe, a socket or a symbolic link.
    #[error("`{}` is {what}; a result replaces only a regular file", path.display())]
    NotRegular {
        /// The target.
        path: PathBuf,
        /// Its kind, with its article.
        what: &'static str,
    },
    /// No file can have this name, or not with the ending of an unfinished file.
    #[error(
        "no result can be written under the name `{}`, which has 49 bytes more until the result is \
         complete", path.display()
    )]
    Name {
        /// The target.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Windows gives the name another meaning.
    #[error("no result can be written to `{}`: its name {fault}", path.display())]
    ReservedName {
        /// The target.
        path: PathBuf,
        /// The fault, after "its name".
        fault: &'static str,
    },
    /// The target's folder is not writable.
    #[error("nothing can be written to the folder `{}`", folder.display())]
    Unwritable {
        /// The target's folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why a download or copy failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The target file cannot be created.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The URL cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The reply ended early. The bytes received so far are kept.
    #[error("the download of {url} ended early")]
    Broken {
        /// The URL without its query.
        url: String,
        /// Why.
        source: ReplyLost,
    },
    /// The server closed the connection without saying how long the file is, and the file is not
    /// complete by its format, or its format does not say. The bytes received so far are kept.
    #[error("the download of {url} ended without the end of the file: {why}")]
    Incomplete {
        /// The URL without its query.
        url: String,
        /// What is missing.
        why: String,
    },
    /// The file exceeds the length limit, decoded if the server encoded it.
    #[error("{url} is longer than {limit} bytes")]
    TooLong {
        /// The URL without its query.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// The file is of another kind.
    #[error("{url} should be {expected}, but is {what}")]
    WrongKind {
        /// The URL without its query.
        url: String,
        /// The expected kind, with its article.
        expected: &'static str,
        /// The actual kind by its first bytes, with its article.
        what: String,
    },
    /// The file is complete, and its format is not known here.
    #[error(
        "{url} should be {expected}, but its format is not known here; it is kept as `{}`",
        kept.display()
    )]
    UnknownFormat {
        /// The URL without its query.
        url: String,
        /// The expected kind, with its article.
        expected: &'static str,
        /// Where the file is kept until a download succeeds.
        kept: PathBuf,
    },
    /// The file was inside a reply and was not written, or the reply named one that it does not
    /// have. A poll returns it again.
    #[error("the file inside the provider's reply could not be taken from it")]
    NotInHand,
    /// The file's SHA-256 is not the one that the provider announced.
    #[error(
        "the SHA-256 of the file from {url} is not the one that the provider announced; it is \
         kept as `{}`", kept.display()
    )]
    Digest {
        /// The URL without its query.
        url: String,
        /// Where the file is kept until a download succeeds.
        kept: PathBuf,
    },
    /// A file cannot be written.
    #[error("`{}` cannot be written", path.display())]
    Write {
        /// The unfinished file, or the target.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A complete file cannot be synced: the disk may not have all of it.
    #[error("the file cannot be synced to the disk; it is kept as `{}`", kept.display())]
    Unsynced {
        /// Where the file is kept until a download succeeds.
        kept: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An existing file cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another download is writing the same unfinished file.
    #[error("another download is writing `{}`", path.display())]
    Busy {
        /// The unfinished file.
        path: PathBuf,
    },
    /// A complete file does not exist any more.
    #[error("`{}` does not exist any more", path.display())]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// A complete file was changed; it is removed.
    #[error("`{}` was changed after its download", path.display())]
    Altered {
        /// The unfinished file.
        path: PathBuf,
    },
}

impl DownloadError {
    /// How the download can succeed.
    ///
    /// - `UrlExpired`: the server refused the URL, the policy forbids it, or the reply is not
    ///   the file. A host without an address or with an untrusted certificate counts here,
    ///   because storage that has moved fails like this.
    /// - `Transient`: faults of the network or the server, such as a truncated file or a damaged
    ///   encoding, and files that another download is writing, removed or changed.
    /// - `Permanent`: files on this machine cannot be read or written.
    /// - `Forbidden`: the URL is at an address that the connection must name first.
    #[must_use]
    pub fn failure(&self) -> DownloadFailure {
        match self {
            Self::Target(_) | Self::Write { .. } | Self::Unsynced { .. } | Self::Read { .. } => {
                DownloadFailure::Permanent
            }
            Self::Fetch(error) => of_fetch(error),
            Self::Broken { source, .. } => of_lost(source),
            Self::TooLong { .. }
            | Self::WrongKind { .. }
            | Self::UnknownFormat { .. }
            | Self::Digest { .. }
            | Self::NotInHand => DownloadFailure::UrlExpired,
            Self::Incomplete { .. }
            | Self::Busy { .. }
            | Self::Gone { .. }
            | Self::Altered { .. } => DownloadFailure::Transient,
        }
    }

    /// What the disk lacked for the file.
    #[must_use]
    pub fn lacks(&self) -> Option<Shortage> {
        match self {
            Self::Target(TargetError::Unwritable { source, .. })
            | Self::Write { source, .. }
            | Self::Unsynced { source, .. } => Shortage::of(source),
            _ => None,
        }
    }

    /// Whether the file is of another kind, or of a format that is not known here.
    pub(crate) fn is_another_kind(&self) -> bool {
        matches!(self, Self::WrongKind { .. } | Self::UnknownFormat { .. })
    }

    /// Whether the unfinished file can never become the file.
    pub(super) fn invalidates_the_part(&self) -> bool {
        match self {
            Self::TooLong { .. } | Self::WrongKind { .. } | Self::Digest { .. } => true,
            // It may have been damaged anywhere before.
            Self::Broken { source, .. } => matches!(source, ReplyLost::Damaged { .. }),
            _ => false,
        }
    }
}

fn of_fetch(error: &FetchError) -> DownloadFailure {
    match error {
        FetchError::Url | FetchError::Redirect { .. } => DownloadFailure::UrlExpired,
        FetchError::ResultOrigin { .. } => DownloadFailure::Forbidden,
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
        NotSent::ResolvedByProxyAlone { source, .. }
            if source.kind() == io::ErrorKind::TimedOut =>
        {
            DownloadFailure::Transient
        }
        NotSent::Denied(_)
        | NotSent::Name { .. }
        | NotSent::Address { .. }
        | NotSent::Resolve { .. }
        | NotSent::ResolvedByProxyAlone { .. }
        | NotSent::Tls { .. } => DownloadFailure::UrlExpired,
        NotSent::PutOff(_)
        | NotSent::Connect { .. }
        | NotSent::ConnectTimeout { .. }
        | NotSent::HeldUp { .. }
        | NotSent::Closed { .. }
        | NotSent::BodyWithheld { .. }
        | NotSent::Proxy { .. }
        | NotSent::Body(_)
        | NotSent::File(_) => DownloadFailure::Transient,
    }
}

fn of_lost(error: &ReplyLost) -> DownloadFailure {
    match error {
        ReplyLost::Terminated(_)
        | ReplyLost::Timeout { .. }
        | ReplyLost::Protocol(_)
        | ReplyLost::Length { .. }
        | ReplyLost::Damaged { .. }
        | ReplyLost::Truncated { .. }
        | ReplyLost::Unread => DownloadFailure::Transient,
        ReplyLost::HeaderTooLong { .. }
        | ReplyLost::BodyTooLong { .. }
        | ReplyLost::ClipTooLong { .. }
        | ReplyLost::Encoded { .. } => DownloadFailure::UrlExpired,
    }
}
