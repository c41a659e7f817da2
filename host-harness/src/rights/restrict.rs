//! Takes the rights of other users away.

use std::fs::{self, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::names::{BESIDE, CODE, FILES, FOLDERS};
use super::open_place::{KeptOpen, OpenPlace};
use crate::said::{self, Limit};

/// The rights of the group and of others.
const OTHERS: u32 = 0o077;

/// How deep the folders are: `practice/clips/x.mp4`.
const DEPTH: usize = 3;

pub(super) fn restrict(data_dir: &Path) -> Vec<OpenPlace> {
    let mut restricted = Restricted {
        user: rustix::process::geteuid().as_raw(),
        open: Vec::new(),
    };
    restricted.data_dir(data_dir);
    restricted.open
}

/// One call of [`restrict`].
struct Restricted {
    user: u32,
    open: Vec<OpenPlace>,
}

impl Restricted {
    fn data_dir(&mut self, given: &Path) {
        // What it has is private or not, whatever leads to it.
        let Ok(folder) = fs::canonicalize(given) else {
            return;
        };
        let Ok(metadata) = fs::metadata(&folder) else {
            return;
        };
        let is_link = fs::symlink_metadata(given).is_ok_and(|found| found.is_symlink());
        let is_open = metadata.mode() & OTHERS != 0;
        let why = if metadata.uid() != self.user {
            Some(KeptOpen::OfAnotherUser)
        } else if is_link {
            Some(KeptOpen::Link)
        } else if metadata.mode() & 0o1000 != 0 || !is_own(&folder) {
            Some(KeptOpen::Shared)
        } else {
            None
        };
        let is_private = !is_open
            || match why {
                None => self.change(&folder, &metadata),
                Some(why) => {
                    self.keep(given, why);
                    false
                }
            };
        // Where others can change names, one may become a link after it was looked at.
        let is_writable = metadata.mode() & 0o022 != 0 && metadata.mode() & 0o1000 == 0;
        let is_ours = metadata.uid() == self.user || metadata.uid() == 0;
        if is_ours && (is_private || !is_writable) {
            self.entries(&folder, is_writable);
        }
    }

    /// The files and folders of this program in the data directory.
    fn entries(&mut self, data_dir: &Path, was_writable: bool) {
        for (path, metadata) in listed(data_dir) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name == CODE
                && metadata.is_dir()
                && metadata.uid() == self.user
                && !is_emptied(&path, &metadata, was_writable)
            {
                continue;
            }
            if FOLDERS.contains(&&*name) {
                self.folder(&path, &metadata, DEPTH);
            } else if FILES.iter().any(|file| name.starts_with(file)) && metadata.is_file() {
                self.file(&path, &metadata);
            }
        }
    }

    /// A folder, and its content if others could reach it.
    fn folder(&mut self, path: &Path, metadata: &Metadata, depth: usize) {
        if metadata.is_symlink() {
            let is_open = |found: Metadata| found.mode() & OTHERS != 0;
            if fs::metadata(path).is_ok_and(is_open) {
                self.keep(path, KeptOpen::Link);
            }
            return;
        }
        if !metadata.is_dir() || metadata.mode() & OTHERS == 0 {
            return;
        }
        if metadata.uid() != self.user {
            return self.keep(path, KeptOpen::OfAnotherUser);
        }
        if !self.change(path, metadata) || depth == 0 {
            return;
        }
        for (path, metadata) in listed(path) {
            if metadata.is_dir() {
                self.folder(&path, &metadata, depth - 1);
            } else if metadata.is_file() {
                self.file(&path, &metadata);
            }
        }
    }

    /// A file with a second name may be one of the user's own: it stays as it is.
    fn file(&mut self, path: &Path, metadata: &Metadata) {
        if metadata.mode() & OTHERS == 0 || metadata.nlink() > 1 {
            return;
        }
        if metadata.uid() == self.user {
            self.change(path, metadata);
        } else {
            self.keep(path, KeptOpen::OfAnotherUser);
        }
    }

    /// Takes the rights of others from a place of the user. Whether they are gone.
    fn change(&mut self, path: &Path, metadata: &Metadata) -> bool {
        let mode = metadata.mode() & 0o700;
        let changed = fs::set_permissions(path, Permissions::from_mode(mode));
        // A file system without rights may report no error.
        let changed = changed.and_then(|()| fs::symlink_metadata(path));
        let refused = match changed {
            Ok(now) if now.mode() & OTHERS == 0 => return true,
            Ok(_) => "the file system has no rights".to_owned(),
            Err(error) => error.to_string(),
        };
        self.keep(path, KeptOpen::Refused(refused));
        false
    }

    fn keep(&mut self, path: &Path, why: KeptOpen) {
        let path = path.to_owned();
        self.open.push(OpenPlace { path, why });
    }
}

/// Removes the compiled code if other users could have put it there: it would be run. `false` if it
/// could not be removed; the folder's rights then say that others may have written it.
fn is_emptied(folder: &Path, metadata: &Metadata, was_writable: bool) -> bool {
    if !was_writable && metadata.mode() & 0o022 == 0 {
        return true;
    }
    // Others can write nothing from now on, and the engine does not use the folder yet, also if this
    // process is killed.
    let begun = fs::set_permissions(folder, Permissions::from_mode(0o720));
    // The engine reads no others.
    let is_code = |path: &Path| {
        path.extension()
            .is_some_and(|extension| extension == "code")
    };
    let mut files = listed(folder).into_iter().map(|(path, _)| path);
    let removed =
        begun.is_ok() && files.all(|path| !is_code(&path) || fs::remove_file(path).is_ok());
    if removed {
        return fs::set_permissions(folder, Permissions::from_mode(0o700)).is_ok();
    }
    if said::is_first(Limit::OpenToOthers, folder) {
        tracing::warn!(
            folder = %folder.display(),
            "compiled code that other users may have written cannot be removed: it is not used"
        );
    }
    false
}

/// Whether a folder has the files and folders of this program alone.
fn is_own(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().all(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        FOLDERS.contains(&&*name)
            || BESIDE.contains(&&*name)
            || FILES.iter().any(|file| name.starts_with(file))
    })
}

/// The entries of a folder, with the metadata of links themselves.
fn listed(folder: &Path) -> Vec<(PathBuf, Metadata)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let with_metadata = entries.map(|entry| Some((entry.path(), entry.metadata().ok()?)));
    with_metadata.flatten().collect()
}
