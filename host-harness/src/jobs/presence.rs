//! Whether the files of a result are where they were written.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use crate::download::digest_of;
use crate::ledger::{ClipFile, Job};

/// Files up to this length are compared by their content: their digest takes less than a second.
const MAX_DIGESTED: u64 = 64 << 20;

/// A file of a result, compared with the ledger's record of it. A later variant is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileState {
    /// It is there.
    Present,
    /// There is no file of its name.
    Missing,
    /// Something else has its name.
    Changed,
    /// It may be there, and this process cannot read it.
    Unreadable,
}

/// How a file is compared with the ledger's record of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// A regular file of the same length counts as the same.
    Length,
    /// The digest is compared too, unless the file is longer than 64 MiB.
    Content,
}

impl FileState {
    /// The state's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Unreadable => "unreadable",
        }
    }

    /// The state of a file. Symbolic links are followed. Blocks while it reads.
    #[must_use]
    pub fn of(file: &ClipFile, comparison: Comparison) -> Self {
        let metadata = match std::fs::metadata(&file.path) {
            Ok(metadata) => metadata,
            // The name of a link that leads to nothing is taken.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let is_taken = std::fs::symlink_metadata(&file.path).is_ok();
                return if is_taken {
                    Self::Changed
                } else {
                    Self::Missing
                };
            }
            Err(error) if error.kind() == ErrorKind::NotADirectory => return Self::Missing,
            Err(_) => return Self::Unreadable,
        };
        if !metadata.is_file() || metadata.len() != file.bytes {
            return Self::Changed;
        }
        if comparison == Comparison::Content && file.bytes <= MAX_DIGESTED {
            return match digest_of(&file.path) {
                Ok(Some(digest)) if digest.to_string() == file.sha256 => Self::Present,
                Ok(_) => Self::Changed,
                Err(_) => Self::Unreadable,
            };
        }
        match File::open(&file.path) {
            Ok(_) => Self::Present,
            Err(_) => Self::Unreadable,
        }
    }

    /// What is said of an unreadable file: "cannot be read: Permission denied".
    #[must_use]
    pub fn unreadable(path: &Path) -> String {
        match File::open(path).map_err(|error| (error.kind(), error)) {
            Err((ErrorKind::PermissionDenied, _)) => "cannot be read: Permission denied".into(),
            Err((_, error)) => format!("cannot be read: {error}"),
            Ok(_) => "cannot be read".into(),
        }
    }

    /// The worst state among the files of a result; `None` if the job has no files with their
    /// final names.
    #[must_use]
    pub fn of_job(job: &Job, comparison: Comparison) -> Option<Self> {
        let result = job.file().filter(|_| job.is_finalized())?;
        result.all().map(|file| Self::of(file, comparison)).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256Digest;

    #[test]
    fn file_is_compared_by_kind_length_and_content() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("clip.mp4");
        let file = ClipFile {
            path: path.clone(),
            sha256: Sha256Digest::of(b"the clip").to_string(),
            bytes: 8,
            media_type: "video/mp4".into(),
            others: Vec::new(),
            left_out: Vec::new(),
        };
        let states = || {
            [Comparison::Length, Comparison::Content]
                .map(|comparison| FileState::of(&file, comparison).as_str())
        };
        assert_eq!(states(), ["missing"; 2]);
        std::fs::create_dir(&path).expect("folder");
        assert_eq!(states(), ["changed"; 2]);
        std::fs::remove_dir(&path).expect("remove");
        std::fs::write(&path, "half").expect("write");
        assert_eq!(states(), ["changed"; 2]);
        std::fs::write(&path, "the film").expect("write");
        assert_eq!(states(), ["present", "changed"]);
        std::fs::write(&path, "the clip").expect("write");
        assert_eq!(states(), ["present"; 2]);
        #[cfg(unix)]
        {
            let moved = folder.path().join("moved.mp4");
            std::fs::rename(&path, &moved).expect("rename");
            std::os::unix::fs::symlink(&moved, &path).expect("link");
            assert_eq!(states(), ["present"; 2], "the link leads to it");
            std::fs::remove_file(&moved).expect("remove");
            assert_eq!(states(), ["changed"; 2], "the link leads to nothing");
        }
    }

    #[cfg(unix)]
    #[test]
    fn file_without_permission_is_unreadable_and_not_missing() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().expect("folder");
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).expect("folder");
        let mut file = ClipFile {
            path: inner.join("clip.mp4"),
            sha256: Sha256Digest::of(b"the clip").to_string(),
            bytes: 8,
            media_type: "video/mp4".into(),
            others: Vec::new(),
            left_out: Vec::new(),
        };
        std::fs::write(&file.path, "the clip").expect("write");
        for (locked, open) in [(file.path.clone(), 0o600), (inner.clone(), 0o700)] {
            let mode = |mode| {
                let mode = std::fs::Permissions::from_mode(mode);
                std::fs::set_permissions(&locked, mode).expect("permissions");
            };
            mode(0);
            // Permissions do not hold for the administrator.
            if File::open(&file.path).is_err() {
                for comparison in [Comparison::Length, Comparison::Content] {
                    assert_eq!(FileState::of(&file, comparison), FileState::Unreadable);
                }
                let said = FileState::unreadable(&file.path);
                assert_eq!(said, "cannot be read: Permission denied");
            }
            mode(open);
            assert_eq!(
                FileState::of(&file, Comparison::Content),
                FileState::Present
            );
        }
        // No file system has this name.
        file.path = folder.path().join("n".repeat(5_000));
        assert_eq!(
            FileState::of(&file, Comparison::Length),
            FileState::Unreadable
        );
        file.path = folder.path().join("inner/clip.mp4/below-a-file");
        assert_eq!(FileState::of(&file, Comparison::Length), FileState::Missing);
    }
}
