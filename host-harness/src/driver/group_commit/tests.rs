use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::driver::decide::decide;
use crate::driver::event::Event;
use crate::ledger::testing::queued;

fn job() -> Job {
    queued(0)
}

fn change(event: Event) -> Change {
    let before = job();
    let (after, _) = decide(&before, event, 2_000);
    Change {
        before,
        after,
        at: 2_000,
    }
}

fn delayed() -> Event {
    Event::Delayed {
        until: 9_000,
        error: None,
    }
}

fn accepted() -> Event {
    Event::Accepted {
        ticket: "t".into(),
        provider_job_id: "p".into(),
        hint: None,
        cost: None,
    }
}

/// A ledger with one job, and another process's connection to it.
fn ledger() -> (TempDir, Arc<Ledger>, Connection) {
    let folder = tempfile::tempdir().expect("folder");
    let ledger = Ledger::open(folder.path()).expect("ledger").without_wait();
    ledger.insert_all(&[job()]).expect("insert");
    let other = Connection::open(folder.path().join("ledger.sqlite3")).expect("open");
    (folder, Arc::new(ledger), other)
}

#[tokio::test]
async fn changes_wait_while_another_process_holds_the_write_lock() {
    for event in [delayed(), accepted()] {
        let (_folder, ledger, other) = ledger();
        let attempts = Arc::new(AtomicUsize::new(0));
        let writer = Writer::with({
            let (ledger, attempts) = (Arc::clone(&ledger), Arc::clone(&attempts));
            move |changes| {
                let committed = ledger.commit_all(changes);
                attempts.fetch_add(1, Ordering::SeqCst);
                committed
            }
        });
        other.execute_batch("BEGIN IMMEDIATE").expect("lock");
        let committing = tokio::spawn(async move { writer.commit(change(event)).await });
        while attempts.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(!committing.is_finished());
        other.execute_batch("COMMIT").expect("unlock");
        let row = committing.await.expect("a task").expect("committed");
        assert_eq!(ledger.job("j").expect("read"), Some(row));
    }
}

#[tokio::test]
async fn change_that_does_not_wait_fails_with_the_cause_and_nothing_is_written() {
    let (_folder, ledger, other) = ledger();
    let writer = Writer::start(Arc::clone(&ledger));
    other.execute_batch("BEGIN IMMEDIATE").expect("lock");
    let committed = writer.commit_with(change(accepted()), BusyPolicy::Fail);
    match committed.await {
        Err(WriteError::Ledger(error)) => assert!(error.is_busy(), "{error}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(ledger.job("j").expect("read"), Some(job()));
}

#[tokio::test]
async fn command_does_not_wait_behind_the_steps_of_the_driver() {
    let (_folder, ledger, other) = ledger();
    let writer = Writer::start(Arc::clone(&ledger));
    other.execute_batch("BEGIN IMMEDIATE").expect("lock");
    let step = tokio::spawn({
        let writer = writer.clone();
        async move { writer.commit(change(accepted())).await }
    });
    tokio::task::yield_now().await;
    let command = writer.commit_with(change(Event::CancelWanted), BusyPolicy::Fail);
    let failed = command.await.expect_err("busy");
    assert!(matches!(failed, WriteError::Ledger(error) if error.is_busy()));
    assert!(!step.is_finished());
    other.execute_batch("COMMIT").expect("unlock");
    step.await.expect("a task").expect("committed");
}

#[tokio::test]
async fn only_a_paid_ticket_waits_while_the_driver_drains() {
    let (_folder, ledger, other) = ledger();
    let writer = Writer::start(Arc::clone(&ledger));
    other.execute_batch("BEGIN IMMEDIATE").expect("lock");
    let ticket = tokio::spawn({
        let writer = writer.clone();
        async move {
            let ticket = writer.commit_with(change(accepted()), BusyPolicy::Wait);
            ticket.await
        }
    });
    let step = tokio::spawn({
        let writer = writer.clone();
        async move { writer.commit(change(delayed())).await }
    });
    tokio::task::yield_now().await;
    writer.set_draining(true);
    let failed = step.await.expect("a task").expect_err("busy");
    assert!(matches!(failed, WriteError::Ledger(error) if error.is_busy()));
    assert!(!ticket.is_finished());
    other.execute_batch("COMMIT").expect("unlock");
    let row = ticket.await.expect("a task").expect("committed");
    assert_eq!(row.ticket(), Some("t"));
}

#[tokio::test]
async fn reads_go_on_while_another_process_holds_the_write_lock() {
    let (_folder, ledger, other) = ledger();
    other.execute_batch("BEGIN IMMEDIATE").expect("lock");
    let pending = ledger.pending().expect("read");
    assert_eq!((pending.len(), pending[0].1), (1, 1_000));
    ledger.others_version().expect("read");
}

/// The steps would read the row and try again without end if it counted as outdated.
#[tokio::test]
async fn panic_in_a_commit_is_an_error_and_the_next_commit_works() {
    let (_folder, ledger, _other) = ledger();
    let commits = AtomicUsize::new(0);
    let writer = Writer::with(move |changes| {
        assert!(commits.fetch_add(1, Ordering::SeqCst) > 0, "a fault");
        ledger.commit_all(changes)
    });
    match writer.commit(change(accepted())).await {
        Err(WriteError::Ledger(error)) => {
            assert!(matches!(*error, LedgerError::Stopped), "{error}");
            assert!(error.is_transient() && !error.is_busy());
        }
        other => panic!("{other:?}"),
    }
    let row = writer.commit(change(accepted())).await.expect("committed");
    assert_eq!(row.ticket(), Some("t"));
}
