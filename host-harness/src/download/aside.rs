//! Files that may be the result, and were not verified: `<target's name>.<job>.unverified`, and
//! `<target's name>.2.<job>.unverified` while that name is taken.

use std::io;
use std::path::{Path, PathBuf};

use super::regular::{digest_of, remove};

/// Most names that are tried. After that, the file keeps the name of an unfinished one.
const NAMES: u32 = 99;

/// The first name, or a further one, of a complete file whose digest is not the announced one, whose
/// format is not known, or that was not synced.
pub(super) fn unverified_of(part: &Path, number: u32) -> PathBuf {
    if number <= 1 {
        return part.with_extension("unverified");
    }
    let named = part.with_extension("");
    let mut name = named.with_extension("").into_os_string();
    name.push(format!(".{number}."));
    name.push(named.extension().unwrap_or_default());
    name.push(".unverified");
    name.into()
}

/// Keeps such a file under a name that no other file has, and returns that. The next download then
/// starts again. If it cannot be renamed, it stays where it is. Blocks while it compares files.
pub(super) fn set_aside(part: &Path) -> PathBuf {
    for number in 1..=NAMES {
        let kept = unverified_of(part, number);
        if !is_free(part, &kept) {
            continue;
        }
        let renamed = std::fs::rename(part, &kept);
        // A network file system may report an error after it has done its work.
        let Err(error) = renamed else { return kept };
        let is_gone = std::fs::symlink_metadata(part).is_err();
        if is_gone && std::fs::symlink_metadata(&kept).is_ok() {
            return kept;
        }
        tracing::warn!(%error, path = %part.display(), "an unverified file could not be renamed");
        break;
    }
    part.to_owned()
}

/// Whether nothing has this name, or a file of the same content.
fn is_free(part: &Path, name: &Path) -> bool {
    let length = match std::fs::symlink_metadata(name) {
        Err(error) => return error.kind() == io::ErrorKind::NotFound,
        Ok(metadata) if metadata.is_file() => metadata.len(),
        Ok(_) => return false,
    };
    let is_as_long = std::fs::metadata(part).is_ok_and(|metadata| metadata.len() == length);
    let digest = |path| digest_of(path).ok().flatten();
    is_as_long && digest(part).is_some_and(|own| digest(name) == Some(own))
}

/// Removes the files that earlier downloads set aside, after one has succeeded.
pub(super) fn remove_unverified(part: &Path) {
    for number in 1..=NAMES {
        let name = unverified_of(part, number);
        match std::fs::symlink_metadata(&name) {
            Ok(metadata) if metadata.is_file() => remove(&name),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("folder"))
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        /// Sets a file of this content aside, and returns the name that it has then.
        fn keep(&self, content: &str) -> String {
            let part = self.path("clip.mp4.job.part");
            fs::write(&part, content).expect("write");
            let kept = set_aside(&part);
            assert_eq!(fs::read_to_string(&kept).expect("it is kept"), content);
            let name = kept.file_name().expect("a name");
            name.to_string_lossy().into_owned()
        }
    }

    #[test]
    fn file_that_is_set_aside_replaces_no_other() {
        let folder = Folder::new();
        assert_eq!(folder.keep("one"), "clip.mp4.job.unverified");
        assert_eq!(folder.keep("two"), "clip.mp4.2.job.unverified");
        assert_eq!(folder.keep("two"), "clip.mp4.2.job.unverified");
        assert_eq!(folder.keep("three"), "clip.mp4.3.job.unverified");
        let first = fs::read(folder.path("clip.mp4.job.unverified")).expect("it stays");
        assert_eq!(first, b"one");
        remove_unverified(&folder.path("clip.mp4.job.part"));
        assert_eq!(fs::read_dir(folder.0.path()).expect("folder").count(), 0);
    }

    #[test]
    fn folder_in_the_place_of_an_unverified_file_costs_no_clip() {
        let folder = Folder::new();
        let taken = folder.path("clip.mp4.job.unverified");
        fs::create_dir(&taken).expect("folder");
        assert_eq!(folder.keep("the clip"), "clip.mp4.2.job.unverified");
        remove_unverified(&folder.path("clip.mp4.job.part"));
        assert!(taken.is_dir());
    }

    #[test]
    fn file_that_cannot_be_renamed_stays() {
        let folder = Folder::new();
        for number in 1..=NAMES {
            let name = unverified_of(&folder.path("clip.mp4.job.part"), number);
            fs::create_dir(name).expect("folder");
        }
        assert_eq!(folder.keep("the clip"), "clip.mp4.job.part");
    }
}
