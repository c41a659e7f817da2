use std::sync::Arc;

use rusqlite::{Connection, Row};

use super::*;
use crate::contract::Charge;
use crate::error::ErrorKind;
use crate::ledger::columns::lossy;
use crate::ledger::testing::stage;
use crate::ledger::{
    Cost, Inserted, JobError, JobSpec, ResultFile, Stage, State, Target, UploadKey,
};

const NOW: Millis = 5_000;

fn job(id: &str, key: &str, state: State, charge: Charge) -> Job {
    let spec = JobSpec {
        id: id.into(),
        node: "image_to_video".into(),
        raw_input: r#"{"prompt":"SECRET"}"#.into(),
        raw_input_sha256: "input".into(),
        input: r#"{"prompt":"SECRET"}"#.into(),
        component: "c".into(),
        connection: "pixelml".into(),
        provider_origin: "https://p.example".into(),
        key: key.into(),
        idempotency_ms: 0,
        created_at: 100,
    };
    let target = Target::Stem("/clips/a".into());
    let mut job = Job::new(spec, target, "requester".into(), 1_000);
    job.stage = stage(state, true);
    if let Stage::Succeeded { output, .. } = &mut job.stage {
        *output = r#"{"video":"SECRET"}"#.into();
    } else {
        job.last_error = Some(JobError::new(ErrorKind::NoResult, "SECRET"));
    }
    job.billing.charge = charge;
    job.billing.reported = Some(Charge::No);
    job.billing.cost = (charge != Charge::No).then(|| Cost {
        amount: "0.24".into(),
        unit: "USD".into(),
    });
    job
}

/// The provider may still know the keys of all attempts.
#[test]
fn each_job_of_a_key_has_more_retries_than_the_removed_one() {
    let mut first = job("old", "k", State::Cancelled, Charge::No);
    first.retries = 3;
    let (_folder, ledger) = ledger(&[first]);
    let mut keys = vec![ledger.job("old").expect("read").expect("a row")];
    for id in ["second", "third"] {
        prune(&ledger);
        let new = job(id, "k", State::Failed, Charge::No);
        ledger.insert_all(&[new]).expect("insert");
        keys.push(ledger.job(id).expect("read").expect("a row"));
    }
    let retries: Vec<_> = keys.iter().map(|job| job.retries).collect();
    assert_eq!(retries, [3, 4, 5]);
    prune(&ledger);
    let removed = ledger.removed_job("third").expect("read").expect("a job");
    assert_eq!(removed.job.provider_key(), keys[2].provider_key());
    assert!(ledger.restore(&removed.job, 6_000).expect("restore"));
    let restored = ledger.job("third").expect("read").expect("a row");
    assert_eq!(restored.retries, 5);
}

fn ledger(jobs: &[Job]) -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().expect("folder");
    let ledger = Ledger::open(folder.path()).expect("ledger");
    ledger.insert_all(jobs).expect("insert");
    (folder, ledger)
}

fn prune(ledger: &Ledger) -> usize {
    let done = ledger.done_jobs(Millis::MAX, None).expect("read");
    ledger.delete(&done, Millis::MAX, NOW).expect("delete")
}

#[test]
fn removed_job_keeps_what_its_key_needs_and_no_text_of_the_user() {
    let kept = [
        job("a", "a", State::Succeeded, Charge::Yes),
        job("b", "b", State::Failed, Charge::Unknown),
        job("c", "c", State::Cancelled, Charge::No),
    ];
    let (_folder, ledger) = ledger(&kept);
    assert_eq!(prune(&ledger), 3);
    for before in &kept {
        let spec = &before.spec;
        let removed = ledger.removed_of_key("pixelml", &spec.key).expect("read");
        let removed = removed.expect("a removed job");
        assert_eq!(
            ledger.removed_job(&spec.id).expect("read"),
            Some(removed.clone())
        );
        let RemovedJob {
            job,
            submitted_at,
            removed_at,
        } = removed;
        assert_eq!((submitted_at, removed_at), (Some(150), NOW));
        assert_eq!((job.state(), job.ticket()), (before.state(), Some("{}")));
        assert_eq!(
            (job.provider_job_id(), &job.billing),
            (Some("p"), &before.billing)
        );
        assert_eq!(
            (job.file(), job.is_finalized()),
            (before.file(), before.is_finalized())
        );
        assert_eq!(
            (
                &job.spec.node,
                &job.spec.raw_input_sha256,
                job.spec.created_at
            ),
            (&spec.node, &spec.raw_input_sha256, 100)
        );
        assert_eq!(job.submits(), before.submits(), "a read by POST needs one");
        assert!(job.lacks_input(), "it is not submitted again");
        let kind = |job: &Job| job.last_error.as_ref().map(|error| error.kind);
        assert_eq!(kind(&job), kind(before));
    }
    let texts = ledger.read("SELECT * FROM removed_jobs", [], |row| {
        let columns = 0..row.as_ref().column_count();
        Ok(columns
            .map(|column| lossy_or_empty(row, column))
            .collect::<String>())
    });
    assert!(!texts.expect("read").concat().contains("SECRET"));
}

fn lossy_or_empty(row: &Row<'_>, column: usize) -> String {
    lossy(row, column).unwrap_or_default()
}

#[test]
fn key_of_a_removed_job_buys_again_only_after_an_end_without_a_charge() {
    for (state, charge, buys) in [
        (State::Succeeded, Charge::Yes, false),
        (State::Succeeded, Charge::No, false),
        (State::Failed, Charge::Yes, false),
        (State::Failed, Charge::Unknown, false),
        (State::Failed, Charge::No, true),
        (State::Cancelled, Charge::Unknown, false),
        (State::Cancelled, Charge::No, true),
    ] {
        let (_folder, ledger) = ledger(&[job("old", "k", state, charge)]);
        prune(&ledger);
        let new = job("new", "k", State::Queued, Charge::No);
        let other = job("other", "other", State::Queued, Charge::No);
        let inserted = ledger.insert_all(&[new, other.clone()]).expect("insert");
        match &inserted[0] {
            Inserted::Again(job) => {
                assert!(buys, "{state:?}, {charge:?}");
                assert_eq!(
                    ledger.job("new").expect("read").as_ref(),
                    Some(&Job::clone(job))
                );
                assert_ne!(job.provider_key(), "k", "another key at the provider");
            }
            Inserted::Removed(removed) => {
                assert!(!buys, "{state:?}, {charge:?}");
                assert_eq!(removed.job.spec.id, "old");
            }
            Inserted::New | Inserted::Same(_) => panic!("it was removed"),
        }
        assert_eq!(inserted[1], Inserted::New, "each line by its own key");
        assert_eq!(ledger.job("new").expect("read").is_some(), buys);
        assert!(ledger.job("other").expect("read").is_some());
    }
}

#[test]
fn key_of_a_removed_job_with_another_input_is_a_conflict() {
    for charge in [Charge::Unknown, Charge::No] {
        let (_folder, ledger) = ledger(&[job("old", "k", State::Failed, charge)]);
        prune(&ledger);
        let mut new = job("new", "k", State::Queued, Charge::No);
        Arc::make_mut(&mut new.spec).raw_input_sha256 = "another".into();
        match ledger.insert_all(&[new]) {
            Err(LedgerError::KeyConflict { job, is_unpaid }) => {
                assert_eq!((job.as_str(), is_unpaid), ("old", charge == Charge::No));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn later_job_of_a_key_replaces_the_removed_one() {
    let (_folder, ledger) = ledger(&[job("old", "k", State::Failed, Charge::No)]);
    prune(&ledger);
    let paid = job("new", "k", State::Succeeded, Charge::Yes);
    let inserted = ledger.insert_all(&[paid]).expect("insert");
    assert!(matches!(inserted[0], Inserted::Again(_)));
    prune(&ledger);
    let removed = ledger.removed_of_key("pixelml", "k").expect("read");
    let removed = removed.expect("a job").job;
    assert_eq!((removed.spec.id.as_str(), removed.retries), ("new", 1));
}

#[test]
fn restored_job_has_a_row_and_its_key_once() {
    let (_folder, ledger) = ledger(&[job("old", "k", State::Succeeded, Charge::Yes)]);
    prune(&ledger);
    let removed = ledger.removed_job("old").expect("read").expect("a job");
    let mut row = removed.job;
    if let Stage::Succeeded { file, .. } = &mut row.stage {
        *file = ResultFile::Missing;
    }
    assert!(ledger.restore(&row, 6_000).expect("restore"));
    assert!(!ledger.restore(&row, 6_000).expect("restore"), "once");
    assert_eq!(ledger.removed_job("old").expect("read"), None);
    let restored = ledger.job("old").expect("read").expect("a row");
    assert_eq!((restored.ticket(), restored.is_done()), (Some("{}"), false));
    assert_eq!(ledger.history("old").expect("read").len(), 1);
}

#[test]
fn forgotten_keys_are_those_of_old_jobs_in_transactions_of_500() {
    let many: Vec<_> = (0..=FORGOTTEN_AT_ONCE)
        .map(|number| {
            job(
                &format!("j{number}"),
                &number.to_string(),
                State::Failed,
                Charge::Yes,
            )
        })
        .collect();
    let (_folder, ledger) = ledger(&many);
    while prune(&ledger) > 0 {}
    assert_eq!(
        ledger.forget_removed(100).expect("forget"),
        0,
        "as old as that"
    );
    let forgotten: Vec<_> = (0..3)
        .map(|_| ledger.forget_removed(101).expect("forget"))
        .collect();
    assert_eq!(forgotten, [500, 1, 0]);
    assert_eq!(ledger.removed_like("j").expect("read"), []);
}

/// Text that is no UTF-8, and a revision after which none follows.
#[test]
fn damaged_rows_are_pruned_and_hold_their_keys() {
    for damage in [
        "node = CAST(x'ff' AS TEXT)",
        "target = CAST(x'ff' AS TEXT)",
        "id = CAST(x'ff' AS TEXT)",
        "file = '}{'",
        "charge = 'some'",
        "revision = 9223372036854775807",
    ] {
        let (folder, ledger) = ledger(&[job("old", "k", State::Succeeded, Charge::Yes)]);
        let database = Connection::open(folder.path().join("ledger.sqlite3")).expect("open");
        let foreign = "PRAGMA foreign_keys = OFF";
        database.execute_batch(foreign).expect("a setting");
        let damaged = database.execute(&format!("UPDATE jobs SET {damage}"), []);
        assert_eq!(damaged.expect("damage"), 1);
        assert_eq!(prune(&ledger), 1, "{damage}");
        let new = job("new", "k", State::Queued, Charge::No);
        match ledger.insert_all(&[new]) {
            Ok(inserted) => assert!(matches!(inserted[0], Inserted::Removed(_)), "{damage}"),
            Err(error) => assert!(error.damaged_row().is_some(), "{damage}: {error}"),
        }
        assert!(ledger.job("new").expect("read").is_none(), "{damage}");
    }
}

#[test]
fn upload_without_a_reply_outlives_its_job() {
    let (_folder, ledger) = ledger(&[job("old", "k", State::Failed, Charge::Unknown)]);
    for sha256 in ["answered", "unanswered"] {
        let upload = UploadKey {
            connection: "pixelml".into(),
            provider: "https://p.example".into(),
            key: "k".into(),
            sha256: sha256.into(),
        };
        assert!(ledger.begin_upload(&upload, None, 5).expect("write"));
        if sha256 == "answered" {
            ledger.end_upload(&upload, 201, "{}").expect("write");
        }
    }
    prune(&ledger);
    let left = || ledger.uploads_of("pixelml", "k").expect("read");
    assert_eq!(left(), 1);
    ledger.prune_uploads(Millis::MAX, false).expect("prune");
    assert_eq!(left(), 1, "it may have arrived");
    ledger.prune_uploads(Millis::MAX, true).expect("prune");
    assert_eq!(left(), 0);
}
