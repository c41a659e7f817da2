//! Where the unfinished file of a result is: beside its target, or in the data directory while the
//! target's folder takes no file.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use super::part::part_of;
use super::regular::{digest_of, open_existing};
use super::write::complete_of;
use crate::digest::Sha256Digest;
use crate::rights;

/// The folder in the data directory where a program writes results without a name, and those whose
/// own folder takes no file.
pub const CLIPS_FOLDER: &str = "clips";

/// The places of a job's unfinished file.
#[derive(Clone, Debug)]
pub(crate) struct Unfinished {
    /// Beside the target.
    own: PathBuf,
    /// In the data directory.
    spare: PathBuf,
}

impl Unfinished {
    /// The places for this target. `clips`: [`CLIPS_FOLDER`] of the data directory.
    pub(crate) fn of(target: &Path, job: &str, clips: &Path) -> Self {
        let name = target.file_name().unwrap_or_default();
        Self {
            own: part_of(target, job),
            spare: part_of(&clips.join(name), job),
        }
    }

    /// The place where it is or can be written.
    pub(crate) fn into_part(self) -> PathBuf {
        let exists = |path: &Path| std::fs::symlink_metadata(path).is_ok();
        let is_begun = |part: &Path| exists(part) || exists(&complete_of(part));
        if is_begun(&self.own) && open_existing_or_complete(&self.own) {
            return self.own;
        }
        if is_begun(&self.spare) {
            return self.spare;
        }
        if can_create(&self.own) || !make_folder_of(&self.spare) {
            return self.own;
        }
        self.spare
    }

    /// The complete file of this digest, wherever it is.
    pub(crate) fn whole(&self, sha256: &Sha256Digest) -> Option<PathBuf> {
        let places = [&self.own, &self.spare].into_iter();
        let mut paths = places.flat_map(|part| [complete_of(part), part.clone()]);
        paths.find(|path| digest_of(path).ok().flatten().as_ref() == Some(sha256))
    }
}

fn open_existing_or_complete(part: &Path) -> bool {
    complete_of(part).exists() || open_existing(part).is_ok()
}

/// Whether a file can be created here; it is removed again.
fn can_create(part: &Path) -> bool {
    let created = OpenOptions::new().write(true).create_new(true).open(part);
    created.is_ok() && std::fs::remove_file(part).is_ok()
}

fn make_folder_of(part: &Path) -> bool {
    part.parent()
        .is_some_and(|folder| rights::make_folder(folder).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_is_in_the_data_directory_while_the_folder_takes_no_file() {
        let folder = tempfile::tempdir().expect("folder");
        let clips = folder.path().join("data/clips");
        let target = folder.path().join("gone/clip.mp4");
        let part = || Unfinished::of(&target, "job", &clips).into_part();
        assert_eq!(part(), clips.join("clip.mp4.job.part"));
        std::fs::create_dir(folder.path().join("gone")).expect("folder");
        assert_eq!(part(), folder.path().join("gone/clip.mp4.job.part"));
        // A download that was begun is continued where it is.
        std::fs::write(clips.join("clip.mp4.job.part"), "half").expect("write");
        assert_eq!(part(), clips.join("clip.mp4.job.part"));
        std::fs::write(folder.path().join("gone/clip.mp4.job.part"), "").expect("write");
        assert_eq!(part(), folder.path().join("gone/clip.mp4.job.part"));
    }

    #[test]
    fn whole_file_is_found_in_every_place() {
        let folder = tempfile::tempdir().expect("folder");
        let clips = folder.path().join("clips");
        std::fs::create_dir(&clips).expect("folder");
        let target = folder.path().join("clip.mp4");
        let places = Unfinished::of(&target, "job", &clips);
        let digest = Sha256Digest::of(b"the clip");
        assert_eq!(places.whole(&digest), None);
        for path in [
            clips.join("clip.mp4.job.part"),
            clips.join("clip.mp4.job.complete"),
            folder.path().join("clip.mp4.job.part"),
            folder.path().join("clip.mp4.job.complete"),
        ] {
            std::fs::write(&path, "another").expect("write");
            assert_ne!(places.whole(&digest).as_ref(), Some(&path));
            std::fs::write(&path, "the clip").expect("write");
            assert_eq!(places.whole(&digest), Some(path));
        }
    }
}
