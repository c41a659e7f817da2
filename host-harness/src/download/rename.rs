//! Renames a complete file to its final name, by what the file system can do.
//!
//! A name that no file may have yet is given by the first of these that works:
//!
//! 1. a rename that replaces nothing (`RENAME_NOREPLACE`, `RENAME_EXCL`): one operation;
//! 2. a hard link of that name, then the removal of the unfinished file;
//! 3. a small file of that name that is created exclusively and names the unfinished file, then a
//!    rename over it. What another program writes into that small file in between is lost;
//! 4. that small file, then a copy that is renamed over it: the unfinished file is on another mount.
//!
//! exFAT and some FUSE mounts have neither 1 nor 2. Each system reports another error for what it
//! lacks, so every error but a taken name and a missing file leads to the next way. A call may have
//! done its work before it reports an error, so a file is removed only while it is seen to be one
//! that this module wrote.

mod fill;

use std::io::{self, Read as _, Write as _};
use std::path::Path;

use super::files::folder_of;
use super::regular::{new_beside, open_to_read, remove};
use crate::said::{self, Limit};
use fill::fill;

type Call = fn(&Path, &Path) -> io::Result<()>;

/// The system's calls; a test has others.
pub(super) struct Calls {
    /// Renames, as one operation that replaces nothing.
    pub(super) rename_new: Call,
    /// Makes a hard link.
    pub(super) link: Call,
    /// Renames, and replaces.
    pub(super) rename: Call,
}

/// How a file got its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As one operation, or by a link.
    Exclusive,
    /// Over a file that was created exclusively before.
    Reserved,
    /// By a copy, which the caller compares before it removes the unfinished file.
    Copied,
}

impl Calls {
    pub(super) const SYSTEM: Self = Self {
        rename_new,
        link: |from, to| std::fs::hard_link(from, to),
        rename: |from, to| std::fs::rename(from, to),
    };

    /// Gives `part` the name `target`, which no file may have.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` if one has it. `part` stays after every error.
    pub(super) fn name_new(&self, part: &Path, target: &Path) -> io::Result<Way> {
        // A taken name is reported before a call that the file system does not have.
        let is_final = |error: &io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => !is_reserved_for(part, target),
            kind => kind == io::ErrorKind::NotFound,
        };
        let first = match (self.rename_new)(part, target) {
            Ok(()) => return Ok(Way::Exclusive),
            Err(error) if is_final(&error) => return Err(error),
            Err(error) => error,
        };
        match (self.link)(part, target) {
            Ok(()) => {
                remove(part);
                return Ok(Way::Exclusive);
            }
            Err(error) if is_final(&error) => return Err(error),
            Err(_) => {}
        }
        self.reserve(part, target, &first)
    }

    /// Gives `part` the name `target`, and replaces the regular file that has it.
    ///
    /// # Errors
    ///
    /// `part` stays after every error.
    pub(super) fn replace(&self, part: &Path, target: &Path) -> io::Result<Way> {
        let error = match (self.rename)(part, target) {
            Ok(()) => return Ok(Way::Exclusive),
            Err(error) => error,
        };
        // Another mount, or a file that is a mount itself, as containers have it.
        let is_mount = |error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::CrossesDevices | io::ErrorKind::ResourceBusy
            )
        };
        let is_apart = is_mount(&error);
        match std::fs::symlink_metadata(target) {
            Ok(metadata) if is_apart && metadata.is_file() => {
                fill(self.rename, part, target, is_mount).map(|()| Way::Copied)
            }
            Err(missing) if is_apart && missing.kind() == io::ErrorKind::NotFound => {
                self.reserve(part, target, &error)
            }
            _ => Err(error),
        }
    }

    fn reserve(&self, part: &Path, target: &Path, first: &io::Error) -> io::Result<Way> {
        let text = reservation(part);
        let created = new_beside(target).open(target);
        match created {
            // It was reserved before, by a process that was then interrupted.
            Err(error) if is_taken(&error) && is_reserved(target, &text) => {}
            Err(error) => return Err(error),
            Ok(mut file) => {
                if let Err(error) = file.write_all(text.as_bytes()) {
                    drop(file);
                    // It has the beginning of the text at most.
                    remove(target);
                    return Err(error);
                }
            }
        }
        let folder = folder_of(target);
        if said::is_first(Limit::NoExclusiveName, folder) {
            tracing::warn!(
                folder = %folder.display(), error = %first,
                "the file system neither renames without replacing nor links: a name is reserved \
                 by a small file, and what others write into that one meanwhile is replaced"
            );
        }
        let named = match (self.rename)(part, target) {
            Ok(()) => return Ok(Way::Reserved),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
            // The rename was done, or another program took the name.
            Err(error) if !is_reserved(target, &text) => return Err(error),
            // No rename at all may be possible: the copy is then written into the small file.
            Err(_) => {
                let is_own = |_: &io::Error| is_reserved(target, &text);
                fill(self.rename, part, target, is_own).map(|()| Way::Copied)
            }
        };
        if named.is_err() && is_reserved(target, &text) {
            remove(target);
        }
        named
    }
}

fn is_taken(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AlreadyExists
}

/// The content of the file that reserves a name. It names the unfinished file, so that the job
/// recognizes it after a crash, and no other job does.
fn reservation(part: &Path) -> String {
    let name = part.file_name().unwrap_or_default();
    format!("zoetrope: reserved for {}\n", name.to_string_lossy())
}

/// Whether `target` is the small file that reserves its name for `part`.
pub(super) fn is_reserved_for(part: &Path, target: &Path) -> bool {
    is_reserved(target, &reservation(part))
}

/// Whether `target` begins with this reservation. A copy that is written into it overwrites its
/// beginning last.
fn is_reserved(target: &Path, text: &str) -> bool {
    let is_file = std::fs::symlink_metadata(target).is_ok_and(|metadata| metadata.is_file());
    let mut content = Vec::new();
    let read = is_file.then(|| open_to_read(target)).and_then(Result::ok);
    let read = read.map(|file| file.take(text.len() as u64).read_to_end(&mut content));
    read.is_some_and(|read| read.is_ok()) && content == text.as_bytes()
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

/// `MoveFileEx` without `MOVEFILE_REPLACE_EXISTING`.
#[cfg(windows)]
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    let from = tempfile::TempPath::try_from_path(from)?;
    from.persist_noclobber(to).map_err(|refused| {
        // Dropping the path would remove the file. `keep` can fail only for the attribute of
        // temporary files; the file stays there, too.
        if let Err(refused) = refused.path.keep() {
            std::mem::forget(refused.path);
        }
        refused.error
    })
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    windows
)))]
fn rename_new(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests;
