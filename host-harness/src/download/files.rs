//! The progress and the result of a download, and durable folder entries.

use std::io;
use std::path::Path;

use crate::digest::Sha256Digest;
use crate::durable::sync_folder;

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
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    sync_folder(folder_of(path))
}

pub(super) fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
