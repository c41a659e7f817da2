use rusqlite::params;

use super::*;
use crate::ledger::testing::stage;
use crate::ledger::{Job, JobSpec, State};

fn ledger(jobs: &[(&str, State)]) -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().expect("folder");
    let ledger = Ledger::open(folder.path()).expect("ledger");
    for (id, state) in jobs {
        let spec = JobSpec {
            id: (*id).into(),
            node: "image_to_video".into(),
            raw_input: "{}".into(),
            raw_input_sha256: String::new(),
            input: "{}".into(),
            component: "c".into(),
            connection: "pixelml".into(),
            provider_origin: "https://p.example".into(),
            key: (*id).into(),
            idempotency_ms: 0,
            created_at: 100,
        };
        let target = Target::Stem("/clips/a".into());
        let mut job = Job::new(spec, target, "requester".into(), 1_000);
        job.stage = stage(*state, true);
        ledger.insert_all(&[job]).expect("insert");
    }
    (folder, ledger)
}

#[test]
fn records_of_uploads_are_deleted_with_their_job_alone() {
    let (_folder, ledger) = ledger(&[("a", State::Failed), ("b", State::Started)]);
    let written = ledger.write(|transaction| {
        for key in ["a", "b", "c"] {
            transaction.execute(
                "INSERT INTO uploads (connection, key, sha256, provider, sent, at, status)
                 VALUES (?1, ?2, 's', 'p', 1, 1, 201)",
                params!["pixelml", key],
            )?;
        }
        Ok(())
    });
    written.expect("uploads");
    assert_eq!(ledger.prune(101).expect("prune"), 1);
    let keys = "SELECT key FROM uploads ORDER BY key";
    let keys: Vec<String> = ledger.read(keys, [], |row| Ok(row.get(0)?)).expect("read");
    assert_eq!(keys, ["b", "c"]);
}

#[test]
fn job_that_is_no_longer_done_or_too_new_is_not_deleted() {
    let (_folder, ledger) = ledger(&[("a", State::Failed), ("b", State::Cancelled)]);
    assert_eq!(ledger.done_jobs(100, None).expect("read"), []);
    let done = ledger.done_jobs(101, None).expect("read");
    let ids: Vec<_> = done.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(ledger.done_jobs(101, done.last()).expect("read"), []);
    let changed = ledger.write(|transaction| {
        let resumed = "UPDATE jobs SET state = 'started' WHERE id = 'a'";
        Ok(transaction.execute(resumed, [])?)
    });
    assert_eq!(changed.expect("update"), 1);
    assert_eq!(ledger.delete(&done, 101, 500).expect("delete"), 1);
    assert_eq!(ledger.delete(&done, 101, 500).expect("delete"), 0);
    assert_eq!(ledger.counts(101).expect("counts"), (1, 0));
}
