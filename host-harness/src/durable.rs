//! Files and names that survive a power cut.
//!
//! `File::sync_all` of the standard library calls `fsync`, but on Apple's systems `fcntl` with
//! `F_FULLFSYNC` (`library/std/src/sys/fs/unix.rs`), since `fsync` there leaves the data in the
//! drive's cache. It does the same for a folder that is opened as a file.

use std::fs::File;
use std::io;
use std::path::Path;

/// Syncs a file's content to the disk. It must be open for writing: Windows syncs no other.
pub(crate) fn sync_file(file: &File) -> io::Result<()> {
    match file.sync_all() {
        // A network file system may refuse the full sync; SQLite syncs as usual there, too.
        Err(error) if cfg!(target_vendor = "apple") => sync_as_usual(file, error),
        synced => synced,
    }
}

#[cfg(unix)]
fn sync_as_usual(file: &File, _: io::Error) -> io::Result<()> {
    Ok(rustix::fs::fsync(file)?)
}

#[cfg(not(unix))]
fn sync_as_usual(_: &File, error: io::Error) -> io::Result<()> {
    Err(error)
}

/// Syncs a folder, so that the names in it survive a power cut.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    sync_file(&File::open(folder)?)
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

    #[cfg(unix)]
    #[test]
    fn file_whose_full_sync_is_refused_is_synced_as_usual() {
        let file = tempfile::tempfile().expect("a file");
        sync_file(&file).expect("sync");
        let refused = io::Error::from(io::ErrorKind::Unsupported);
        sync_as_usual(&file, refused).expect("sync");
    }

    #[test]
    fn folder_is_synced_and_a_missing_one_is_an_error_where_folders_are_files() {
        let folder = tempfile::tempdir().expect("folder");
        sync_folder(folder.path()).expect("sync");
        let missing = sync_folder(&folder.path().join("missing"));
        assert_eq!(missing.is_err(), cfg!(unix));
    }
}
