//! Writes a job's result to another file.

use std::path::{Path, PathBuf};

use super::commands::Jobs;
use super::error::JobsError;
use crate::download::{self, check_target, digest_of};
use crate::driver::pure::Event;
use crate::ledger::{Job, Millis, State, Target};

/// The result of [`Jobs::fetch`].
#[derive(Clone, Debug)]
pub enum Fetched {
    /// The local file was copied.
    Copied {
        /// The job, which did not change.
        job: Job,
        /// The copy.
        file: PathBuf,
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
        if let Some(from) = here(job) {
            return copy(job, from, out, force);
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

fn copy(job: &Job, from: &Path, out: &Path, force: bool) -> Result<Fetched, JobsError> {
    let copied = download::copy(from, out, &job.spec.id, force);
    copied.map_err(|source| JobsError::Copy {
        job: Box::new(job.clone()),
        source,
    })?;
    Ok(Fetched::Copied {
        job: job.clone(),
        file: out.to_owned(),
    })
}

/// The result's file, if it exists and is intact.
fn here(job: &Job) -> Option<&Path> {
    let file = job.file().filter(|_| job.is_finalized())?;
    let digest = digest_of(&file.path).ok().flatten()?;
    (digest.to_string() == file.sha256).then_some(file.path.as_path())
}
