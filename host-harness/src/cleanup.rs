//! Removes files that no job needs, and counts what that freed.

use std::fs::{DirEntry, Metadata};
use std::io;
use std::ops::AddAssign;
use std::path::Path;
use std::time::Duration;

/// Files of this age belong to no write that is still going on.
pub(crate) const CRASHED_WRITE: Duration = Duration::from_hours(24);

/// The beginning of the names of files that are being written, as `tempfile` makes them.
pub(crate) const TEMPORARY: &str = ".tmp";

/// Files that were removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freed {
    /// Their number.
    pub files: u64,
    /// Their bytes, and those by which files that stay became shorter.
    pub bytes: u64,
}

impl AddAssign for Freed {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
    }
}

/// Removes a regular file. One that is gone already, or that another process of Windows has open,
/// frees nothing.
///
/// # Errors
///
/// When it cannot be removed.
pub(crate) fn remove(path: &Path) -> io::Result<Freed> {
    let length = match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => return Ok(Freed::default()),
    };
    match std::fs::remove_file(path) {
        Ok(()) => Ok(Freed {
            files: 1,
            bytes: length,
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Freed::default()),
        Err(error) if cfg!(windows) && error.kind() == io::ErrorKind::PermissionDenied => {
            Ok(Freed::default())
        }
        Err(error) => Err(error),
    }
}

/// Removes the regular files of a folder that `is_unneeded` selects by name and age. A folder that
/// does not exist is empty.
///
/// # Errors
///
/// When the folder cannot be read or a file cannot be removed.
pub(crate) fn remove_from(
    folder: &Path,
    mut is_unneeded: impl FnMut(&str, Duration) -> bool,
) -> io::Result<Freed> {
    let mut freed = Freed::default();
    for (entry, metadata) in files_of(folder)? {
        let name = entry.file_name();
        if name
            .to_str()
            .is_some_and(|name| is_unneeded(name, age_of(&metadata)))
        {
            freed += remove(&entry.path())?;
        }
    }
    Ok(freed)
}

/// The regular files of a folder. A folder that does not exist is empty, and a file that is removed
/// meanwhile is left out.
///
/// # Errors
///
/// When the folder cannot be read.
pub(crate) fn files_of(folder: &Path) -> io::Result<Vec<(DirEntry, Metadata)>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        match entry.metadata() {
            Ok(metadata) if metadata.is_file() => files.push((entry, metadata)),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(files)
}

/// The time since a file was written or used. Zero for a time in the future.
pub(crate) fn age_of(metadata: &Metadata) -> Duration {
    let modified = metadata.modified().ok();
    modified
        .and_then(|modified| modified.elapsed().ok())
        .unwrap_or_default()
}

/// Whether a name is that of an unfinished write which ended with its process.
pub(crate) fn is_crashed_write(name: &str, age: Duration) -> bool {
    name.starts_with(TEMPORARY) && age >= CRASHED_WRITE
}

#[cfg(test)]
pub(crate) mod testing {
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    /// Makes a file as old as this.
    pub(crate) fn make_old(path: &Path, age: Duration) {
        let file = std::fs::OpenOptions::new().write(true).open(path);
        let past = SystemTime::now() - age;
        file.expect("open").set_modified(past).expect("a time");
    }
}

#[cfg(test)]
mod tests {
    use super::testing::make_old;
    use super::*;

    #[test]
    fn only_selected_regular_files_are_removed_and_counted() {
        let folder = tempfile::tempdir().expect("folder");
        for name in [".tmpold", ".tmpnew", "kept"] {
            std::fs::write(folder.path().join(name), "four").expect("write");
        }
        std::fs::create_dir(folder.path().join(".tmpfolder")).expect("folder");
        make_old(&folder.path().join(".tmpold"), CRASHED_WRITE);
        make_old(&folder.path().join("kept"), CRASHED_WRITE);
        let freed = remove_from(folder.path(), is_crashed_write).expect("clean");
        assert_eq!(freed, Freed { files: 1, bytes: 4 });
        assert!(!folder.path().join(".tmpold").exists());
        assert!(folder.path().join(".tmpnew").exists() && folder.path().join("kept").exists());
        assert_eq!(
            remove_from(&folder.path().join("none"), |_, _| true).expect("clean"),
            Freed::default()
        );
    }
}
