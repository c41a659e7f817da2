//! The bounds of the cache: which compiled code is removed.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::cleanup::{self, Freed};

/// The end of the names of compiled code.
pub(super) const CODE: &str = ".code";

/// The bounds of the cache.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) files: usize,
    pub(super) bytes: u64,
    pub(super) unused: Duration,
}

/// Each version of the program adds a file for each component in use, of some megabytes.
pub(super) const BOUNDS: Bounds = Bounds {
    files: 64,
    bytes: 512 << 20,
    unused: Duration::from_hours(30 * 24),
};

/// A use of a file is noted at most once in this time.
const USE_INTERVAL: Duration = Duration::from_hours(1);

/// Removes compiled code beyond the bounds of the cache in `folder`, and temporary files of writes
/// that ended with their process. A process that has read a file does not need it any more.
pub(crate) fn clean(folder: &Path) -> io::Result<Freed> {
    clean_to(folder, BOUNDS)
}

/// Removes all compiled code in `folder`: it is compiled again when it is needed.
pub(crate) fn clear(folder: &Path) -> io::Result<Freed> {
    cleanup::remove_from(folder, |name, _| name.ends_with(CODE))
}

pub(super) fn clean_to(folder: &Path, bounds: Bounds) -> io::Result<Freed> {
    let mut freed = Freed::default();
    let mut code = Vec::new();
    for (entry, metadata) in cleanup::files_of(folder)? {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let age = cleanup::age_of(&metadata);
        if name.ends_with(CODE) {
            code.push((age, metadata.len(), entry.path()));
        } else if cleanup::is_crashed_write(&name, age) {
            freed += cleanup::remove(&entry.path())?;
        }
    }
    code.sort();
    let mut kept = 0;
    for (index, (age, bytes, path)) in code.into_iter().enumerate() {
        kept += bytes;
        // The one used last stays, so that a large component is compiled once.
        let is_last_used = index == 0 && age < bounds.unused;
        let fits = index < bounds.files && kept <= bounds.bytes && age < bounds.unused;
        if !fits && !is_last_used {
            freed += cleanup::remove(&path)?;
        }
    }
    Ok(freed)
}

/// Makes a file count as used now. A failure costs a compilation later.
pub(super) fn note_use(path: &Path) {
    let is_noted =
        std::fs::metadata(path).is_ok_and(|metadata| cleanup::age_of(&metadata) < USE_INTERVAL);
    if !is_noted {
        let opened = std::fs::OpenOptions::new().append(true).open(path);
        let noted = opened.and_then(|file| file.set_modified(SystemTime::now()));
        if let Err(error) = noted {
            tracing::debug!(path = %path.display(), %error, "the use of compiled code is not noted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cleanup::testing::make_old;

    #[test]
    fn cache_is_bounded_by_number_size_and_age_and_keeps_the_last_used() {
        let folder = tempfile::tempdir().expect("folder");
        let hour = Duration::from_hours(1);
        let fill = || {
            for number in 0..6 {
                let path = folder.path().join(format!("{number}{CODE}"));
                std::fs::write(&path, [0; 10]).expect("write");
                make_old(&path, hour * number);
            }
        };
        let left = || {
            let mut left: Vec<_> = cleanup::files_of(folder.path())
                .expect("files")
                .iter()
                .filter_map(|(entry, _)| entry.path().file_stem()?.to_str()?.parse::<u32>().ok())
                .collect();
            left.sort_unstable();
            left
        };
        let bounds = Bounds {
            files: 100,
            bytes: 1000,
            unused: hour * 100,
        };
        let few = Bounds { files: 4, ..bounds };
        let small = Bounds {
            bytes: 25,
            ..bounds
        };
        let tiny = Bounds { bytes: 5, ..bounds };
        let recent = Bounds {
            unused: hour * 3,
            ..bounds
        };
        for (bounds, expected) in [
            (bounds, vec![0, 1, 2, 3, 4, 5]),
            (few, vec![0, 1, 2, 3]),
            (small, vec![0, 1]),
            (tiny, vec![0]),
            (recent, vec![0, 1, 2]),
        ] {
            fill();
            let freed = clean_to(folder.path(), bounds).expect("clean");
            assert_eq!(left(), expected);
            let removed = 6 - expected.len() as u64;
            assert_eq!((freed.files, freed.bytes), (removed, removed * 10));
        }
    }
}
