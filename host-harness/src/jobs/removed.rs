//! Jobs that were removed from the ledger.

use std::sync::Arc;

use jiff::Timestamp;

use super::check::node_type;
use super::commands::Jobs;
use super::error::JobsError;
use super::presence::{Comparison, FileState};
use crate::contract::Charge;
use crate::download::CLIPS_FOLDER;
use crate::error::ErrorKind;
use crate::ledger::{ClipFile, Job, JobError, RemovedJob, ResultFile, Stage, State, Target};

impl Jobs {
    /// The job of this id, if it was removed: as [`removed_job`] returns it.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn removed(&self, id: &str) -> Result<Option<Job>, JobsError> {
        Ok(self.ledger().removed_job(id)?.map(removed_job))
    }

    /// Puts a removed job back into the ledger, if the provider can be asked for its result; returns its
    /// row. Another job stays removed. If its component is no longer stored, it becomes a job of this
    /// program's pack, which must have its node type.
    ///
    /// # Errors
    ///
    /// [`JobsError::OtherComponent`] and [`JobsError::List`], or when the ledger fails.
    pub async fn restore(&self, removed: RemovedJob) -> Result<Job, JobsError> {
        let job = removed_job(removed.clone());
        if job.state() != State::Succeeded && !job.has_no_result() {
            return Ok(job);
        }
        let mut row = job.clone();
        row.billing.earlier = charge_to_keep(&job);
        if row.file().is_none()
            && matches!(&row.target, Target::File(path) if path.as_os_str().is_empty())
        {
            let clips = self.data_dir.join(CLIPS_FOLDER);
            row.target = Target::Stem(clips.join(&job.spec.id));
        }
        // Until the row names its component.
        let _hold = self.hold_files().await?;
        let digest = self.pack.digest().to_string();
        let is_own = row.spec.component == digest;
        if !is_own && !self.driver.has_component(&row.spec.component) {
            match node_type(&self.pack, &row.spec.node).await {
                Err(JobsError::UnknownNodeType { .. }) => {
                    let removed = Box::new(removed);
                    return Err(JobsError::OtherComponent { removed });
                }
                node => drop(node?),
            }
            Arc::make_mut(&mut row.spec).component = digest;
        }
        let restoring = self.driver.restore(row, &self.pack, self.component.clone());
        restoring.await.map_err(JobsError::of_driver)?;
        // Another process may have put it back.
        Ok(self.ledger().job(&job.spec.id)?.unwrap_or(job))
    }
}

/// The charge of a removed job that no later report takes back: what led to it is not known any more.
fn charge_to_keep(job: &Job) -> Option<Charge> {
    Some(job.charge()).filter(|charge| *charge != Charge::No)
}

/// What is known of a removed job. It has its result only if the file is where it was written.
#[must_use]
pub fn removed_job(removed: RemovedJob) -> Job {
    let RemovedJob {
        mut job,
        removed_at,
        ..
    } = removed;
    if let Stage::Succeeded { file, .. } = &mut job.stage
        && let Some(what) = missing(file)
    {
        *file = ResultFile::Missing;
        let at = Timestamp::from_millisecond(removed_at).unwrap_or_default();
        let message = format!(
            "the job of this key was removed from the ledger at {at:.0}, and {what}; nothing was sent"
        );
        job.last_error = Some(JobError::new(ErrorKind::DownloadFailed, message));
    }
    job
}

/// What is missing of a result, of which the file alone is kept.
fn missing(file: &ResultFile) -> Option<String> {
    match file.file() {
        Some(file) => {
            let state = |file: &&ClipFile| FileState::of(file, Comparison::Length);
            // What cannot be read may be there.
            if file.all().any(|file| state(&file) == FileState::Unreadable) {
                return None;
            }
            let gone = file.all().find(|file| state(file) != FileState::Present)?;
            let what = match state(&gone) {
                FileState::Changed => "is another file now",
                _ => "does not exist",
            };
            Some(format!("its file `{}` {what}", gone.path.display()))
        }
        None => Some("its output was not kept".to_owned()),
    }
}
