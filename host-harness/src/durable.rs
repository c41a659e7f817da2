//! Names of files that survive a power cut.
//!
//! A file's content is synced by [`File::sync_all`](std::fs::File::sync_all). On macOS that asks
//! the drive itself to write its cache (`F_FULLFSYNC`), which `fsync` there does not.

use std::io;
use std::path::Path;

/// Syncs a folder, so that the names in it survive a power cut.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

/// Windows opens no folder as a file, and offers no sync of one. NTFS writes its journal before
/// the change of a name, so that a power cut leaves the former name or the new one.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_is_synced_and_a_missing_one_is_an_error_where_folders_are_files() {
        let folder = tempfile::tempdir().expect("folder");
        sync_folder(folder.path()).expect("sync");
        let missing = sync_folder(&folder.path().join("missing"));
        assert_eq!(missing.is_err(), cfg!(unix));
    }
}
