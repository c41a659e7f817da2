//! The progress and the result of a download, and durable folder entries.

use std::io;
use std::path::Path;

use crate::digest::Sha256Digest;

/// The progress of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes so far, including those of earlier attempts.
    pub bytes: u64,
    /// Length of the file, if the server announced it.
    pub total: Option<u64>,
}

/// A complete file on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Sha256Digest,
    /// Its media type by its first bytes: `video/mp4`.
    pub media_type: &'static str,
}

/// Syncs the folder of `path`, so that a new name survives a power cut.
#[cfg(unix)]
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    std::fs::File::open(folder_of(path))?.sync_all()
}

/// Other systems cannot sync a folder; their file system's journal keeps the name.
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
