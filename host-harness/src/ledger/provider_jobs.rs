//! Which job a job of a provider belongs to.

use super::columns::lossy;
use super::error::LedgerError;
use super::store::Ledger;

impl Ledger {
    /// The job to which this id of a provider belongs, other than `except`: one with a row, a removed
    /// one, or one of which it is an earlier attempt, which may be `except` itself.
    pub(crate) fn job_of_provider_id(
        &self,
        provider_origin: &str,
        provider_job_id: &str,
        except: &str,
    ) -> Result<Option<String>, LedgerError> {
        // Both cases of a UUID are the same id.
        let is_uuid = uuid::Uuid::try_parse(provider_job_id).is_ok();
        let any_case = if is_uuid { "COLLATE NOCASE" } else { "" };
        let others = format!(
            "SELECT CAST(id AS TEXT) FROM jobs
                WHERE provider_origin = ?1 AND provider_job_id = ?2 {any_case} AND id <> ?3
            UNION ALL SELECT CAST(id AS TEXT) FROM removed_jobs
                WHERE provider_origin = ?1 AND provider_job_id = ?2 {any_case} AND id <> ?3
            UNION ALL SELECT CAST(job AS TEXT)
                FROM earlier_attempts JOIN jobs ON jobs.id = earlier_attempts.job
                WHERE jobs.provider_origin = ?1
                    AND earlier_attempts.provider_job_id = ?2 {any_case}
            LIMIT 1"
        );
        let values = [provider_origin, provider_job_id, except];
        Ok(self.read(&others, values, |row| Ok(lossy(row, 0)?))?.pop())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::driver::decide::decide;
    use crate::driver::event::Event;
    use crate::ledger::testing::{queued, stage};
    use crate::ledger::{Job, Millis, Stage, State};

    fn job(id: &str, state: State) -> Job {
        let mut job = queued(0);
        let spec = Arc::make_mut(&mut job.spec);
        (spec.id, spec.key) = (id.into(), id.into());
        job.stage = stage(state, true);
        job
    }

    fn ledger(jobs: &[Job]) -> (tempfile::TempDir, Ledger) {
        let folder = tempfile::tempdir().expect("folder");
        let ledger = Ledger::open(folder.path()).expect("ledger");
        ledger.insert_all(jobs).expect("insert");
        (folder, ledger)
    }

    fn other(ledger: &Ledger, id: &str, except: &str) -> Option<String> {
        let other = ledger.job_of_provider_id("https://p.example", id, except);
        other.expect("read")
    }

    #[test]
    fn id_at_the_provider_belongs_to_one_job() {
        let (_folder, ledger) = ledger(&[job("a", State::Started), job("b", State::Failed)]);
        let done = ledger.done_jobs(Millis::MAX, None).expect("read");
        assert_eq!(ledger.delete(&done, Millis::MAX, 5_000).expect("delete"), 1);
        assert_eq!(other(&ledger, "p", "b").as_deref(), Some("a"));
        assert_eq!(other(&ledger, "p", "a").as_deref(), Some("b"), "removed");
        assert_eq!(other(&ledger, "q", "a"), None);
        let elsewhere = ledger.job_of_provider_id("https://other.example", "p", "c");
        assert_eq!(elsewhere.expect("read"), None);
    }

    #[test]
    fn case_of_a_uuid_makes_no_other_id() {
        const ID: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
        let mut known = job("a", State::Started);
        if let Stage::Started { job, .. } = &mut known.stage {
            job.id = Some(ID.into());
        }
        let (_folder, ledger) = ledger(&[known, job("b", State::Started)]);
        for id in [ID.to_owned(), ID.to_uppercase()] {
            assert_eq!(other(&ledger, &id, "b").as_deref(), Some("a"), "{id}");
        }
        assert_eq!(other(&ledger, "P", "a"), None, "other ids have a case");
    }

    #[test]
    fn id_of_an_earlier_attempt_belongs_to_its_job() {
        let (_folder, ledger) = ledger(&[job("a", State::Failed)]);
        let failed = ledger.job("a").expect("read").expect("a row");
        let retried = Event::Retried {
            after: 0,
            deadline_at: 9_000,
            requester: "another".into(),
            again: true,
        };
        let (queued, _) = decide(&failed, retried, 3_000);
        let queued = ledger.commit(&failed, &queued, 3_000).expect("commit");
        assert_eq!((queued.retries, queued.provider_job_id()), (1, None));
        let earlier = ledger.earlier_attempts("a").expect("read");
        assert_eq!(earlier[0].ticket.as_deref(), Some("{}"));
        for except in ["a", "b"] {
            assert_eq!(
                other(&ledger, "p", except).as_deref(),
                Some("a"),
                "{except}"
            );
        }
    }
}
