//! Forgetting jobs that are done.

use std::path::Path;
use std::time::Duration;

use super::commands::Jobs;
use super::error::JobsError;
use crate::ledger::{Ledger, Millis, Pictures};

/// Pictures that no job has are kept this long: one may belong to a row that is just
/// being made.
const PICTURE_AGE: Duration = Duration::from_hours(1);

/// What came of [`prune`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Jobs that were forgotten.
    pub forgotten: usize,
    /// Jobs that are left.
    pub left: usize,
}

impl Jobs {
    /// Forgets jobs that are done and were made before `before`; see [`prune`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn prune(&self, before: Millis) -> Result<Pruned, JobsError> {
        prune(&self.data_dir, self.ledger(), before)
    }
}

/// Forgets the jobs of `data_dir` that are done and were made before `before`: their rows,
/// inputs and kept pictures. Results stay, and so does every job that may still cost or bring
/// something. Needs no driver.
///
/// # Errors
///
/// When the ledger cannot be written, or [`JobsError::Prune`].
pub fn prune(data_dir: &Path, ledger: &Ledger, before: Millis) -> Result<Pruned, JobsError> {
    let forgotten = ledger.prune(before)?;
    let rows = ledger.rows()?;
    // Which pictures a damaged row has is not known: all of them stay until it is repaired.
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
        forgotten,
        left: rows.jobs.len() + rows.damaged.len(),
    })
}
