//! Gives a complete file its final name.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tempfile::TempPath;

use super::error::{DownloadError, TargetError};
use super::files::{Fetched, folder_of, sync_folder_of};
use super::part::{self, digest_of, part_of};
use crate::digest::Sha256Digest;
use crate::durable::sync_file;
use crate::file_type::{self, FileType};

/// Length of a job's id, a UUID, in the name of its unfinished file.
const LONGEST_JOB: usize = 36;

/// Checks that a file can be created at `target`, before a request that can cost money is
/// sent. Leaves no file behind.
///
/// # Errors
///
/// When `target` exists and `force` is not set, or when its folder is not writable.
pub fn check_target(target: &Path, force: bool) -> Result<(), TargetError> {
    let folder = || TargetError::IsAFolder {
        path: target.to_owned(),
    };
    match std::fs::symlink_metadata(target) {
        Ok(metadata) if metadata.is_dir() => return Err(folder()),
        Ok(_) if !force => return Err(occupied(target)),
        _ => {}
    }
    let ends_in_a_separator = target
        .as_os_str()
        .as_encoded_bytes()
        .last()
        .is_some_and(|last| std::path::is_separator(char::from(*last)));
    let name = target.file_name().filter(|_| !ends_in_a_separator);
    let mut prefix = name.ok_or_else(folder)?.to_owned();
    prefix.push(".");
    // A name as long as that of the unfinished file, which may exceed the system's limit.
    tempfile::Builder::new()
        .prefix(&prefix)
        .rand_bytes(LONGEST_JOB)
        .suffix(".part")
        .tempfile_in(folder_of(target))
        .map(drop)
        .map_err(|source| TargetError::Unwritable {
            folder: folder_of(target).to_owned(),
            source,
        })
}

/// Gives the complete file of this digest its final name. When it returns, file and name
/// survive a power cut. Blocks while it reads the file.
///
/// It can be repeated after a crash at any point: if `target` is already the file of this
/// digest, `part` is removed if it exists, and the call succeeds. `force` replaces another
/// file at `target`.
///
/// # Errors
///
/// - [`TargetError::Exists`] or `IsAFolder`: `target` is another file or a folder; `part`
///   stays.
/// - [`DownloadError::Gone`]: `part` does not exist, and `target` is not the file.
/// - [`DownloadError::Altered`]: `part` has another digest; it is removed.
/// - [`DownloadError::Read`], [`DownloadError::Write`]: an error of the system; `part` stays.
pub fn finalize(
    part: &Path,
    target: &Path,
    sha256: &Sha256Digest,
    force: bool,
) -> Result<(), DownloadError> {
    let written = |outcome: io::Result<()>| {
        outcome.map_err(|source| DownloadError::Write {
            path: target.to_owned(),
            source,
        })
    };
    let there = if is_link(part) { None } else { digest(part)? };
    let whole = there.as_ref() == Some(sha256);
    if whole {
        match rename(part, target, force) {
            Err(_) if is_folder(target) => return Err(occupied(target).into()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            renamed => return written(renamed.and_then(|()| sync_folder_of(target))),
        }
    }
    if is_file_of(target, sha256)? {
        written(sync(target).and_then(|()| sync_folder_of(target)))?;
        part::remove(part);
        return Ok(());
    }
    if whole {
        return Err(occupied(target).into());
    }
    let path = part.to_owned();
    if there.is_none() {
        return Err(DownloadError::Gone { path });
    }
    part::remove(part);
    Err(DownloadError::Altered { path })
}

/// Copies a file atomically and durably, as [`finalize`] would create it. Blocks while it does.
///
/// # Errors
///
/// When `from` does not exist ([`DownloadError::Gone`]), when `to` is another file and
/// `force` is not set, or when reading or writing fails. No unfinished file is left behind.
pub fn copy(from: &Path, to: &Path, job: &str, force: bool) -> Result<Fetched, DownloadError> {
    let mut source = part::open_to_read(from).map_err(|source| unreadable(from, source))?;
    if !force && std::fs::symlink_metadata(to).is_ok() {
        let fetched = transfer(&mut source, from, &mut io::sink(), from)?;
        if !is_file_of(to, &fetched.sha256)? {
            return Err(occupied(to).into());
        }
        // It was copied before, possibly by a process that was then interrupted.
        finalize(&part_of(to, job), to, &fetched.sha256, false)?;
        return Ok(fetched);
    }
    check_target(to, true)?;
    let part = part_of(to, job);
    // Fails if another process writes it: that one still needs the file.
    let file = part::open_to_write(&part)?;
    let copied = write_copy(&mut source, from, file, &part).and_then(|fetched| {
        finalize(&part, to, &fetched.sha256, force)?;
        Ok(fetched)
    });
    if copied.is_err() {
        part::remove(&part);
    }
    copied
}

/// Writes all of `source` to the unfinished file and closes it: some systems cannot rename an
/// open file.
fn write_copy(
    source: &mut File,
    from: &Path,
    mut file: File,
    part: &Path,
) -> Result<Fetched, DownloadError> {
    let written = |outcome: io::Result<()>| {
        outcome.map_err(|source| DownloadError::Write {
            path: part.to_owned(),
            source,
        })
    };
    written(file.set_len(0))?;
    let fetched = transfer(source, from, &mut file, part)?;
    written(sync_file(&file))?;
    written(sync_folder_of(part))?;
    Ok(fetched)
}

/// Copies all of `source` into `sink`, and returns its length, digest and media type.
fn transfer(
    source: &mut File,
    from: &Path,
    sink: &mut impl io::Write,
    to: &Path,
) -> Result<Fetched, DownloadError> {
    let mut digest = Sha256::new();
    let mut header = Vec::new();
    let mut bytes = 0;
    let mut block = vec![0; 64 << 10];
    loop {
        let read = match source.read(&mut block) {
            Ok(0) => break,
            Ok(read) => &block[..read],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(from, error)),
        };
        digest.update(read);
        file_type::remember(&mut header, read);
        bytes += read.len() as u64;
        sink.write_all(read)
            .map_err(|source| DownloadError::Write {
                path: to.to_owned(),
                source,
            })?;
    }
    let media_type = match file_type::kind(&header) {
        FileType::Image(media_type) | FileType::Video(media_type) => media_type,
        _ => "application/octet-stream",
    };
    Ok(Fetched {
        bytes,
        sha256: digest.finalize().into(),
        media_type,
    })
}

#[cfg(unix)]
fn sync(path: &Path) -> io::Result<()> {
    sync_file(&part::open_to_read(path)?)
}

/// Other systems can sync only a file that is open for writing; this one was synced then.
#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Renames atomically.
fn rename(part: &Path, target: &Path, force: bool) -> io::Result<()> {
    let part = TempPath::try_from_path(part)?;
    let renamed = if force {
        part.persist(target)
    } else {
        part.persist_noclobber(target)
    };
    renamed.map_err(|refused| {
        // Dropping the path would remove the file. `keep` can fail only on systems with an
        // attribute for temporary files; the file stays there, too.
        if let Err(refused) = refused.path.keep() {
            std::mem::forget(refused.path);
        }
        refused.error
    })
}

fn digest(path: &Path) -> Result<Option<Sha256Digest>, DownloadError> {
    digest_of(path).map_err(|source| unreadable(path, source))
}

/// Whether `path` itself, not the target of a link, is a file of this digest.
fn is_file_of(path: &Path, sha256: &Sha256Digest) -> Result<bool, DownloadError> {
    let is_file = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    Ok(is_file && digest(path)?.as_ref() == Some(sha256))
}

fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

fn is_folder(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

fn occupied(target: &Path) -> TargetError {
    let path = target.to_owned();
    if is_folder(target) {
        TargetError::IsAFolder { path }
    } else {
        TargetError::Exists { path }
    }
}

fn unreadable(path: &Path, source: io::Error) -> DownloadError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => DownloadError::Gone { path },
        _ => DownloadError::Read { path, source },
    }
}

#[cfg(test)]
mod tests;
