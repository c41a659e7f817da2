//! The newest jobs in brief, read without changing anything: for completions in a shell.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::stage::Millis;
use super::store::FILE;

/// How long a read waits for a process that holds the ledger: a user waits for the completion.
const PATIENCE: Duration = Duration::from_millis(100);

/// What a list of candidates says of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobBrief {
    /// The job's id.
    pub id: String,
    /// The type of its node.
    pub node: String,
    /// The name of its state, [`State::as_str`](super::State::as_str).
    pub state: String,
    /// When it was created.
    pub created_at: Millis,
}

/// The newest jobs of a data directory, at most `most`; none if it has no ledger, or one that cannot be
/// read now. Creates, migrates and locks nothing.
#[must_use]
pub fn newest_jobs(data_dir: &Path, most: u32) -> Vec<JobBrief> {
    read(&data_dir.join(FILE), most).unwrap_or_default()
}

fn read(path: &Path, most: u32) -> rusqlite::Result<Vec<JobBrief>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    let mut newest = connection.prepare(
        "SELECT id, node, state, created_at FROM jobs ORDER BY created_at DESC, rowid DESC LIMIT ?1",
    )?;
    let rows = newest.query_map([most], |row| {
        Ok(JobBrief {
            id: row.get(0)?,
            node: row.get(1)?,
            state: row.get(2)?,
            created_at: row.get(3)?,
        })
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::queued;
    use super::super::{JobSpec, Ledger};
    use super::*;

    #[test]
    fn folder_without_a_ledger_has_no_jobs_and_stays_empty() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(newest_jobs(folder.path(), 10), []);
        let mut entries = folder.path().read_dir().expect("the folder");
        assert!(entries.next().is_none());
    }

    #[test]
    fn newest_jobs_come_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::open(folder.path()).expect("a ledger");
        let jobs = ["a", "b", "c"].map(|id| {
            let mut job = queued(0);
            let mut spec = JobSpec::clone(&job.spec);
            spec.id = id.into();
            spec.key = id.into();
            job.spec = spec.into();
            job
        });
        ledger.insert_all(&jobs).expect("the jobs");
        let newest = newest_jobs(folder.path(), 2);
        let ids: Vec<_> = newest.iter().map(|job| job.id.as_str()).collect();
        assert_eq!(ids, ["c", "b"]);
        assert_eq!(newest[0].state, "queued");
        assert_eq!(newest[0].node, "image_to_video");
    }
}
