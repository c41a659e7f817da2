//! Puts the files of a result back that were removed from their places.

use std::path::{Path, PathBuf};

use super::commands::Jobs;
use super::error::JobsError;
use super::presence::{Comparison, FileState};
use crate::download::{self, CLIPS_FOLDER, digest_of};
use crate::driver::pure::Event;
use crate::ledger::{ClipFile, Job, Millis};

impl Jobs {
    /// Puts the files of a finished result back that are not at their places: copies them if the
    /// data directory has a copy, else resumes the job until `deadline_at`, so that
    /// [`wait`](Self::wait) downloads the result again. Nothing is submitted or charged.
    ///
    /// A file that has become another one is replaced only with `force`: without it, the job is
    /// returned unchanged, and [`FileState::of_job`] says so. The same holds for a file that cannot be
    /// read, also with `force`.
    ///
    /// # Errors
    ///
    /// [`JobsError::Unwritten`], when the ledger cannot be written.
    pub async fn put_back(
        &self,
        job: &Job,
        force: bool,
        deadline_at: Millis,
    ) -> Result<Job, JobsError> {
        let (row, clips) = (job.clone(), self.data_dir.join(CLIPS_FOLDER));
        let work = move || copied_back(&row, &clips, force);
        let state = tokio::task::spawn_blocking(work).await.ok().flatten();
        if state != Some(FileState::Missing) {
            return Ok(job.clone());
        }
        let mut job = job.clone();
        for event in [Event::ResultRemoved { force }, self.resumed(deadline_at)] {
            job = self.apply(&job, &event).await?;
        }
        Ok(job)
    }
}

/// Copies the files back that the data directory has; returns the worst state after that.
fn copied_back(job: &Job, clips: &Path, force: bool) -> Option<FileState> {
    let result = job.file().filter(|_| job.is_finalized())?;
    // What cannot be read may be the result itself.
    let unreadable = FileState::Unreadable;
    if FileState::of_job(job, Comparison::Content) == Some(unreadable) {
        return Some(unreadable);
    }
    let mut worst = FileState::Present;
    for file in result.all() {
        let state = FileState::of(file, Comparison::Content);
        if state == FileState::Present {
            continue;
        }
        let is_kept = state == FileState::Changed && !force;
        if is_kept || !is_copied_back(file, &job.spec.id, clips, force) {
            worst = worst.max(if is_kept { state } else { FileState::Missing });
        }
    }
    Some(worst)
}

fn is_copied_back(file: &ClipFile, job: &str, clips: &Path, force: bool) -> bool {
    let copied = copy_in(clips, file).map(|copy| download::copy(&copy, &file.path, job, force));
    match copied {
        None => false,
        Some(Ok(_)) => true,
        Some(Err(error)) => {
            tracing::warn!(path = %file.path.display(), %error, "a result is not copied back");
            false
        }
    }
}

/// A file of the same content in a folder.
fn copy_in(folder: &Path, file: &ClipFile) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    let same_length = entries.flatten().filter(|entry| {
        let metadata = entry.metadata();
        metadata.is_ok_and(|metadata| metadata.is_file() && metadata.len() == file.bytes)
    });
    let mut paths = same_length.map(|entry| entry.path());
    paths.find(|path| {
        let digest = digest_of(path).ok().flatten();
        *path != file.path && digest.is_some_and(|digest| digest.to_string() == file.sha256)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256Digest;
    use crate::ledger::testing::stage;
    use crate::ledger::{FurtherFile, ResultFile, Stage, State};

    fn file(path: PathBuf, content: &[u8]) -> ClipFile {
        ClipFile {
            path,
            sha256: Sha256Digest::of(content).to_string(),
            bytes: content.len() as u64,
            media_type: "image/png".into(),
            others: Vec::new(),
            left_out: Vec::new(),
        }
    }

    #[test]
    fn removed_files_are_copied_from_the_data_directory_and_others_are_not_replaced() {
        let folder = tempfile::tempdir().expect("folder");
        let clips = folder.path().join("clips");
        std::fs::create_dir(&clips).expect("folder");
        let mut result = file(folder.path().join("a.png"), b"one");
        result.others.push(FurtherFile {
            part: folder.path().join("part"),
            file: file(folder.path().join("a-2.png"), b"two"),
        });
        let mut job = crate::ledger::testing::queued(0);
        job.stage = stage(State::Succeeded, true);
        if let Stage::Succeeded { file, .. } = &mut job.stage {
            *file = ResultFile::Finalized(result.clone());
        }
        let put_back = |force| copied_back(&job, &clips, force);
        assert_eq!(put_back(false), Some(FileState::Missing));
        std::fs::write(clips.join("other.png"), "six").expect("write");
        std::fs::write(clips.join("copy.png"), "one").expect("write");
        assert_eq!(put_back(false), Some(FileState::Missing), "the second one");
        assert_eq!(std::fs::read(&result.path).expect("the first"), b"one");
        std::fs::write(clips.join("copy-2.png"), "two").expect("write");
        assert_eq!(put_back(false), Some(FileState::Present));
        std::fs::write(&result.path, "mine").expect("write");
        assert_eq!(put_back(false), Some(FileState::Changed));
        assert_eq!(std::fs::read(&result.path).expect("it stays"), b"mine");
        assert_eq!(put_back(true), Some(FileState::Present));
        assert_eq!(std::fs::read(&result.path).expect("the first"), b"one");
        std::fs::remove_file(&result.path).expect("remove");
        if let Stage::Succeeded { file, .. } = &mut job.stage {
            let mut hidden = result.clone();
            hidden.others[0].file.path = folder.path().join("n".repeat(5_000));
            *file = ResultFile::Finalized(hidden);
        }
        let states = [false, true].map(|force| copied_back(&job, &clips, force));
        assert_eq!(states, [Some(FileState::Unreadable); 2]);
        assert!(!result.path.exists(), "nothing is put back");
    }
}
