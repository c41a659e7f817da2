//! Reads small files that another user may have put in place: bounded, and without waiting for
//! a pipe.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use crate::text_file::NotText;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileFault {
    /// The file is a symbolic link, and links are not followed here.
    #[error("it is a symbolic link, which is not followed here")]
    Link,
    /// The file is a symbolic link, and what it names does not exist.
    #[error("it is a symbolic link that leads nowhere")]
    DanglingLink,
    /// A folder, a pipe, a socket or a device.
    #[error("it is not a regular file")]
    NotRegular,
    /// The file is longer than the limit.
    #[error("it is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: u64,
    },
    /// The file is not text.
    #[error(transparent)]
    NotText(NotText),
    /// The system cannot open or read it.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Whether a symbolic link at the path itself is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    Followed,
    Refused,
}

/// The content of a file, and its metadata while it was open.
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) metadata: Metadata,
}

/// Reads a regular file of at most `limit` bytes. The file is opened once, and the
/// checks are made on the open file: a change of the path afterwards has no effect.
pub(super) fn read(path: &Path, links: Links, limit: u64) -> Result<Content, FileFault> {
    let too_long = FileFault::TooLong { limit };
    let file = open(path, links).map_err(|error| explained(path, links, error))?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(FileFault::NotRegular);
    }
    if metadata.len() > limit {
        return Err(too_long);
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_long);
    }
    Ok(Content { bytes, metadata })
}

/// The reason of a failed open. A link that leads nowhere is not the same as no file.
fn explained(path: &Path, links: Links, error: io::Error) -> FileFault {
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    let metadata = std::fs::symlink_metadata(path);
    match metadata {
        Ok(metadata) if links == Links::Refused && metadata.is_symlink() => FileFault::Link,
        Ok(metadata) if is_missing && metadata.is_symlink() => FileFault::DanglingLink,
        Ok(metadata) if !metadata.is_file() && !metadata.is_symlink() => FileFault::NotRegular,
        _ => FileFault::Io(error),
    }
}

/// Opens without waiting: opening a pipe that has no writer would block.
#[cfg(unix)]
fn open(path: &Path, links: Links) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refused {
        flags |= OFlags::NOFOLLOW;
    }
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    options.open(path)
}

/// Opens the file. Where the system has no flag that refuses links, the link is looked for
/// first.
#[cfg(not(unix))]
fn open(path: &Path, links: Links) -> io::Result<File> {
    if links == Links::Refused && std::fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    OpenOptions::new().read(true).open(path)
}
