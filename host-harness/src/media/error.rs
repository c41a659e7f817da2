//! Errors of local pictures.

use std::io;
use std::path::PathBuf;

use crate::component::CallError;
use crate::egress::{Denial, EgressError, NotSent};
use crate::error::ErrorKind;
use crate::ledger::LedgerError;

/// Why a local picture cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The file cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no picture, or one of a format that providers do not accept.
    #[error("`{}` is {what}; the provider accepts PNG, JPEG and WebP", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its type by its first bytes, with the article.
        what: String,
    },
    /// The file is not the one that was checked.
    #[error("`{}` was changed after it was checked; nothing was submitted", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The component's error, or a call that failed.
    #[error("the component did not accept the picture")]
    Call(#[from] CallError),
    /// The call has no connection.
    #[error("the picture cannot be uploaded without a connection")]
    NoConnection,
    /// The upload failed.
    #[error("the picture could not be uploaded")]
    Upload(#[source] EgressError),
    /// The file is too long to be part of a request.
    #[error("`{}` is longer than the {limit} bytes that fit into a request", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// The component planned a second upload of one picture.
    #[error(
        "the component asks for a second upload of `{}`; a picture is uploaded once, because an \
         upload may cost money",
        path.display()
    )]
    SecondUpload {
        /// The file.
        path: PathBuf,
    },
    /// The picture left, and no reply came.
    #[error(
        "`{}` was sent to the provider under this key ({at}), and no reply says whether it was \
         refused: it may have arrived, and may have cost money",
        path.display()
    )]
    Unanswered {
        /// The file.
        path: PathBuf,
        /// When it was sent.
        at: String,
        /// Why there is no reply, if it left in this command.
        source: Option<Box<EgressError>>,
    },
    /// The provider refused the picture twice under this key.
    #[error(
        "`{}` was sent to the provider twice under this key, and refused both times",
        path.display()
    )]
    RefusedTwice {
        /// The file.
        path: PathBuf,
    },
    /// Another process uploads the picture under this key.
    #[error("another process sends `{}` to the provider under this key", path.display())]
    Concurrent {
        /// The file.
        path: PathBuf,
    },
    /// The upload could not be recorded, so it was not sent.
    #[error("the picture is not uploaded, because the upload cannot be recorded first")]
    Ledger(#[source] LedgerError),
    /// The component's value for the field is not JSON.
    #[error("the component's value for the picture is not JSON")]
    Value(#[source] serde_json::Error),
}

impl MediaError {
    /// The kind of the error. `None` if it is in the [`CallError`].
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        Some(match self {
            Self::Call(_) => return None,
            Self::Read { .. } | Self::Changed { .. } => ErrorKind::Usage,
            Self::Format { .. } | Self::TooLong { .. } => ErrorKind::Unsupported,
            Self::Upload(EgressError::NotSent(NotSent::Denied(Denial::NotGranted(_))))
            | Self::SecondUpload { .. } => ErrorKind::Denied,
            Self::Upload(_) | Self::Unanswered { .. } | Self::Concurrent { .. } => {
                ErrorKind::Unavailable
            }
            Self::RefusedTwice { .. } => ErrorKind::Rejected,
            Self::Ledger(_) => ErrorKind::LedgerUnavailable,
            Self::NoConnection | Self::Value(_) => ErrorKind::Internal,
        })
    }
}
