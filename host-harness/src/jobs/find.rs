//! Finds the job that a command names.

use super::error::JobsError;
use super::names::{LAST, SHORTEST, is_near};
use crate::ledger::{Job, Ledger, LedgerError, RemovedJob, Rows};

/// The job of this name: its id, the beginning of its id, the provider's id of it, or [`LAST`]. For
/// a program that only reads. A name that no job has may be that of a removed one.
///
/// A whole id of a job counts before everything else. Ids are in lower case, and are found whatever
/// the case of the name is.
///
/// # Errors
///
/// [`JobsError::NoSuchJob`], [`JobsError::Removed`], [`JobsError::AmbiguousId`], or when the
/// ledger cannot be read.
pub fn find(ledger: &Ledger, name: &str) -> Result<Job, JobsError> {
    if name == LAST {
        return only(ledger.newest()?, name)?.ok_or_else(|| none(ledger, name));
    }
    let id = name.to_ascii_lowercase();
    for id in [name, &id] {
        if let Some(job) = ledger.job(id)? {
            return Ok(job);
        }
        if let Some(removed) = ledger.removed_job(id)? {
            return Err(of_removed(removed));
        }
    }
    let mut rows = if name.len() < SHORTEST {
        Rows::default()
    } else {
        ledger.jobs_like(&id)?
    };
    add(&mut rows, ledger.jobs_of_any_provider(name)?);
    if let Some(job) = only(rows, name)? {
        return Ok(job);
    }
    let mut removed = if name.len() < SHORTEST {
        Vec::new()
    } else {
        ledger.removed_like(&id)?
    };
    let named = ledger.removed_of_any_provider(name)?;
    removed.extend(named);
    removed.dedup_by(|one, other| one.job.spec.id == other.job.spec.id);
    if removed.len() > 1 {
        let jobs = removed.into_iter().map(|removed| removed.job);
        return Err(ambiguous(name, jobs.collect()));
    }
    Err(removed.pop().map_or_else(|| none(ledger, name), of_removed))
}

/// Adds the rows of jobs that are not there yet.
fn add(rows: &mut Rows, more: Rows) {
    for job in more.jobs {
        if !rows.jobs.contains(&job) {
            rows.jobs.push(job);
        }
    }
    let id = |error: &LedgerError| error.damaged_row().map(|row| row.job.clone());
    for error in more.damaged {
        if rows.damaged.iter().all(|known| id(known) != id(&error)) {
            rows.damaged.push(error);
        }
    }
}

/// The only one of these rows.
fn only(rows: Rows, name: &str) -> Result<Option<Job>, JobsError> {
    let Rows { mut jobs, damaged } = rows;
    if jobs.len() + damaged.len() > 1 {
        return Err(ambiguous(name, jobs));
    }
    match damaged.into_iter().next() {
        Some(damaged) => Err(damaged.into()),
        None => Ok(jobs.pop()),
    }
}

fn ambiguous(name: &str, candidates: Vec<Job>) -> JobsError {
    JobsError::AmbiguousId {
        id: name.to_owned(),
        candidates,
    }
}

fn of_removed(removed: RemovedJob) -> JobsError {
    JobsError::Removed {
        removed: Box::new(removed),
    }
}

/// No job has the name. One whose id begins nearly so is suggested.
fn none(ledger: &Ledger, name: &str) -> JobsError {
    let ids = ledger.ids().unwrap_or_default();
    let mut near = ids.iter().filter(|id| is_near(name, id));
    let similar = near.next().filter(|_| near.next().is_none());
    JobsError::NoSuchJob {
        id: name.to_owned(),
        similar: similar.cloned(),
    }
}
