//! Warnings that are said once for each folder in a process.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Most folders that are remembered. A process with more of them says no more.
const FOLDERS: usize = 1_000;

/// A property of a file system that a user is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Limit {
    /// Files are not synced.
    UnsyncedFiles,
    /// Folders are not synced.
    UnsyncedFolders,
    /// A name is not given as one operation that replaces no file.
    NoExclusiveName,
    /// Other users can read a place of the data directory.
    OpenToOthers,
}

/// Whether this is the first time that this is said about the folder.
pub(crate) fn is_first(limit: Limit, folder: &Path) -> bool {
    static SAID: Mutex<BTreeSet<(Limit, PathBuf)>> = Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    said.len() < FOLDERS && said.insert((limit, folder.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_said_once_for_a_folder() {
        let folder = Path::new("/a folder of this test");
        assert!(is_first(Limit::UnsyncedFolders, folder));
        assert!(!is_first(Limit::UnsyncedFolders, folder));
        assert!(is_first(Limit::NoExclusiveName, folder));
        assert!(is_first(Limit::UnsyncedFolders, Path::new("/another one")));
    }
}
