use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::cleanup::CRASHED_WRITE;
use crate::cleanup::testing::make_old;
use crate::ledger::testing::stage;
use crate::ledger::{Job, JobSpec, State, Target};

const EVER: Millis = Millis::MAX;

fn job(id: &str, state: State, target: PathBuf) -> Job {
    let spec = JobSpec {
        id: id.into(),
        node: "image_to_video".into(),
        raw_input: "{}".into(),
        raw_input_sha256: String::new(),
        input: "{}".into(),
        component: "c".repeat(64),
        connection: "pixelml".into(),
        provider_origin: "https://p.example".into(),
        key: id.into(),
        idempotency_ms: 0,
        created_at: 1_000,
    };
    let mut job = Job::new(spec, Target::File(target), "requester".into(), 1_800_000);
    job.stage = stage(state, true);
    job
}

fn ledger() -> (TempDir, Ledger) {
    let folder = tempfile::tempdir().expect("folder");
    let ledger = Ledger::open(folder.path()).expect("ledger");
    (folder, ledger)
}

fn insert(ledger: &Ledger, job: &Job) {
    ledger
        .insert_all(std::slice::from_ref(job))
        .expect("insert");
}

/// A ledger with this many finished jobs, and one that is not.
fn filled(count: usize) -> (TempDir, Ledger) {
    let (folder, ledger) = ledger();
    insert(&ledger, &job("first", State::Failed, "/clips/a.mp4".into()));
    insert(&ledger, &job("open", State::Started, "/clips/b.mp4".into()));
    let file = Connection::open(folder.path().join("ledger.sqlite3")).expect("open");
    let columns: Vec<String> = file
        .prepare("SELECT name FROM pragma_table_info('jobs')")
        .and_then(|mut names| names.query_map([], |row| row.get(0))?.collect())
        .expect("columns");
    let values: Vec<_> = columns
        .iter()
        .map(|name| match name.as_str() {
            "id" | "key" => "'j' || n",
            name => name,
        })
        .collect();
    file.execute(
        &format!(
            "WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
            INSERT INTO jobs ({}) SELECT {} FROM jobs, numbers WHERE id = 'first'",
            columns.join(", "),
            values.join(", ")
        ),
        [i64::try_from(count).expect("a number")],
    )
    .expect("rows");
    (folder, ledger)
}

#[test]
fn prune_of_20_000_rows_lets_another_writer_in_after_each_500() {
    let (folder, ledger) = filled(20_000);
    let other = Connection::open(folder.path().join("ledger.sqlite3")).expect("open");
    other.busy_timeout(Duration::ZERO).expect("no waiting");
    let (mut turns, mut rows) = (0, Vec::new());
    let pruned = prune_with(folder.path(), &ledger, EVER, Keys::Keep, |progress| {
        let written = other.execute(
            "UPDATE jobs SET revision = revision + 1 WHERE id = 'open'",
            [],
        );
        turns += written.expect("the other writer has its turn");
        assert_eq!(progress.total, 20_000);
        rows.push(progress.deleted);
    });
    let pruned = pruned.expect("prune");
    assert_eq!((pruned.deleted, pruned.kept), (20_000, 1));
    assert!(pruned.freed.bytes > 1 << 20, "the ledger is shorter");
    assert_eq!(turns, 40);
    let expected: Vec<_> = (1..=40).map(|chunk| chunk * 500).collect();
    assert_eq!(rows, expected);
    let log = folder.path().join("ledger.sqlite3-wal");
    assert_eq!(std::fs::metadata(log).expect("the log").len(), 0);
}

#[test]
fn interrupted_prune_is_continued_by_the_same_call() {
    let (folder, ledger) = filled(2_000);
    let interrupted = catch_unwind(AssertUnwindSafe(|| {
        prune_with(folder.path(), &ledger, EVER, Keys::Keep, |progress| {
            assert!(progress.deleted < 1_000, "the process ends here");
        })
    }));
    assert!(interrupted.is_err());
    drop(ledger);
    let ledger = Ledger::open(folder.path()).expect("ledger");
    assert_eq!(ledger.counts(EVER).expect("counts"), (1_001, 1_000));
    let pruned = prune(folder.path(), &ledger, EVER).expect("prune");
    assert_eq!((pruned.deleted, pruned.kept), (1_000, 1));
    let file = Connection::open(folder.path().join("ledger.sqlite3")).expect("open");
    let orphans = "SELECT count(*) FROM history WHERE job NOT IN (SELECT id FROM jobs)";
    let orphans: i64 = file
        .query_row(orphans, [], |row| row.get(0))
        .expect("a count");
    assert_eq!(orphans, 0);
}

#[test]
fn picture_of_a_batch_that_is_still_being_prepared_is_kept() {
    let (folder, ledger) = ledger();
    let pictures = Pictures::of(folder.path());
    let stored = || {
        let files = std::fs::read_dir(folder.path().join("pictures")).expect("folder");
        files
            .map(|file| file.expect("file").path())
            .collect::<Vec<_>>()
    };
    // The file is an old one of a job that is gone, and the batch uploads for hours.
    let hold = ledger.hold_files().expect("hold");
    let mut input = json!({"images": ["AAAA"]});
    pictures.detach(&mut input, &["/images/0"]).expect("detach");
    make_old(&stored()[0], Duration::from_hours(48));
    let other_process = Ledger::open(folder.path()).expect("ledger");
    prune(folder.path(), &other_process, EVER).expect("prune");
    assert_eq!(stored().len(), 1, "a row is about to name it");

    let mut row = job("j", State::Started, "/clips/a.mp4".into());
    Arc::make_mut(&mut row.spec).input = input.to_string();
    insert(&ledger, &row);
    drop(hold);
    prune(folder.path(), &other_process, EVER).expect("prune");
    pictures.attach(&mut input).expect("a row names it");
    assert_eq!(input, json!({"images": ["AAAA"]}));

    let mut done = row.clone();
    done.stage = stage(State::Failed, false);
    ledger.commit(&row, &done, 2_000).expect("commit");
    let pruned = prune(folder.path(), &other_process, EVER).expect("prune");
    assert_eq!((pruned.deleted, stored().len()), (1, 0));
}

#[test]
fn pictures_of_a_damaged_row_are_kept() {
    let (folder, ledger) = ledger();
    let mut input = json!({"deep": {"image": "AAAA"}});
    let pictures = Pictures::of(folder.path());
    pictures
        .detach(&mut input, &["/deep/image"])
        .expect("detach");
    let mut row = job("j", State::Started, "/clips/a.mp4".into());
    Arc::make_mut(&mut row.spec).input = input.to_string();
    insert(&ledger, &row);
    let digest = input["deep"]["image"]["$picture"].as_str().expect("digest");
    let path = folder.path().join("pictures").join(digest);
    make_old(&path, Duration::from_hours(48));
    let file = Connection::open(folder.path().join("ledger.sqlite3")).expect("open");
    for damage in ["state = 'none'", "input = input || '}'"] {
        file.execute(&format!("UPDATE jobs SET {damage}"), [])
            .expect("damage");
        let pruned = prune(folder.path(), &ledger, EVER).expect("prune");
        assert_eq!((pruned.deleted, pruned.kept), (0, 1));
        assert!(path.exists(), "{damage}");
    }
}

#[test]
fn files_that_no_job_needs_are_removed_and_counted() {
    let (folder, ledger) = ledger();
    let (data, target) = (folder.path(), folder.path().join("mine/clip.mp4"));
    let ids = [
        "01900000-0000-7000-8000-000000000001",
        "01900000-0000-7000-8000-000000000002",
        "01900000-0000-7000-8000-000000000003",
    ];
    insert(&ledger, &job(ids[0], State::Failed, target.clone()));
    insert(&ledger, &job(ids[1], State::Started, target));
    let write = |name: String, is_needed: bool| {
        let path = data.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
        std::fs::write(&path, "12345").expect("write");
        make_old(&path, CRASHED_WRITE * 2);
        (path, is_needed)
    };
    let files = [
        write(format!("mine/clip.mp4.{}.part", ids[0]), false),
        write(format!("mine/clip-2.{}.complete", ids[0]), false),
        write(format!("mine/clip.mp4.{}.part", ids[1]), true),
        write(format!("mine/clip.mp4.{}.part", ids[2]), true),
        write("mine/clip.mp4".into(), true),
        write(format!("clips/x.mp4.{}.part", ids[1]), true),
        write(format!("clips/x.mp4.{}.part", ids[2]), false),
        write(format!("clips/{}.mp4", ids[2]), true),
        write(format!("components/{}.wasm", "c".repeat(64)), true),
        write(format!("components/{}.wasm", "d".repeat(64)), false),
        write(format!("components/{}.embedded", "d".repeat(64)), false),
        write("pictures/.tmpcrashed".into(), false),
        write(format!("pictures/{}", "e".repeat(64)), false),
        write("requesters/01900000".into(), false),
        write("code/new.code".into(), true),
    ];
    make_old(&files[14].0, Duration::ZERO);
    let pruned = prune(data, &ledger, EVER).expect("prune");
    assert_eq!((pruned.deleted, pruned.kept), (1, 1));
    for (path, is_needed) in &files {
        assert_eq!(path.exists(), *is_needed, "{}", path.display());
    }
    let removed = files.iter().filter(|(_, is_needed)| !is_needed).count();
    assert_eq!(pruned.freed.files, removed as u64);
    assert!(pruned.freed.bytes >= pruned.freed.files * 5);
    // A new write may be of a process that runs.
    write(format!("clips/x.mp4.{}.part", ids[2]), false);
    make_old(&files[6].0, Duration::ZERO);
    let pruned = prune(data, &ledger, EVER).expect("prune");
    assert_eq!((pruned.deleted, pruned.freed.files), (0, 0));
}
