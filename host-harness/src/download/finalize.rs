//! Gives a complete file its final name.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::aside::remove_unverified;
use super::error::{DownloadError, TargetError};
use super::files::{Fetched, folder_of, sync_folder_of};
use super::part::part_of;
use super::regular::{digest_of, open_to_read, open_to_write, remove};
use super::rename::{Calls, Way, is_reserved_for};
use super::target::{check_target, special};
use crate::digest::Sha256Digest;
use crate::durable::sync_file;
use crate::file_type::{self, FileType};
use crate::rights;

/// Gives the complete file of this digest its final name. When it returns, file and name
/// survive a power cut. Blocks while it reads the file.
///
/// It can be repeated after a crash at any point: if `target` is already the file of this
/// digest, `part` is removed if it exists, and the call succeeds. `force` replaces another
/// regular file at `target`; a device, a pipe, a socket and a symbolic link are never replaced.
/// `part` may be in another folder, or on another mount.
///
/// # Errors
///
/// - [`TargetError::Exists`], `IsAFolder` or `NotRegular`: `target` is another file or a folder;
///   `part` stays.
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
    let mut refused = None;
    if whole {
        let (from, to) = (folder_of(part), folder_of(target));
        if rights::has_kept_results(from) && !rights::has_kept_results(to) {
            // It waited in the data directory for its folder. From now on it is the user's own.
            written(rights::make_usual(part, from))?;
        }
        match name(part, target, force) {
            Ok(Way::Exclusive | Way::Reserved) => {
                remove_unverified(part);
                return written(sync_folder_of(target));
            }
            // The copy is compared below, and the unfinished file is removed after it.
            Ok(Way::Copied) => {}
            // A network file system may report an error after it has done its work.
            Err(error) => refused = Some(error),
        }
    }
    if is_file_of(target, sha256)? {
        written(sync(target).and_then(|()| sync_folder_of(target)))?;
        remove(part);
        remove_unverified(part);
        return Ok(());
    }
    if whole {
        let is_taken = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
        return match refused {
            Some(error) if !is_taken(&error) && special(target).is_none() => written(Err(error)),
            _ => Err(occupied(target).into()),
        };
    }
    let path = part.to_owned();
    if there.is_none() {
        return Err(DownloadError::Gone { path });
    }
    remove(part);
    Err(DownloadError::Altered { path })
}

/// Copies a file atomically and durably, as [`finalize`] would create it. Blocks while it does.
///
/// # Errors
///
/// When `from` does not exist ([`DownloadError::Gone`]), when `to` is another file and
/// `force` is not set, or when reading or writing fails. No unfinished file is left behind.
pub fn copy(from: &Path, to: &Path, job: &str, force: bool) -> Result<Fetched, DownloadError> {
    let mut source = open_to_read(from).map_err(|source| unreadable(from, source))?;
    let part = part_of(to, job);
    let is_taken = std::fs::symlink_metadata(to).is_ok() && !is_reserved_for(&part, to);
    if !force && is_taken {
        let fetched = transfer(&mut source, from, &mut io::sink(), from)?;
        if !is_file_of(to, &fetched.sha256)? {
            return Err(occupied(to).into());
        }
        // It was copied before, possibly by a process that was then interrupted.
        finalize(&part, to, &fetched.sha256, false)?;
        return Ok(fetched);
    }
    check_target(to, true)?;
    if part == from {
        // It is the unfinished file of this target itself, which only lacks its name.
        let fetched = transfer(&mut source, from, &mut io::sink(), from)?;
        drop(source);
        finalize(&part, to, &fetched.sha256, force)?;
        return Ok(fetched);
    }
    // Fails if another process writes it: that one still needs the file.
    let file = open_to_write(&part)?;
    let copied = write_copy(&mut source, from, file, &part).and_then(|fetched| {
        finalize(&part, to, &fetched.sha256, force)?;
        Ok(fetched)
    });
    if copied.is_err() {
        remove(&part);
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
    sync_file(&open_to_read(path)?)
}

/// Other systems can sync only a file that is open for writing; this one was synced then.
#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Gives the file its name. Only a regular file is replaced, as far as it does not become another
/// one between the check and the rename.
fn name(part: &Path, target: &Path, force: bool) -> io::Result<Way> {
    if !force {
        return Calls::SYSTEM.name_new(part, target);
    }
    if special(target).is_some() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    Calls::SYSTEM.replace(part, target)
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

/// What is in the way.
fn occupied(target: &Path) -> TargetError {
    let path = target.to_owned();
    special(target).unwrap_or(TargetError::Exists { path })
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
