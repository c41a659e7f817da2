//! Writes a job's result to another file.

use std::path::{Path, PathBuf};

use super::commands::Jobs;
use super::error::JobsError;
use crate::download::{self, check_target, digest_of};
use crate::driver::pure::Event;
use crate::ledger::{ClipFile, Job, Millis, State, Target};

/// The result of [`Jobs::fetch`].
#[derive(Clone, Debug)]
pub enum Fetched {
    /// The local file was copied.
    Copied {
        /// The job, which did not change.
        job: Job,
        /// The copies of its files.
        files: Vec<PathBuf>,
    },
    /// The job has a new target. [`Jobs::wait`] for the job downloads the result.
    TargetChanged(Job),
    /// The provider has no result of the job. The job was not changed: a fetch never submits.
    LeftAlone(Job),
}

impl Jobs {
    /// Writes a job's result to `out`, an absolute path: copies the local file if it is intact,
    /// else resumes the job with the new target until `deadline_at`.
    ///
    /// # Errors
    ///
    /// [`JobsError::Target`], when `out` cannot be used; [`JobsError::Copy`]; or when the ledger
    /// fails.
    pub async fn fetch(
        &self,
        job: &Job,
        out: &Path,
        force: bool,
        deadline_at: Millis,
    ) -> Result<Fetched, JobsError> {
        if !matches!(
            job.state(),
            State::Submitting | State::Started | State::Succeeded
        ) {
            return Ok(Fetched::LeftAlone(job.clone()));
        }
        check_target(out, force).map_err(JobsError::Target)?;
        let (row, to) = (job.clone(), out.to_owned());
        // Reads and copies the files.
        let work = move || copy_if_here(&row, &to, force);
        if let Ok(Some(copied)) = tokio::task::spawn_blocking(work).await {
            return copied;
        }
        let moved = Event::TargetChanged {
            target: Target::File(out.to_owned()),
            force,
        };
        let mut job = job.clone();
        for event in [moved, self.resumed(deadline_at)] {
            job = self.apply(&job, &event).await?;
        }
        Ok(Fetched::TargetChanged(job))
    }
}

/// Copies a result's first file to `out`, and the further ones to numbered names beside it.
/// `None` if the first file does not exist or was changed. Further ones that do not exist are
/// left out.
fn copy_if_here(job: &Job, out: &Path, force: bool) -> Option<Result<Fetched, JobsError>> {
    let result = job.file().filter(|_| job.is_finalized())?;
    let is_intact = |file: &&ClipFile| {
        let digest = digest_of(&file.path).ok().flatten();
        digest.is_some_and(|digest| digest.to_string() == file.sha256)
    };
    result.all().next().filter(is_intact)?;
    let target = Target::File(out.to_owned());
    let mut files = Vec::new();
    for (number, file) in result.all().filter(is_intact).enumerate() {
        let to = target.unused_path_of(number, &file.media_type);
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
