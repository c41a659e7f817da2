//! Whether the files of a result are where they were written.

use std::io;

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
        }
    }

    /// The state of a file. Symbolic links are followed. Blocks while it reads.
    #[must_use]
    pub fn of(file: &ClipFile, comparison: Comparison) -> Self {
        let metadata = match std::fs::metadata(&file.path) {
            Ok(metadata) => metadata,
            // The name of a link that leads to nothing is taken.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let is_taken = std::fs::symlink_metadata(&file.path).is_ok();
                return if is_taken {
                    Self::Changed
                } else {
                    Self::Missing
                };
            }
            Err(_) => return Self::Missing,
        };
        if !metadata.is_file() || metadata.len() != file.bytes {
            return Self::Changed;
        }
        if comparison == Comparison::Content && file.bytes <= MAX_DIGESTED {
            let digest = digest_of(&file.path).ok().flatten();
            if digest.is_none_or(|digest| digest.to_string() != file.sha256) {
                return Self::Changed;
            }
        }
        Self::Present
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
}
