//! Regular files: opened without blocking, hashed, and removed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::error::DownloadError;
use super::files::folder_of;
use crate::digest::Sha256Digest;
use crate::rights;

/// The digest of the file at `path`; `None` if it does not exist. Blocks while it reads the
/// file, in pieces.
///
/// # Errors
///
/// When it cannot be read or is no regular file.
pub fn digest_of(path: &Path) -> io::Result<Option<Sha256Digest>> {
    let mut file = match open_to_read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut digest = Sha256::new();
    let mut block = vec![0; 64 << 10];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(Some(digest.finalize().into())),
            Ok(read) => digest.update(&block[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Opens a regular file, following symbolic links.
pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    careful(&mut options, false);
    regular(options.open(path)?)
}

/// Opens a regular file that exists to write into it, not following a symbolic link.
pub(super) fn open_existing(path: &Path) -> io::Result<File> {
    if !std::fs::symlink_metadata(path)?.is_file() {
        return Err(not_regular());
    }
    let mut options = OpenOptions::new();
    options.write(true);
    careful(&mut options, true);
    regular(options.open(path)?)
}

/// Opens the unfinished file with an exclusive lock, and creates it if it is missing.
///
/// Its name is predictable, and other users may be able to write its folder, so a symbolic
/// link is not followed.
pub(super) fn open_to_write(path: &Path) -> Result<File, DownloadError> {
    let unwritable = |source| DownloadError::Write {
        path: path.to_owned(),
        source,
    };
    // Rejects links on systems that cannot do so while opening, and gives folders and links
    // the same error text everywhere.
    if std::fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(unwritable(not_regular()));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    if rights::has_kept_results(folder_of(path)) {
        rights::private(&mut options);
    }
    careful(&mut options, true);
    let file = options.open(path).and_then(regular).map_err(unwritable)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(DownloadError::Busy {
            path: path.to_owned(),
        }),
        // Some network file systems do not support locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Options that create a new file beside `target`. Beside a result of the data directory, it is
/// readable by the user alone.
pub(super) fn new_beside(target: &Path) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if rights::has_kept_results(folder_of(target)) {
        rights::private(&mut options);
    }
    options
}

/// Opening never blocks on a pipe, and fails on a symbolic link if `refuse_links` is set.
#[cfg(unix)]
fn careful(options: &mut OpenOptions, refuse_links: bool) {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut flags = OFlags::NONBLOCK;
    flags.set(OFlags::NOFOLLOW, refuse_links);
    options.custom_flags(flags.bits().cast_signed());
}

#[cfg(not(unix))]
fn careful(_: &mut OpenOptions, _: bool) {}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(not_regular())
    }
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")
}

/// Removes an unfinished file. A failure is only logged: the next download checks a file that
/// is left behind.
pub(super) fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %path.display(), "an unfinished file could not be removed");
    }
}
