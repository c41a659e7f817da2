//! Whether a result can be written to a file, before money is spent for it.

use std::collections::HashSet;
use std::fs::Metadata;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::error::TargetError;
use super::files::folder_of;
use super::names::windows_fault;
use super::rename::Calls;
use crate::durable::{sync_file, sync_folder};

/// Length of a job's id, a UUID, in the name of its unfinished file.
const LONGEST_JOB: usize = 36;

/// Most folders whose abilities are remembered.
const FOLDERS: usize = 1_000;

/// Checks that a result can be written to `target`, before a request that can cost money is sent:
/// creates, writes, syncs and renames a file in its folder, and removes it. What a folder can do is
/// tried once in a process. Leaves no file behind.
///
/// # Errors
///
/// When `target` exists and `force` is not set, when it is no regular file, when no file can have
/// its name, or when its folder is not writable.
pub fn check_target(target: &Path, force: bool) -> Result<(), TargetError> {
    if let Some(special) = special(target) {
        return Err(special);
    }
    if !force && std::fs::symlink_metadata(target).is_ok() {
        return Err(TargetError::Exists {
            path: target.to_owned(),
        });
    }
    let ends_in_a_separator = target
        .as_os_str()
        .as_encoded_bytes()
        .last()
        .is_some_and(|last| std::path::is_separator(char::from(*last)));
    let name = target.file_name().filter(|_| !ends_in_a_separator);
    let name = name.ok_or_else(|| TargetError::IsAFolder {
        path: target.to_owned(),
    })?;
    if cfg!(windows)
        && let Some(fault) = windows_fault(&name.to_string_lossy())
    {
        let path = target.to_owned();
        return Err(TargetError::ReservedName { path, fault });
    }
    probe(target, name, &Calls::SYSTEM).map_err(|source| {
        let (path, source) = (target.to_owned(), without_path(source));
        match source.kind() {
            io::ErrorKind::InvalidFilename => TargetError::Name { path, source },
            _ => TargetError::Unwritable {
                folder: folder_of(target).to_owned(),
                source,
            },
        }
    })
}

/// Why a result never gets this name, whatever may be replaced: a folder, a device, a pipe, a
/// socket, or a symbolic link, wherever it leads.
pub(super) fn special(target: &Path) -> Option<TargetError> {
    let metadata = std::fs::symlink_metadata(target).ok()?;
    let path = target.to_owned();
    if metadata.is_file() {
        None
    } else if metadata.is_dir() {
        Some(TargetError::IsAFolder { path })
    } else {
        let what = kind(&metadata);
        Some(TargetError::NotRegular { path, what })
    }
}

fn kind(metadata: &Metadata) -> &'static str {
    if metadata.is_symlink() {
        return "a symbolic link, which is not followed here";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let kind = metadata.file_type();
        if kind.is_fifo() {
            return "a pipe";
        } else if kind.is_socket() {
            return "a socket";
        } else if kind.is_block_device() || kind.is_char_device() {
            return "a device";
        }
    }
    "no regular file"
}

/// The same error without the name of the file of the test, which `tempfile` adds.
fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path \"") {
        Some((text, _)) => io::Error::new(error.kind(), text.to_owned()),
        None => error,
    }
}

/// Creates a file under a name as long as the longest of unfinished files, `NAME-99.ID.complete`,
/// and does with it what is done with a result.
fn probe(target: &Path, name: &std::ffi::OsStr, calls: &Calls) -> io::Result<()> {
    let folder = folder_of(target);
    let mut prefix = name.to_owned();
    prefix.push("-99.");
    let file = tempfile::Builder::new()
        .prefix(&prefix)
        .rand_bytes(LONGEST_JOB)
        .suffix(".complete")
        .tempfile_in(folder)?;
    let (mut file, path) = file.into_parts();
    file.write_all(b"zoetrope")?;
    if is_known(folder) {
        drop(file);
        return path.close();
    }
    sync_file(&file)?;
    // Some systems rename no open file.
    drop(file);
    let renamed = Removed(path.with_extension("part"));
    calls.name_new(&path, &renamed.0)?;
    // The first name is gone, unless it was copied.
    match path.close() {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    renamed.remove()?;
    sync_folder(folder)?;
    remember(folder);
    Ok(())
}

/// A file that is removed at the end.
struct Removed(PathBuf);

impl Removed {
    fn remove(&self) -> io::Result<()> {
        std::fs::remove_file(&self.0)
    }
}

impl Drop for Removed {
    fn drop(&mut self) {
        drop(self.remove());
    }
}

static KNOWN: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);

/// Whether a folder has done everything in this process.
fn is_known(folder: &Path) -> bool {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.as_ref().is_some_and(|known| known.contains(folder))
}

fn remember(folder: &Path) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if known.len() < FOLDERS {
        known.insert(folder.to_owned());
    }
}

#[cfg(test)]
mod tests;
