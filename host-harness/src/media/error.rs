//! Errors of local pictures.

use std::io;
use std::path::PathBuf;

use crate::component::CallError;
use crate::egress::EgressError;

/// Most steps of one upload: a presigned upload takes two requests and a final value.
pub(super) const STEPS: usize = 4;

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
    #[error("the provider accepts PNG, JPEG and WebP; `{}` is {what}", path.display())]
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
    /// The component asked for too many steps.
    #[error("the component asks for more than {STEPS} steps to upload a picture")]
    Steps,
    /// The component's value for the field is not JSON.
    #[error("the component's value for the picture is not JSON")]
    Value(#[source] serde_json::Error),
}
