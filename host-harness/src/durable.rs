//! Files and names that survive a power cut, as far as the file system offers that.
//!
//! `File::sync_all` of the standard library calls `fsync`, but on Apple's systems `fcntl` with
//! `F_FULLFSYNC` (`library/std/src/sys/fs/unix.rs`), since `fsync` there leaves the data in the
//! drive's cache. It does the same for a folder that is opened as a file. So does this module, but
//! an interrupted sync is not repeated for ever.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::said::{self, Limit};

/// Syncs a file's content to the disk. It must be open for writing: Windows syncs no other. Where
/// the file system has no sync at all, this is said once.
pub(crate) fn sync_file(file: &File) -> io::Result<()> {
    let synced = match bounded(|| sync_once(file)) {
        // A network file system may refuse the full sync; SQLite syncs as usual there, too.
        Err(error) if cfg!(target_vendor = "apple") => sync_as_usual(file, error),
        synced => synced,
    };
    synced.or_else(unsupported_is_said)
}

/// How often a sync that a signal interrupts is repeated: some FUSE mounts always report that.
const ATTEMPTS: u32 = 100;

fn bounded(sync: impl Fn() -> io::Result<()>) -> io::Result<()> {
    for _ in 1..ATTEMPTS {
        match sync() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            synced => return synced,
        }
    }
    sync()
}

/// The standard library repeats an interrupted sync for ever.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn sync_once(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fsync(file)?)
}

#[cfg(target_vendor = "apple")]
fn sync_once(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fcntl_fullfsync(file)?)
}

#[cfg(not(unix))]
fn sync_once(file: &File) -> io::Result<()> {
    file.sync_all()
}

#[cfg(unix)]
fn sync_as_usual(file: &File, _: io::Error) -> io::Result<()> {
    Ok(rustix::fs::fsync(file)?)
}

#[cfg(not(unix))]
fn sync_as_usual(_: &File, error: io::Error) -> io::Result<()> {
    Err(error)
}

/// No error if the file system offers no sync. An error of the disk stays one.
fn unsupported_is_said(error: io::Error) -> io::Result<()> {
    // EINVAL, ENOTSUP and ENOSYS.
    let is_unsupported = matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
    );
    if !is_unsupported {
        return Err(error);
    }
    if said::is_first(Limit::UnsyncedFiles, Path::new("")) {
        tracing::warn!(%error, "a file system does not sync files: a power cut may damage new files");
    }
    Ok(())
}

/// Syncs a folder, so that the names in it survive a power cut.
///
/// Network shares and some mounts cannot do so, and each reports another error (`EINVAL`, `EIO`,
/// `ENOTSUP`, `EBADF`); a folder that may be written and not read cannot be opened. The files in it
/// are whole then, so that is said once for each folder and is no error.
///
/// # Errors
///
/// When the folder does not exist.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let synced = File::open(folder).and_then(|opened| sync_opened(&opened));
    missing_alone_is_an_error(folder, synced)
}

#[cfg(unix)]
fn sync_opened(folder: &File) -> io::Result<()> {
    match bounded(|| sync_once(folder)) {
        Err(error) if cfg!(target_vendor = "apple") => sync_as_usual(folder, error),
        synced => synced,
    }
}

#[cfg(unix)]
fn missing_alone_is_an_error(folder: &Path, synced: io::Result<()>) -> io::Result<()> {
    use io::ErrorKind::{NotADirectory, NotFound};
    match synced {
        Err(error) if !matches!(error.kind(), NotFound | NotADirectory) => {
            if said::is_first(Limit::UnsyncedFolders, folder) {
                tracing::warn!(
                    folder = %folder.display(), %error,
                    "the folder cannot be synced: its files are complete, but after a power cut \
                     the latest of them may be missing"
                );
            }
            Ok(())
        }
        synced => synced,
    }
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
    fn sync_that_is_always_interrupted_ends() {
        let calls = std::cell::Cell::new(0);
        let synced = |until: u32| {
            calls.set(0);
            bounded(|| {
                calls.set(calls.get() + 1);
                if calls.get() < until {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                Ok(())
            })
        };
        synced(3).expect("the third one");
        assert_eq!(calls.get(), 3);
        let error = synced(u32::MAX).expect_err("it is interrupted");
        assert_eq!(
            (error.kind(), calls.get()),
            (io::ErrorKind::Interrupted, ATTEMPTS)
        );
    }

    #[test]
    fn folder_is_synced_and_a_missing_one_is_an_error_where_folders_are_files() {
        let folder = tempfile::tempdir().expect("folder");
        sync_folder(folder.path()).expect("sync");
        let missing = sync_folder(&folder.path().join("missing"));
        assert_eq!(missing.is_err(), cfg!(unix));
    }

    #[cfg(unix)]
    #[test]
    fn folder_that_cannot_be_synced_is_no_error() {
        use rustix::io::Errno;
        for errno in [
            Errno::INVAL,
            Errno::IO,
            Errno::NOTSUP,
            Errno::NOSYS,
            Errno::BADF,
            Errno::ACCESS,
            Errno::PERM,
            Errno::ROFS,
            Errno::ISDIR,
            Errno::NOSPC,
        ] {
            let folder = Path::new("/a share");
            missing_alone_is_an_error(folder, Err(errno.into())).expect("it is said");
        }
        let gone = Err(Errno::NOENT.into());
        missing_alone_is_an_error(Path::new("/a share"), gone).expect_err("it is missing");
    }

    #[cfg(unix)]
    #[test]
    fn file_sync_that_is_not_offered_is_no_error_and_a_failed_one_is() {
        use rustix::io::Errno;
        for errno in [Errno::INVAL, Errno::NOTSUP, Errno::NOSYS] {
            unsupported_is_said(errno.into()).expect("it is said");
        }
        for errno in [Errno::IO, Errno::NOSPC, Errno::DQUOT] {
            unsupported_is_said(errno.into()).expect_err("the data may be lost");
        }
    }
}
