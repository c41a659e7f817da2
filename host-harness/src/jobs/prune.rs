//! Removes jobs that are done, and files that no job needs.

use std::path::Path;
use std::time::{Duration, Instant};

use super::commands::Jobs;
use super::error::JobsError;
use super::leftovers::{Leftovers, OrphanError, remove_orphans};
use crate::cleanup::Freed;
use crate::download::CLIPS_FOLDER;
use crate::driver::{now, process_name, remove_ended_requesters, remove_other_components};
use crate::engine::{clean_cache, clear_cache};
use crate::ledger::{Ledger, LedgerError, Millis, Pictures};

/// Pictures of no job are kept this long: one may belong to a row that a process of an earlier
/// version is about to insert.
const PICTURE_AGE: Duration = Duration::from_hours(1);

/// The shortest and the longest pause between two transactions. A pause is as long as the
/// transaction before it, so that others have half of the time.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));

/// The folder in the data directory where a program keeps compiled code.
pub const CODE_FOLDER: &str = "code";

/// The result of [`prune`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// The number of removed jobs.
    pub deleted: usize,
    /// The number of remaining jobs.
    pub kept: usize,
    /// The number of removed jobs whose keys were forgotten.
    pub forgotten: usize,
    /// The files that no job needed.
    pub freed: Freed,
}

/// What becomes of the keys of removed jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// They stay known: the same key does not buy again.
    Keep,
    /// They are forgotten, and so are uploads without a reply: the same key buys again.
    Forget,
}

/// How far [`prune_with`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PruneProgress {
    /// The jobs that are removed.
    pub deleted: usize,
    /// The jobs to remove, as counted at the beginning.
    pub total: usize,
}

/// Opens the ledger of `data_dir` to prune it. On a disk without the space that an open ledger needs
/// beside it, all compiled code in [`CODE_FOLDER`] is removed before: it can be compiled again. Also
/// returns what that freed.
///
/// # Errors
///
/// When the ledger cannot be opened then either.
pub fn open_to_prune(data_dir: &Path) -> Result<(Ledger, Freed), LedgerError> {
    match Ledger::open(data_dir) {
        Err(error) if error.lacks().is_some() => {
            let freed = clear_cache(&data_dir.join(CODE_FOLDER)).unwrap_or_default();
            Ok((Ledger::open(data_dir)?, freed))
        }
        opened => Ok((opened?, Freed::default())),
    }
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

/// Removes the jobs of `data_dir` that are done and were made before `before`: their rows, inputs,
/// stored pictures, recorded uploads and unfinished files. Result files are kept, and so is every
/// job that is not done. Uploads before `before` that belong to no job are removed too, unless they
/// have no reply. What is known of the removed jobs without their inputs and outputs stays
/// ([`RemovedJob`](crate::ledger::RemovedJob)), so that their keys do not buy again.
///
/// Also removes what no job needs: pictures and components that no row names, compiled code in
/// [`CODE_FOLDER`] beyond the bounds of the cache, unfinished files in [`CLIPS_FOLDER`], files of
/// writes and processes that have ended. Then
/// removes the free pages of the ledger, and empties its write-ahead log.
///
/// Needs no driver, and may be interrupted at any point: rows are removed in transactions of at most
/// 500, with a pause between two, in which other processes write. The same call continues.
///
/// # Errors
///
/// When the ledger cannot be written, or [`JobsError::Prune`].
pub fn prune(data_dir: &Path, ledger: &Ledger, before: Millis) -> Result<Pruned, JobsError> {
    prune_with(data_dir, ledger, before, Keys::Keep, |_| {})
}

/// As [`prune`]. With [`Keys::Forget`], also forgets the removed jobs that were made before `before`.
/// Calls `on_progress` between two transactions that delete jobs, and at the end of the last one.
///
/// # Errors
///
/// As [`prune`].
pub fn prune_with(
    data_dir: &Path,
    ledger: &Ledger,
    before: Millis,
    keys: Keys,
    mut on_progress: impl FnMut(PruneProgress),
) -> Result<Pruned, JobsError> {
    let (_, total) = ledger.counts(before)?;
    let ledger_bytes = ledger.file_bytes();
    let mut freed = Freed::default();
    let mut leftovers = Leftovers::default();
    let (mut deleted, mut last) = (0, None);
    loop {
        let done = ledger.done_jobs(before, last.as_ref())?;
        if done.is_empty() {
            break;
        }
        // Before the rows, which alone say where the files are.
        for job in &done {
            freed += leftovers.remove_of(job);
        }
        let begun = Instant::now();
        deleted += match ledger.delete(&done, before, now()) {
            // The log needs space for the rows to be deleted: files that no job needs give it.
            Err(error) if error.lacks().is_some() => {
                ledger.shrink_log()?;
                freed += remove_files(data_dir, ledger)?;
                ledger.delete(&done, before, now())?
            }
            deleted => deleted?,
        };
        let took = begun.elapsed();
        on_progress(PruneProgress { deleted, total });
        pause(took);
        last = done.into_iter().last();
    }
    loop {
        let begun = Instant::now();
        if !ledger.prune_uploads(before, keys == Keys::Forget)? {
            break;
        }
        pause(begun.elapsed());
    }
    let forgotten = match keys {
        Keys::Keep => 0,
        Keys::Forget => forget_keys(ledger, before)?,
    };
    freed += remove_files(data_dir, ledger)?;
    loop {
        let begun = Instant::now();
        if !ledger.vacuum_chunk()? {
            break;
        }
        pause(begun.elapsed());
    }
    ledger.shrink_log()?;
    freed.bytes += ledger_bytes.saturating_sub(ledger.file_bytes());
    let (kept, _) = ledger.counts(before)?;
    Ok(Pruned {
        deleted,
        kept,
        forgotten,
        freed,
    })
}

/// Forgets removed jobs; returns their number.
fn forget_keys(ledger: &Ledger, before: Millis) -> Result<usize, JobsError> {
    let mut forgotten = 0;
    loop {
        let begun = Instant::now();
        let some = ledger.forget_removed(before)?;
        if some == 0 {
            return Ok(forgotten);
        }
        forgotten += some;
        pause(begun.elapsed());
    }
}

/// Lets others write after a transaction that took this long.
fn pause(took: Duration) {
    std::thread::sleep(took.clamp(PAUSES.0, PAUSES.1));
}

/// Removes the files of the data directory that no row needs.
fn remove_files(data_dir: &Path, ledger: &Ledger) -> Result<Freed, JobsError> {
    let mut freed = Freed::default();
    // While a process is about to insert a row, pictures and components stay for the next time.
    if let Some(owned) = ledger.own_files(&process_name())? {
        // Read after the lock: rows that were inserted before it are among them.
        let needed = ledger.needed_files()?;
        if let Some(pictures) = &needed.pictures {
            let removed = Pictures::of(data_dir).remove_others(pictures, PICTURE_AGE);
            freed += removed.map_err(JobsError::Prune)?;
        }
        let removed = remove_other_components(data_dir, &needed.components);
        freed += removed.map_err(JobsError::Prune)?;
        drop(owned);
    }
    freed += match remove_orphans(&data_dir.join(CLIPS_FOLDER), ledger) {
        Err(OrphanError::File(error)) => return Err(JobsError::Prune(error)),
        Err(OrphanError::Ledger(error)) => return Err(error.into()),
        Ok(removed) => removed,
    };
    freed += remove_ended_requesters(data_dir).map_err(JobsError::Prune)?;
    freed += clean_cache(&data_dir.join(CODE_FOLDER)).map_err(JobsError::Prune)?;
    Ok(freed)
}

#[cfg(test)]
mod tests;
