//! A place that stays open to other users.

use std::path::PathBuf;

/// A place of the data directory that other users can reach, and why it was left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPlace {
    /// The file or folder.
    pub path: PathBuf,
    /// Why its rights were not changed.
    pub why: KeptOpen,
}

/// Why the rights of a place were not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeptOpen {
    /// It belongs to another user.
    #[error("it belongs to another user")]
    OfAnotherUser,
    /// It is a symbolic link, which is not followed.
    #[error("it is a symbolic link, which is not followed")]
    Link,
    /// The data directory has files of other programs, or is shared on purpose.
    #[error("it also has files of other programs, or is a shared folder")]
    Shared,
    /// The system did not change them.
    #[error("the system did not change them: {0}")]
    Refused(String),
}
