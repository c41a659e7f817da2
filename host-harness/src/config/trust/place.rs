//! The place of the record: who can write it, and its lock.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use super::error::TrustError;
use crate::bounded::{self, FileFault, Links};

/// Checks that no other user can write the folder of the record at `path`.
pub(super) fn check_folder(path: &Path) -> Result<(), TrustError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let metadata = fs::metadata(folder).map_err(|error| TrustError::Read {
        path: path.to_owned(),
        source: error.into(),
    })?;
    check(path, folder, &metadata)
}

/// Checks that no other user can write `place`, the record at `path` or its folder.
#[cfg(unix)]
pub(super) fn check(path: &Path, place: &Path, metadata: &Metadata) -> Result<(), TrustError> {
    use std::os::unix::fs::MetadataExt as _;

    let (path, place) = (path.to_owned(), place.to_owned());
    let user = rustix::process::geteuid().as_raw();
    if !is_owner_trusted(metadata.uid(), user) {
        Err(TrustError::OfAnotherUser { path, place })
    } else if metadata.mode() & 0o022 != 0 {
        Err(TrustError::WritableByOthers { path, place })
    } else {
        Ok(())
    }
}

/// Other systems protect the user's folder by access lists.
#[cfg(not(unix))]
pub(super) fn check(_: &Path, _: &Path, _: &Metadata) -> Result<(), TrustError> {
    Ok(())
}

/// Root can write every file in any case.
#[cfg(unix)]
fn is_owner_trusted(owner: u32, user: u32) -> bool {
    owner == user || owner == 0
}

/// Waits for the lock file at `path` and locks it. The lock ends with the file.
pub(super) fn locked(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let opened = bounded::open_with(&mut options, path, Links::Refused);
    let (file, _) = opened.map_err(|fault| match fault {
        FileFault::Io(error) => error,
        fault => io::Error::other(format!("its lock file `trust.lock` is unusable: {fault}")),
    })?;
    match file.lock() {
        // A file system without locks: the record is still replaced in one step.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(file),
        locked => locked.map(|()| file),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::bounded::testing::make_pipe;

    #[test]
    fn record_of_this_user_or_root_is_used_and_of_another_is_not() {
        for (owner, user, expected) in [
            (1000, 1000, true),
            (0, 1000, true),
            (0, 0, true),
            (1001, 1000, false),
            (1000, 0, false),
        ] {
            assert_eq!(is_owner_trusted(owner, user), expected, "{owner} {user}");
        }
    }

    #[test]
    fn lock_that_is_a_pipe_or_a_link_is_refused_without_waiting() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("trust.lock");
        make_pipe(&pipe);
        let text = locked(&pipe).expect_err("a pipe").to_string();
        assert!(text.contains("it is not a regular file"), "{text}");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("target"), &link).expect("a link");
        let text = locked(&link).expect_err("a link").to_string();
        assert!(text.contains("it is a symbolic link"), "{text}");
        assert!(!folder.path().join("target").exists());
        drop(locked(&folder.path().join("new")).expect("a lock"));
    }
}
