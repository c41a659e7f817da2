//! Space on a disk: how much is left, and whether a failed write lacked it, or another limit.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

use crate::open_files;

/// What a failed write lacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// Space on the disk, or of the user's quota.
    Space,
    /// Permission to make a file so long: the limit `ulimit -f`.
    FileSize,
    /// Permission to open one more file: the limit `ulimit -n`.
    OpenFiles,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Space => "the disk, or the quota of this user, is full",
            Self::FileSize => "the limit on the size of files (`ulimit -f`) is reached",
            Self::OpenFiles => "the limit on open files (`ulimit -n`) is reached",
        })
    }
}

impl Shortage {
    /// What a failed write lacked; `None` if it failed for another reason.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Self::Space),
            io::ErrorKind::FileTooLarge => Some(Self::FileSize),
            _ if open_files::is_limit(error) => Some(Self::OpenFiles),
            _ => None,
        }
    }

    /// What an error's text says that a write lacked.
    #[must_use]
    pub fn in_text(text: &str) -> Option<Self> {
        let all = [Self::Space, Self::FileSize, Self::OpenFiles];
        all.into_iter()
            .find(|lacks| text.contains(&lacks.to_string()))
    }

    /// What a write in `folder` lacks now: writes a file there, and removes it. For errors that do
    /// not say why a write failed: `SQLite` has one code for all but a full disk. `length`: of the
    /// file that could not be written, since a longer one may exceed a limit.
    #[must_use]
    pub fn probe(folder: &Path, length: u64) -> Option<Self> {
        /// As much as the first write of a transaction.
        const BYTES: usize = 64 << 10;
        let written = || {
            let file = tempfile::NamedTempFile::new_in(folder)?;
            write_at(file.as_file(), &vec![0; BYTES], length)?;
            file.as_file().set_len(length + BYTES as u64)?;
            file.as_file().sync_all()
        };
        Self::of(&written().err()?)
    }
}

/// Writes by the system call that `SQLite` uses.
#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn write_at(mut file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    io::Write::write_all(&mut file, bytes)
}

/// The bytes that this user can still write in `folder`; `None` if the system does not say. A quota
/// may permit less.
#[cfg(unix)]
#[must_use]
pub fn free(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// The standard library does not say it.
#[cfg(not(unix))]
#[must_use]
pub fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_disk_a_quota_and_a_limit_are_shortages() {
        use io::ErrorKind;
        for (kind, expected) in [
            (ErrorKind::StorageFull, Some(Shortage::Space)),
            (ErrorKind::QuotaExceeded, Some(Shortage::Space)),
            (ErrorKind::FileTooLarge, Some(Shortage::FileSize)),
            (ErrorKind::PermissionDenied, None),
            (ErrorKind::ReadOnlyFilesystem, None),
            (ErrorKind::NotFound, None),
            (ErrorKind::Other, None),
        ] {
            assert_eq!(Shortage::of(&kind.into()), expected, "{kind:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn limit_on_open_files_is_a_shortage() {
        let error = io::Error::from(rustix::io::Errno::MFILE);
        assert_eq!(Shortage::of(&error), Some(Shortage::OpenFiles));
    }

    #[test]
    fn shortage_is_found_in_the_text_of_an_error() {
        for lacks in [Shortage::Space, Shortage::FileSize] {
            let text = format!("`clip.mp4.part` cannot be written: {lacks}; it is kept");
            assert_eq!(Shortage::in_text(&text), Some(lacks));
        }
        assert_eq!(Shortage::in_text("`full.mp4` exists already"), None);
    }

    #[test]
    fn folder_with_space_lacks_nothing_and_keeps_no_file() {
        let folder = tempfile::tempdir().expect("folder");
        assert_eq!(Shortage::probe(folder.path(), 0), None);
        assert_eq!(Shortage::probe(folder.path(), 1 << 20), None);
        assert_eq!(Shortage::probe(&folder.path().join("missing"), 0), None);
        assert_eq!(std::fs::read_dir(folder.path()).expect("read").count(), 0);
        if cfg!(unix) {
            assert!(free(folder.path()) > Some(1 << 20));
        }
    }
}
