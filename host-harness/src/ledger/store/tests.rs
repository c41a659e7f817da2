use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::*;
use crate::contract::Charge;
use crate::error::ErrorKind;
use crate::ledger::due::FURTHEST;
use crate::ledger::testing::{file, local_pictures, stage};
use crate::ledger::{
    Attempts, Change, Cost, Damage, JobError, JobSpec, Media, PastSubmits, ProviderJob, QueueId,
    ResultFile, RowProblem, Stage, Submit, Target,
};

fn job(id: &str, key: &str, raw_input: &str) -> Job {
    let spec = JobSpec {
        id: id.into(),
        node: "image_to_video".into(),
        raw_input: raw_input.into(),
        raw_input_sha256: raw_input.into(),
        input: "{}".into(),
        component: "c".into(),
        connection: "pixelml".into(),
        provider_origin: "https://p.example".into(),
        key: key.into(),
        idempotency_ms: 5,
        created_at: 100,
    };
    let target = Target::Stem("/clips/a".into());
    Job::new(spec, target, "requester".into(), 1_000)
}

/// The queue of the jobs above on this connection.
fn queue_id(connection: &str) -> QueueId {
    QueueId {
        connection: connection.into(),
        component: "c".into(),
    }
}

fn full(mut job: Job) -> Job {
    job.stage = Stage::Succeeded {
        job: ProviderJob {
            ticket: "{}".into(),
            id: Some("p".into()),
            is_unconfirmed: false,
        },
        submits: PastSubmits::Sent(Submit {
            attempts: Attempts {
                count: NonZeroU32::new(2).expect("not zero"),
                sha256: "s".into(),
                keyed: true,
                account: None,
            },
            first_at: 3,
        }),
        output: "{}".into(),
        media: Some(Media {
            others: Vec::new(),
            alternatives: Vec::new(),
            pointer: "/video".into(),
            url: "https://v.example/1".into(),
            media_type: Some("video/mp4".into()),
            sha256: None,
            needs_credential: true,
        }),
        file: ResultFile::Finalized(file()),
    };
    job.billing.charge = Charge::Yes;
    job.billing.cost = Some(Cost {
        amount: "0.048".into(),
        unit: "USD".into(),
    });
    job.schedule.next_at = None;
    job.schedule.backoff_ms = 9;
    job.schedule.unrecognized_since = Some(8);
    job.schedule.unreadable_since = Some(9);
    job.schedule.attempts = 7;
    job.schedule.cancel_wanted = true;
    job.schedule.cancel_sent_at = Some(6);
    job.submit_path = Some("/v1/jobs".into());
    job.billing.reported = Some(Charge::No);
    job.billing.has_uploads = true;
    job.local_pictures = local_pictures();
    job.local_pictures.gone_at = Some(4);
    job.schedule.requester = "another".into();
    job.last_error = Some(JobError::new(ErrorKind::Unavailable, "m"));
    job.target = Target::File("/clips/b.mp4".into());
    job.force = true;
    job
}

fn ledger() -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().expect("folder");
    let ledger = Ledger::open(folder.path()).expect("ledger");
    (folder, ledger)
}

#[test]
fn ledger_is_created_by_four_threads_at_once() {
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let barrier = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    barrier.wait();
                    Ledger::open(folder.path()).unwrap();
                });
            }
        });
    }
}

fn added(ledger: &Ledger, job: &Job) -> Inserted {
    let inserted = ledger.insert_all(std::slice::from_ref(job));
    inserted.expect("insert").remove(0)
}

#[test]
fn committed_row_reads_back_unchanged() {
    let (folder, ledger) = ledger();
    let fresh = job("j1", "k1", "a");
    assert_eq!(added(&ledger, &fresh), Inserted::New);
    let changed = full(fresh.clone());
    let committed = ledger.commit(&fresh, &changed, 200).expect("commit");
    assert_eq!(committed.revision, 1);
    drop(ledger);
    let ledger = Ledger::open(folder.path()).expect("again");
    assert_eq!(ledger.job("j1").expect("read"), Some(committed));
    let history: Vec<_> = ledger
        .history("j1")
        .expect("read")
        .into_iter()
        .map(|entry| (entry.at, entry.state))
        .collect();
    assert_eq!(history, [(100, State::Queued), (200, State::Succeeded)]);
}

#[test]
fn same_key_finds_the_job_or_conflicts() {
    let (_folder, ledger) = ledger();
    let first = job("j1", "k1", "a");
    added(&ledger, &first);
    let both = ledger.insert_all(&[job("j2", "k1", "a"), job("j3", "k3", "a")]);
    assert_eq!(
        both.expect("insert"),
        [Inserted::Same(Box::new(first)), Inserted::New]
    );
    let other = ledger.insert_all(&[job("j4", "k4", "b"), job("j5", "k1", "b")]);
    assert!(
        matches!(other, Err(LedgerError::KeyConflict { job, is_unpaid: false }) if job == "j1")
    );
    assert_eq!(ledger.jobs().expect("read").len(), 2, "all or none");
}

#[test]
fn next_time_beyond_the_longest_pause_is_due() {
    let (_folder, ledger) = ledger();
    for (id, next_at) in [("a", 100), ("b", 900), ("c", 10_000_000)] {
        let mut row = job(id, id, "x");
        row.schedule.next_at = Some(next_at);
        ledger.insert_all(&[row]).expect("insert");
    }
    let held = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<HashSet<_>>();
    let due = |most, held: &HashSet<_>| {
        let due = ledger
            .due(&queue_id("pixelml"), 500, most, held)
            .expect("read")
            .jobs;
        let ids: Vec<_> = due.iter().map(|job| job.spec.id.clone()).collect();
        ids.concat()
    };
    assert_eq!(due(9, &held(&[])), "ac");
    assert_eq!(due(1, &held(&[])), "a");
    assert_eq!(due(1, &held(&["a"])), "c");
}

#[test]
fn commit_from_an_outdated_row_changes_nothing() {
    let (folder, ledger) = ledger();
    let fresh = job("j1", "k1", "a");
    added(&ledger, &fresh);
    let other_process = Ledger::open(folder.path()).expect("second");
    let mut submitting = fresh.clone();
    submitting.stage = stage(State::Submitting, false);
    other_process
        .commit(&fresh, &submitting, 150)
        .expect("first");
    let second = ledger.commit(&fresh, &submitting, 151);
    assert!(matches!(second, Err(LedgerError::Outdated { job }) if job == "j1"));
    assert_eq!(ledger.history("j1").expect("read").len(), 2);
}

#[test]
fn history_does_not_grow_with_replaced_tickets_and_is_bounded_for_errors() {
    let (_folder, ledger) = ledger();
    let fresh = job("j1", "k1", "a");
    added(&ledger, &fresh);
    let mut row = fresh.clone();
    row.stage = stage(State::Started, false);
    let mut row = ledger.commit(&fresh, &row, 150).expect("commit");
    for at in 0..50 {
        let mut next = row.clone();
        if let Stage::Started { job, .. } = &mut next.stage {
            job.ticket = format!("ticket {at}");
        }
        row = ledger.commit(&row, &next, 200 + at).expect("commit");
    }
    assert_eq!(row.ticket(), Some("ticket 49"));
    assert_eq!(ledger.history("j1").expect("read").len(), 2);
    let kinds = [ErrorKind::Unavailable, ErrorKind::Throttled];
    let mut rows = vec![row];
    for at in 0..1100 {
        let row = rows.last().expect("a row");
        let mut next = row.clone();
        next.last_error = Some(JobError::new(kinds[at % 2], "m"));
        next.revision += 1;
        rows.push(next);
    }
    let changes: Vec<_> = rows
        .windows(2)
        .map(|pair| Change {
            before: pair[0].clone(),
            after: pair[1].clone(),
            at: 300,
        })
        .collect();
    let committed = ledger.commit_all(&changes).expect("commit");
    let row = committed
        .into_iter()
        .next_back()
        .expect("a row")
        .expect("committed");
    assert_eq!(ledger.history("j1").expect("read").len(), 1000);
    let ended = full(row.clone());
    ledger.commit(&row, &ended, 400).expect("commit");
    let history = ledger.history("j1").expect("read");
    assert_eq!(history.last().expect("an entry").state, State::Succeeded);
}

#[test]
fn outdated_change_does_not_stop_the_others_of_a_commit() {
    let (_folder, ledger) = ledger();
    let rows = ["a", "b"].map(|id| job(id, id, "x"));
    for row in &rows {
        added(&ledger, row);
    }
    let changes = rows.each_ref().map(|before| {
        let mut after = before.clone();
        after.stage = stage(State::Submitting, false);
        Change {
            before: before.clone(),
            after,
            at: 1,
        }
    });
    ledger.commit_all(&changes[..1]).expect("first");
    let both = ledger.commit_all(&changes).expect("second");
    assert!(matches!(&both[..], [Err(LedgerError::Outdated { job }), Ok(_)] if job == "a"));
    assert_eq!(ledger.submitting().expect("read").jobs.len(), 2);
}

#[test]
fn due_jobs_are_ordered_by_next_time() {
    let (_folder, ledger) = ledger();
    for (id, next_at) in [
        ("a", Some(30)),
        ("b", Some(10)),
        ("c", None),
        ("d", Some(20)),
        ("e", Some(99)),
        // Set before the clock was moved back.
        ("f", Some(100 + FURTHEST)),
    ] {
        let mut job = job(id, id, "x");
        job.schedule.next_at = next_at;
        added(&ledger, &job);
    }
    let mut other = job("g", "g", "x");
    Arc::make_mut(&mut other.spec).connection = "another".into();
    added(&ledger, &other);
    let due = |most, held: &[&str]| -> Vec<_> {
        let held = held.iter().map(|id| (*id).to_owned()).collect();
        let due = ledger
            .due(&queue_id("pixelml"), 50, most, &held)
            .expect("read")
            .jobs;
        due.iter().map(|job| job.spec.id.clone()).collect()
    };
    assert_eq!(due(2, &[]), ["b", "d"]);
    assert_eq!(due(9, &[]), ["b", "d", "a", "f"]);
    assert_eq!(due(2, &["b", "a"]), ["d", "f"]);
    assert_eq!(due(2, &["e", "c"]), ["b", "d"]);
    let pending = ledger.pending().expect("read");
    assert_eq!(
        pending,
        [(queue_id("another"), 100), (queue_id("pixelml"), 10)]
    );
    let mut left = job("left", "left", "x");
    left.schedule.next_at = None;
    left.last_error = Some(JobError::new(ErrorKind::Interrupted, "no process waits"));
    added(&ledger, &left);
    let settled = ledger.settled(&["a", "c", "left", "x"], false);
    let expected = [("c", false), ("left", true), ("x", false)];
    let expected = expected.map(|(id, is_left)| (id.to_owned(), is_left));
    assert_eq!(settled.expect("read"), expected);
}

#[test]
fn connection_rests_until_its_latest_throttled_submit() {
    let (_folder, ledger) = ledger();
    for (id, kind, next_at) in [
        ("a", ErrorKind::Throttled, Some(30)),
        ("b", ErrorKind::Throttled, Some(90)),
        ("c", ErrorKind::Throttled, None),
        ("d", ErrorKind::NotSent, Some(95)),
    ] {
        let mut job = job(id, id, "x");
        job.schedule.next_at = next_at;
        job.last_error = Some(JobError::new(kind, "m"));
        added(&ledger, &job);
    }
    let throttled = ledger.throttled().expect("read");
    assert_eq!(throttled, [(queue_id("pixelml"), 90)]);
}

#[test]
fn queues_with_jobs_of_a_refused_account_are_found() {
    let (_folder, ledger) = ledger();
    for (id, kind) in [
        ("a", ErrorKind::AccountRefused),
        ("b", ErrorKind::AccountRefused),
        ("c", ErrorKind::Unauthorized),
    ] {
        let mut job = job(id, id, "x");
        if kind == ErrorKind::Unauthorized {
            Arc::make_mut(&mut job.spec).connection = "another".into();
        }
        job.schedule.next_at = None;
        job.last_error = Some(JobError::new(kind, "m"));
        added(&ledger, &job);
    }
    let refused = ledger.account_refused().expect("read");
    assert_eq!(refused, [queue_id("pixelml")]);
}

#[test]
fn pending_lanes_are_those_of_each_component_on_each_connection() {
    let (_folder, ledger) = ledger();
    let mut expected = Vec::new();
    for (connection, component, first) in [("a", "x", 50), ("a", "y", 20), ("b", "x", 30)] {
        for (number, next_at) in [first, first + 5].into_iter().enumerate() {
            let id = format!("{connection}{component}{number}");
            let mut job = job(&id, &id, "x");
            let spec = Arc::make_mut(&mut job.spec);
            (spec.connection, spec.component) = (connection.into(), component.into());
            job.schedule.next_at = Some(next_at);
            added(&ledger, &job);
        }
        let queue_id = QueueId {
            connection: connection.into(),
            component: component.into(),
        };
        let due = ledger
            .due(&queue_id, 100, 9, &HashSet::new())
            .expect("read");
        assert_eq!(due.jobs.len(), 2);
        expected.push((queue_id, first));
    }
    assert_eq!(ledger.pending().expect("read"), expected);
}

#[test]
fn jobs_are_found_by_key_and_by_id_prefix() {
    let (_folder, ledger) = ledger();
    for id in ["ab", "ac", "b"] {
        added(&ledger, &job(id, id, "x"));
    }
    let found = |beginning| ledger.jobs_like(beginning).expect("read").jobs.len();
    assert_eq!(
        (found("a"), found("ab"), found("b"), found("%")),
        (2, 1, 1, 0)
    );
    assert!(ledger.job_of_key("pixelml", "ac").expect("read").is_some());
    assert!(ledger.job_of_key("another", "ac").expect("read").is_none());
}

#[test]
fn prune_removes_only_rows_that_are_done() {
    let (_folder, ledger) = ledger();
    for (id, state, finalized) in [
        ("a", State::Started, false),
        ("b", State::Succeeded, false),
        ("c", State::Succeeded, true),
        ("d", State::OutcomeUnknown, false),
        ("e", State::Failed, false),
    ] {
        let mut job = job(id, id, "x");
        job.stage = stage(state, finalized);
        added(&ledger, &job);
    }
    assert_eq!(ledger.prune(101).expect("prune"), 2);
    let left: Vec<_> = ledger
        .jobs()
        .expect("read")
        .into_iter()
        .map(|job| job.spec.id.clone())
        .collect();
    assert_eq!(left, ["a", "b", "d"]);
}

#[test]
fn open_distinguishes_newer_foreign_damaged_and_blocked_files() {
    let (folder, ledger) = ledger();
    locked(&ledger.writer)
        .connection
        .pragma_update(None, "user_version", 99)
        .expect("version");
    drop(ledger);
    assert!(matches!(
        Ledger::open(folder.path()),
        Err(LedgerError::Newer { found: 99, .. })
    ));

    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join(FILE);
    let theirs = Connection::open(&path).expect("a database");
    theirs
        .execute_batch("PRAGMA application_id = 42; CREATE TABLE theirs (it TEXT)")
        .expect("a table");
    drop(theirs);
    let before = std::fs::read(&path).expect("read");
    assert!(matches!(
        Ledger::open(folder.path()),
        Err(LedgerError::Foreign { .. })
    ));
    assert_eq!(std::fs::read(&path).expect("read"), before);

    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(
        folder.path().join(FILE),
        "not a database, but long enough to be read as one".repeat(40),
    )
    .expect("write");
    assert!(matches!(
        Ledger::open(folder.path()),
        Err(LedgerError::Damaged { .. })
    ));

    let folder = tempfile::tempdir().expect("folder");
    std::fs::create_dir(folder.path().join(FILE)).expect("folder");
    assert!(matches!(
        Ledger::open(folder.path()),
        Err(LedgerError::Folder { .. })
    ));
}

/// The row of a finished job, with these columns changed in the file.
fn damaged(columns: &str) -> Result<Option<Job>, LedgerError> {
    let (folder, ledger) = ledger();
    added(&ledger, &full(job("j1", "k1", "a")));
    drop(ledger);
    let file = Connection::open(folder.path().join(FILE)).expect("the file");
    let rows = file.execute(&format!("UPDATE jobs SET {columns}"), []);
    assert_eq!(rows.expect("an update"), 1, "{columns}");
    drop(file);
    Ledger::open(folder.path()).expect("again").job("j1")
}

#[test]
fn row_with_an_impossible_combination_is_damaged() {
    for columns in [
        "ticket = NULL",
        "ticket = NULL, provider_job_id = NULL",
        "output = NULL",
        "outcome_uncertain = 1",
        "submit_sha256 = NULL",
        "submits = 0",
        "submits = -1",
        "state = 'queued'",
        "state = 'submitting'",
        "state = 'outcome_unknown'",
        "state = 'started'",
        "state = 'failed'",
        "state = 'cancelled', output = NULL, media = NULL, file = NULL",
        "state = 'done'",
        "charge = 'maybe'",
        "cost_unit = NULL",
        "error_kind = NULL",
        "error_message = NULL",
        "error_kind = 'bad_luck'",
        "state = 'submitting', ticket = NULL, provider_job_id = NULL, output = NULL, media = NULL,
         file = NULL, finalized = 0, submitted_at = NULL",
        "state = 'queued', ticket = NULL, provider_job_id = NULL, output = NULL, media = NULL,
         file = NULL, finalized = 0",
    ] {
        let read = damaged(columns);
        let Err(LedgerError::Damaged { source, .. }) = read else {
            panic!("{columns}: {read:?}");
        };
        assert!(
            matches!(&source, Damage::Row(row) if row.job == "j1"),
            "{columns}: {source:?}"
        );
    }
}

#[test]
fn damaged_row_says_uncharged_only_where_no_submit_can_have_been_accepted() {
    let without_job = "ticket = NULL, provider_job_id = NULL, charge = 'no'";
    for (columns, expected) in [
        (
            "state = 'queued', charge = 'no'".to_owned(),
            Charge::Unknown,
        ),
        (
            format!("state = 'submitting', {without_job}"),
            Charge::Unknown,
        ),
        (format!("state = 'queued', {without_job}"), Charge::No),
        ("state = 'queued', charge = 'yes'".to_owned(), Charge::Yes),
    ] {
        let error = damaged(&columns).expect_err("a damaged row");
        let row = error.damaged_row().expect("a single row");
        assert_eq!(row.charge, expected, "{columns}");
    }
}

#[test]
fn row_with_broken_json_is_damaged() {
    for columns in [
        "media = '{'",
        "media = '{}'",
        "media = json_set(media, '$.sha256', 7)",
        "media = json_remove(media, '$.needs_credential')",
        "file = ''",
        "file = '[]'",
        "file = json_set(file, '$.bytes', -1)",
        "file = json_remove(file, '$.sha256')",
    ] {
        let column = columns.split(' ').next().expect("a column");
        let read = damaged(columns);
        let Err(LedgerError::Damaged { source, .. }) = read else {
            panic!("{columns}: {read:?}");
        };
        let Damage::Row(DamagedRow { problem, .. }) = source else {
            panic!("{columns}: {source:?}");
        };
        assert!(
            matches!(problem, RowProblem::Unreadable { column: found } if found == column),
            "{columns}: {problem:?}"
        );
    }
}

/// Rows that earlier versions, which had no stages, could write.
#[test]
fn rows_of_earlier_versions_are_read_as_before() {
    let without_file = damaged("file = NULL").expect("read").expect("the row");
    assert!(without_file.is_done() && without_file.file().is_none());
    let finished_at_once = damaged("provider_job_id = NULL").expect("read");
    let finished_at_once = finished_at_once.expect("the row");
    assert_eq!(finished_at_once.provider_job_id(), None);
    assert_eq!(finished_at_once.ticket(), Some("{}"));
    let not_accepted = damaged(
        "state = 'queued', ticket = NULL, provider_job_id = NULL, output = NULL, media = NULL,
         file = NULL, finalized = 0, submitted_at = NULL, keyed = 0",
    );
    let not_accepted = not_accepted.expect("read").expect("the row");
    assert_eq!(not_accepted.state(), State::Queued);
    assert_eq!(
        (not_accepted.submits(), not_accepted.is_keyed()),
        (2, false)
    );
    let announced = damaged("charge = 'no'").expect("read").expect("the row");
    assert!(announced.charge() == Charge::No && announced.cost().is_some());
    let found = damaged("submit_sha256 = NULL, submits = 0, submitted_at = NULL");
    assert_eq!(found.expect("read").expect("the row").submits(), 0);
}

#[test]
fn damaged_row_keeps_no_other_job_waiting() {
    let folder = tempfile::tempdir().expect("folder");
    let ledger = Ledger::open(folder.path()).expect("open");
    added(&ledger, &job("a", "a", "x"));
    added(&ledger, &job("b", "b", "x"));
    let connection = Connection::open(folder.path().join("ledger.sqlite3")).expect("open");
    let broken = "UPDATE jobs SET state = 'started' WHERE id = 'a'";
    connection.execute(broken, []).expect("a change");
    let due = ledger.due(&queue_id("pixelml"), Millis::MAX / 2, 9, &HashSet::new());
    for rows in [ledger.rows().expect("read"), due.expect("read")] {
        let good: Vec<_> = rows.jobs.iter().map(|job| job.spec.id.as_str()).collect();
        let damaged = rows.damaged.iter().filter_map(LedgerError::damaged_row);
        let damaged: Vec<_> = damaged.map(|row| (row.job.as_str(), row.charge)).collect();
        assert_eq!(
            (good.concat(), damaged),
            ("b".into(), vec![("a", Charge::Unknown)])
        );
    }
    assert!(ledger.job("a").is_err());
    assert_eq!(ledger.readable_job("a").expect("read"), None);
}

#[test]
fn write_while_another_process_holds_the_lock_is_busy_and_works_afterwards() {
    let (folder, ledger) = ledger();
    let ledger = ledger.without_wait();
    let other = Connection::open(folder.path().join(FILE)).expect("open");
    other.execute_batch("BEGIN IMMEDIATE").expect("lock");
    let error = ledger.insert_all(&[job("a", "a", "x")]).expect_err("busy");
    assert!(error.is_busy() && error.is_transient(), "{error}");
    other.execute_batch("COMMIT").expect("unlock");
    added(&ledger, &job("a", "a", "x"));
}
