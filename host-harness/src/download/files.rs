//! What is known of a file that comes or is there, and the folder it is in.

use std::io;
use std::path::Path;

use crate::digest::Sha256Digest;

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes so far, with those that were there before.
    pub bytes: u64,
    /// Bytes in all, when the server tells.
    pub total: Option<u64>,
}

/// A file that is whole and on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Sha256Digest,
    /// What it is, by its first bytes: `video/mp4`.
    pub media_type: &'static str,
}

/// Puts the folder's list of names on the disk: a new name, too, must survive a power
/// cut.
#[cfg(unix)]
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    std::fs::File::open(folder_of(path))?.sync_all()
}

/// Elsewhere a folder cannot be synced; the file system's journal keeps the name.
#[cfg(not(unix))]
pub(super) fn sync_folder_of(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
