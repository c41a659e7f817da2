//! Writes a job's result to another file.

use std::path::{Path, PathBuf};

use super::commands::Jobs;
use super::error::JobsError;
use super::presence::{Comparison, FileState};
use crate::download::{self, CLIPS_FOLDER, Unfinished, check_target, digest_of};
use crate::driver::pure::Event;
use crate::ledger::{ClipFile, Job, Millis, State, Target};

/// The result of [`Jobs::fetch`].
#[derive(Clone, Debug)]
pub enum Fetched {
    /// The local file was copied.
    Copied {
        /// The job. It did not change, or is done now: its complete file had no final name.
        job: Job,
        /// The copies of its files.
        files: Vec<PathBuf>,
    },
    /// The job has a new target. [`Jobs::wait`] for the job downloads the result.
    TargetChanged(Job),
    /// The job was not changed: the provider has no result of it, and a fetch never submits; or a
    /// file of its result cannot be read.
    LeftAlone(Job),
}

impl Jobs {
    /// Writes a job's result to `out`, an absolute path where no file may be yet: copies the local file if it is intact,
    /// also one that could not get its final name, else resumes the job with the new target until
    /// `deadline_at`.
    ///
    /// # Errors
    ///
    /// [`JobsError::OfJob`], when `out` cannot be used; [`JobsError::Copy`]; or when the ledger
    /// fails.
    pub async fn fetch(
        &self,
        job: &Job,
        out: &Path,
        force: bool,
        deadline_at: Millis,
    ) -> Result<Fetched, JobsError> {
        if has_no_result(job) {
            return Ok(Fetched::LeftAlone(job.clone()));
        }
        check_target(out, force).map_err(|error| JobsError::Target(error).of_job(job))?;
        let target = Target::File(out.to_owned());
        self.fetch_to(job, &target, force, deadline_at).await
    }

    /// The same for any target, and a file that is there already and is the result stays: the
    /// request may be repeated.
    ///
    /// # Errors
    ///
    /// As [`fetch`](Self::fetch).
    pub async fn fetch_to(
        &self,
        job: &Job,
        target: &Target,
        force: bool,
        deadline_at: Millis,
    ) -> Result<Fetched, JobsError> {
        if has_no_result(job) || is_unreadable(job).await {
            return Ok(Fetched::LeftAlone(job.clone()));
        }
        let found = self.found_again(job).await?;
        let job = &found;
        let (row, to) = (job.clone(), target.clone());
        // Reads and copies the files.
        let work = move || copy_if_here(&row, &to, force);
        if let Ok(Some(copied)) = tokio::task::spawn_blocking(work).await {
            return copied;
        }
        let first = job.file().map(|file| target.path_of(&file.media_type));
        if let Some(out) = first
            && let Some(finished) = self.finish_at(job, &out, force).await?
        {
            return Ok(finished);
        }
        let moved = changed_target(target, force);
        let mut job = job.clone();
        for event in [moved, self.resumed(deadline_at)] {
            job = self.apply(&job, &event).await?;
        }
        Ok(Fetched::TargetChanged(job))
    }

    /// The job, finished if the files of its result are at their places again.
    async fn found_again(&self, job: &Job) -> Result<Job, JobsError> {
        if job.is_finalized() || job.file().is_none() {
            return Ok(job.clone());
        }
        let row = job.clone();
        let work = move || row.file().is_some_and(|file| file.all().all(is_intact));
        if tokio::task::spawn_blocking(work).await.unwrap_or_default() {
            return self.apply(job, &Event::Finalized).await;
        }
        Ok(job.clone())
    }

    /// Gives a result of one file that is complete, and could not get its name, the name `out`. The
    /// provider may not have it any more.
    async fn finish_at(
        &self,
        job: &Job,
        out: &Path,
        force: bool,
    ) -> Result<Option<Fetched>, JobsError> {
        let Some(file) = job.file().filter(|file| file.others.is_empty()) else {
            return Ok(None);
        };
        let (Target::File(target) | Target::Stem(target)) = &job.target;
        let places = Unfinished::of(target, &job.spec.id, &self.data_dir.join(CLIPS_FOLDER));
        let sha256 = file.sha256.parse();
        let (id, to) = (job.spec.id.clone(), out.to_owned());
        let work = move || {
            let part = places.whole(&sha256.ok()?)?;
            let copied = download::copy(&part, &to, &id, force);
            Some(copied.map(|_| part))
        };
        let copied = tokio::task::spawn_blocking(work).await;
        let part = match copied.ok().flatten() {
            None => return Ok(None),
            Some(Ok(part)) => part,
            Some(Err(source)) => {
                let job = Box::new(job.clone());
                return Err(JobsError::Copy { job, source });
            }
        };
        let file = ClipFile {
            path: out.to_owned(),
            ..file.clone()
        };
        let mut job = job.clone();
        for event in [
            changed_target(&Target::File(out.to_owned()), force),
            Event::Fetched { file },
            Event::Finalized,
        ] {
            job = self.apply(&job, &event).await?;
        }
        // The copy may be the same file, if it is fetched to its own target.
        if part != out
            && let Err(error) = std::fs::remove_file(&part)
        {
            tracing::warn!(path = %part.display(), %error, "an unfinished file is not removed");
        }
        let files = vec![out.to_owned()];
        Ok(Some(Fetched::Copied { job, files }))
    }
}

/// Whether there is no result to fetch.
fn has_no_result(job: &Job) -> bool {
    use State::{Started, Submitting, Succeeded};
    !matches!(job.state(), Submitting | Started | Succeeded)
}

pub(super) fn changed_target(target: &Target, force: bool) -> Event {
    let target = target.clone();
    Event::TargetChanged { target, force }
}

/// Whether a file has the content of this file of a result.
pub(super) fn is_copy_of(path: &Path, file: &ClipFile) -> bool {
    let digest = digest_of(path).ok().flatten();
    digest.is_some_and(|digest| digest.to_string() == file.sha256)
}

/// Whether a file is where it was written, and is the same.
fn is_intact(file: &ClipFile) -> bool {
    is_copy_of(&file.path, file)
}

/// Whether a file of the result cannot be read, and may be at its place.
async fn is_unreadable(job: &Job) -> bool {
    let row = job.clone();
    let work = move || FileState::of_job(&row, Comparison::Length);
    let state = tokio::task::spawn_blocking(work).await;
    state.is_ok_and(|state| state == Some(FileState::Unreadable))
}

/// Copies a result's first file to the target, and the further ones to numbered names beside it.
/// `None` if the first file does not exist or was changed. Further ones that do not exist are
/// left out.
fn copy_if_here(job: &Job, target: &Target, force: bool) -> Option<Result<Fetched, JobsError>> {
    let result = job.file().filter(|_| job.is_finalized())?;
    result.all().next().filter(|file| is_intact(file))?;
    let mut files = Vec::new();
    for (number, file) in result.all().filter(|file| is_intact(file)).enumerate() {
        let is_it = |path: &Path| is_copy_of(path, file);
        let to = target.free_path_of(number, &file.media_type, is_it);
        let copied = download::copy(&file.path, &to, &job.spec.id, force && number == 0);
        if let Err(source) = copied {
            let job = Box::new(job.clone());
            return Some(Err(JobsError::Copy { job, source }));
        }
        files.push(to);
    }
    Some(Ok(Fetched::Copied {
        job: job.clone(),
        files,
    }))
}
