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
        if let Some(file) = here(job) {
            return copy(job, file, out, force);
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
fn copy(job: &Job, result: &ClipFile, out: &Path, force: bool) -> Result<Fetched, JobsError> {
    let failed = |source| JobsError::Copy {
        job: Box::new(job.clone()),
        source,
    };
    let target = Target::File(out.to_owned());
    let mut files = Vec::new();
    for (number, file) in result.all().enumerate() {
        let to = target.unused_path_of(number, &file.media_type);
        let copied = download::copy(&file.path, &to, &job.spec.id, force && number == 0);
        copied.map_err(failed)?;
        files.push(to);
    }
    Ok(Fetched::Copied {
        job: job.clone(),
        files,
    })
}

/// The result's files, if all exist and are intact.
fn here(job: &Job) -> Option<&ClipFile> {
    let result = job.file().filter(|_| job.is_finalized())?;
    let is_intact = |file: &ClipFile| {
        let digest = digest_of(&file.path).ok().flatten();
        digest.is_some_and(|digest| digest.to_string() == file.sha256)
    };
    result.all().all(is_intact).then_some(result)
}
