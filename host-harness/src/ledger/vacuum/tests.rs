use rusqlite::Connection;

use super::*;
use crate::ledger::{Job, JobSpec, Target};

const FILE: &str = "ledger.sqlite3";

/// A ledger with this many jobs of about 4 KiB.
fn ledger_with_rows(count: usize) -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().expect("folder");
    let ledger = Ledger::open(folder.path()).expect("ledger");
    insert(&ledger, count);
    (folder, ledger)
}

fn insert(ledger: &Ledger, count: usize) {
    let job = |number: usize| {
        let spec = JobSpec {
            id: number.to_string(),
            node: "image_to_video".into(),
            raw_input: "x".repeat(4000),
            raw_input_sha256: String::new(),
            input: "{}".into(),
            component: "c".into(),
            connection: "pixelml".into(),
            provider_origin: "https://p.example".into(),
            key: number.to_string(),
            idempotency_ms: 0,
            created_at: 100,
        };
        Job::new(spec, Target::Stem("/a".into()), "requester".into(), 1_000)
    };
    let jobs: Vec<_> = (0..count).map(job).collect();
    ledger.insert_all(&jobs).expect("insert");
}

fn delete_all(ledger: &Ledger) {
    let deleted = ledger.write(|transaction| Ok(transaction.execute("DELETE FROM jobs", [])?));
    deleted.expect("delete");
}

/// A ledger as earlier versions created it, with this many rows.
fn old_ledger(count: usize) -> (tempfile::TempDir, Ledger) {
    let (folder, ledger) = ledger_with_rows(0);
    drop(ledger);
    let file = Connection::open(folder.path().join(FILE)).expect("open");
    file.execute_batch("PRAGMA journal_mode = delete; PRAGMA auto_vacuum = none; VACUUM")
        .expect("rewrite");
    drop(file);
    let ledger = Ledger::open(folder.path()).expect("ledger");
    assert!(!ledger.pages().expect("pages").is_incremental);
    insert(&ledger, count);
    (folder, ledger)
}

/// Vacuums to the end; returns the transactions, and the bytes before and after.
fn vacuumed(ledger: &Ledger) -> (usize, u64, u64) {
    ledger.shrink_log().expect("shrink");
    let (before, mut count) = (ledger.file_bytes(), 1);
    while ledger.vacuum_chunk().expect("vacuum") {
        count += 1;
    }
    ledger.shrink_log().expect("shrink");
    (count, before, ledger.file_bytes())
}

#[test]
fn new_ledger_gives_free_pages_back_in_chunks_that_let_others_write() {
    let (folder, ledger) = ledger_with_rows(2_000);
    assert!(ledger.pages().expect("pages").is_incremental);
    delete_all(&ledger);
    let other = Connection::open(folder.path().join(FILE)).expect("open");
    other.busy_timeout(Duration::ZERO).expect("no waiting");
    let mut turns = 0;
    while ledger.vacuum_chunk().expect("vacuum") {
        let written = other.execute("DELETE FROM history", []);
        written.expect("the other writer has its turn");
        turns += 1;
    }
    assert!(turns >= 3, "{turns}");
    let (_, _, after) = vacuumed(&ledger);
    assert!(after < 1 << 20, "{after}");
    assert_eq!(ledger.pages().expect("pages").free, 0);
}

#[test]
fn ledger_of_an_earlier_version_is_rewritten_once_and_is_incremental_then() {
    let (_folder, ledger) = old_ledger(1_000);
    delete_all(&ledger);
    let (count, before, after) = vacuumed(&ledger);
    assert_eq!(count, 1);
    assert!(before > 4 << 20 && after < 1 << 20, "{before} {after}");
    assert!(ledger.pages().expect("pages").is_incremental);
    insert(&ledger, 2_000);
    delete_all(&ledger);
    let (count, before, after) = vacuumed(&ledger);
    assert!(count > 1 && after < before, "{count} {before} {after}");
}

#[test]
fn ledger_of_an_earlier_version_is_not_rewritten_for_little() {
    let (_folder, ledger) = old_ledger(1_000);
    let deleted = ledger.write(|transaction| {
        let few = "DELETE FROM jobs WHERE rowid <= 100";
        Ok(transaction.execute(few, [])?)
    });
    deleted.expect("delete");
    let (_, before, after) = vacuumed(&ledger);
    assert_eq!(before, after);
    assert!(!ledger.pages().expect("pages").is_incremental);
}

#[test]
fn order_of_rows_survives_a_rewrite() {
    let (_folder, ledger) = old_ledger(1_000);
    let order = |ledger: &Ledger| {
        let ids = "SELECT id FROM jobs ORDER BY rowid";
        let ids = ledger.read(ids, [], |row| Ok(row.get::<_, String>(0)?));
        ids.expect("read")
    };
    let deleted = ledger.write(|transaction| {
        let most = "DELETE FROM jobs WHERE rowid % 10 != 3";
        Ok(transaction.execute(most, [])?)
    });
    deleted.expect("delete");
    let before = order(&ledger);
    vacuumed(&ledger);
    assert!(ledger.pages().expect("pages").is_incremental);
    assert_eq!(order(&ledger), before);
}

#[test]
fn log_is_emptied_while_another_process_has_the_ledger_open() {
    let (folder, ledger) = ledger_with_rows(1);
    let other = Ledger::open(folder.path()).expect("ledger");
    let length = || std::fs::metadata(ledger.log()).expect("the log").len();
    assert!(length() > 0);
    ledger.shrink_log().expect("shrink");
    assert_eq!((length(), other.jobs().expect("read").len()), (0, 1));
    let wait = ledger.with_writer(|writer| {
        writer.pragma_query_value(None, "busy_timeout", |row| row.get::<_, i64>(0))
    });
    let before = i64::try_from(BUSY_SLICE.as_millis()).expect("a number");
    assert_eq!(wait.expect("read"), before, "the writer waits as before");
}
