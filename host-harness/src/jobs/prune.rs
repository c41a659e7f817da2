//! Removes jobs that are done.

use std::path::Path;
use std::time::Duration;

use super::commands::Jobs;
use super::error::JobsError;
use crate::ledger::{Ledger, Millis, Pictures};

/// Pictures of no job are kept this long: one may belong to a row that is not inserted yet.
const PICTURE_AGE: Duration = Duration::from_hours(1);

/// The result of [`prune`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// The number of removed jobs.
    pub deleted: usize,
    /// The number of remaining jobs.
    pub kept: usize,
}

impl Jobs {
    /// Removes jobs that are done and were made before `before`; see [`prune`].
    ///
    /// # Errors
    ///
    /// As [`prune`].
    pub fn prune(&self, before: Millis) -> Result<Pruned, JobsError> {
        prune(&self.data_dir, self.ledger(), before)
    }
}

/// Removes the jobs of `data_dir` that are done and were made before `before`: their rows,
/// inputs, stored pictures and recorded uploads. Uploads before `before` that belong to no job are
/// removed too. Result files are kept, and so is every job that is not done.
/// Needs no driver.
///
/// # Errors
///
/// When the ledger cannot be written, or [`JobsError::Prune`].
pub fn prune(data_dir: &Path, ledger: &Ledger, before: Millis) -> Result<Pruned, JobsError> {
    let deleted = ledger.prune(before)?;
    ledger.prune_uploads(before)?;
    let rows = ledger.rows()?;
    // The pictures of a damaged row are unknown, so all pictures stay until it is repaired.
    if rows.damaged.is_empty() {
        let documents = rows
            .jobs
            .iter()
            .flat_map(|job| [job.spec.raw_input.as_str(), job.spec.input.as_str()]);
        let pictures = Pictures::of(data_dir);
        pictures
            .keep_only(documents, PICTURE_AGE)
            .map_err(JobsError::Prune)?;
    }
    Ok(Pruned {
        deleted,
        kept: rows.jobs.len() + rows.damaged.len(),
    })
}
