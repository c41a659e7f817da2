//! The jobs that a name of a command means: the newest one, or those with an id of the provider.

use super::columns::{lossy, select_job};
use super::error::LedgerError;
use super::removed::{OF_PROVIDER_ID, RemovedJob, removed};
use super::store::{Ledger, Rows};

impl Ledger {
    /// The job that was made last; no row in an empty ledger.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn newest(&self) -> Result<Rows, LedgerError> {
        let newest = select_job!("ORDER BY created_at DESC, rowid DESC LIMIT 1");
        self.rows_like(newest, [])
    }

    /// The first jobs of this id of a provider, also as that of an earlier attempt, over any
    /// connection.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn jobs_of_any_provider(&self, provider_job_id: &str) -> Result<Rows, LedgerError> {
        let named = select_job!(
            "WHERE provider_job_id = ?1
            OR id IN (SELECT job FROM earlier_attempts WHERE provider_job_id = ?1) LIMIT 6"
        );
        self.rows_like(named, [provider_job_id])
    }

    /// The first removed jobs of this id of a provider.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn removed_of_any_provider(
        &self,
        provider_job_id: &str,
    ) -> Result<Vec<RemovedJob>, LedgerError> {
        self.read(OF_PROVIDER_ID, [provider_job_id], removed)
    }

    /// The ids of all jobs that were not removed, in the order of their texts.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn ids(&self) -> Result<Vec<String>, LedgerError> {
        let ids = "SELECT CAST(id AS TEXT) FROM jobs ORDER BY id";
        self.read(ids, [], |row| Ok(lossy(row, 0)?))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ledger::testing::{queued, stage};
    use crate::ledger::{Job, State};

    fn job(id: &str, state: State) -> Job {
        let mut job = queued(0);
        let spec = Arc::make_mut(&mut job.spec);
        (spec.id, spec.key) = (id.into(), id.into());
        job.stage = stage(state, false);
        job
    }

    fn ids(rows: &Rows) -> Vec<String> {
        let ids = rows.jobs.iter().map(|job| job.spec.id.clone());
        ids.collect()
    }

    #[test]
    fn newest_job_of_one_moment_is_the_one_inserted_last() {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        assert!(ids(&ledger.newest().expect("read")).is_empty());
        let jobs = ["z", "b", "a"].map(|id| job(id, State::Queued));
        ledger.insert_all(&jobs).expect("insert");
        assert_eq!(ids(&ledger.newest().expect("read")), ["a"]);
        assert_eq!(ids(&ledger.rows().expect("read")), ["z", "b", "a"]);
        assert_eq!(ledger.ids().expect("read"), ["a", "b", "z"]);
    }

    #[test]
    fn job_is_found_by_the_id_of_its_provider() {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        let jobs = [job("a", State::Queued), job("b", State::Started)];
        ledger.insert_all(&jobs).expect("insert");
        let named = |id| ids(&ledger.jobs_of_any_provider(id).expect("read"));
        assert_eq!(named("p"), ["b"]);
        assert!(named("q").is_empty());
        assert_eq!(ledger.removed_of_any_provider("p").expect("read"), []);
    }
}
