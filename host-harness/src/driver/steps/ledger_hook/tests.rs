use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::error::ErrorKind;
use crate::ledger::testing::{queued, stage};
use crate::ledger::{Millis, State};

const HOUR: Millis = 3_600_000;

fn job(state: State) -> Job {
    let mut job = queued(HOUR);
    job.stage = stage(state, false);
    job.schedule.cancel_wanted = state == State::Started;
    job
}

fn submit() -> Request {
    Request::Submit {
        key_place: Some(KeyPlace::default()),
        connection: None,
        refusals: (Arc::default(), true),
    }
}

/// A ledger with this job, another process's connection to it, and the hook of a request.
fn hook(job: &Job, request: Request) -> (TempDir, Arc<Ledger>, Connection, LedgerHook) {
    let folder = tempfile::tempdir().expect("folder");
    let ledger = Ledger::open(folder.path()).expect("ledger").without_wait();
    ledger
        .insert_all(std::slice::from_ref(job))
        .expect("insert");
    let ledger = Arc::new(ledger);
    let other = Connection::open(folder.path().join("ledger.sqlite3")).expect("open");
    let writer = Writer::start(Arc::clone(&ledger));
    let listener: Listener = Arc::new(|_, _| {});
    let hook = LedgerHook::new(&ledger, &writer, &listener, job, request);
    (folder, ledger, other, hook)
}

/// Passes a request with this key and digest to the hook.
fn asked<'a>(hook: &'a LedgerHook, key: &str, digest: u8) -> BoxFuture<'a, Decision> {
    let request = http::Request::post("/v1/jobs").header("idempotency-key", key);
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    let parts = Box::leak(Box::new(parts));
    hook.before_submit(Submission {
        digest: [digest; 32].into(),
        parts,
        body: b"",
    })
}

#[tokio::test]
async fn commit_that_outlasts_its_call_is_awaited() {
    for (state, request) in [(State::Started, Request::Cancel), (State::Queued, submit())] {
        let job = job(state);
        let (_folder, ledger, other, hook) = hook(&job, request);
        other.execute_batch("BEGIN IMMEDIATE").expect("lock");
        // The call ends while the ledger is busy.
        drop(asked(&hook, "k", 1));
        other.execute_batch("COMMIT").expect("unlock");
        let kept = hook.ended().await;
        assert!(kept.refused.is_none());
        assert_ne!(kept.row, job, "committed");
        assert_eq!(ledger.job("j").expect("read"), Some(kept.row));
    }
}

#[tokio::test]
async fn only_a_submit_with_its_key_in_its_place_is_keyed() {
    for (key, is_keyed) in [("k", true), ("other", false)] {
        let (_folder, _ledger, _other, hook) = hook(&job(State::Queued), submit());
        let decision = asked(&hook, key, 1).await;
        assert_eq!(decision, Decision::Send { is_keyed });
        let row = hook.ended().await.row;
        assert_eq!(row.submit_path.as_deref(), Some("/v1/jobs"));
    }
}

#[tokio::test]
async fn further_attempt_is_keyed_by_the_key_of_its_attempt() {
    let mut job = job(State::Queued);
    job.retries = 1;
    let key = job.provider_key().into_owned();
    for (key, is_keyed) in [(key.as_str(), true), ("k", false)] {
        let (_folder, _ledger, _other, hook) = hook(&job, submit());
        let decision = asked(&hook, key, 1).await;
        assert_eq!(decision, Decision::Send { is_keyed });
    }
}

#[tokio::test]
async fn submit_that_was_admitted_before_a_refusal_of_the_account_is_not_sent() {
    let refusals = Arc::new(AccountRefusals::default());
    let error = JobError::new(ErrorKind::AccountRefused, "no credit");
    refusals.add("pixelml", Party::Bundled, error);
    let mut request = submit();
    if let Request::Submit { refusals: of, .. } = &mut request {
        *of = (refusals, true);
    }
    let job = job(State::Queued);
    let (_folder, ledger, _other, hook) = hook(&job, request);
    assert_eq!(asked(&hook, "k", 1).await, Decision::Refuse);
    let kept = hook.ended().await;
    assert!(matches!(kept.refused, Some(Refused::Account(_))));
    assert_eq!(ledger.job("j").expect("read"), Some(job));
}

#[tokio::test]
async fn repetition_after_the_window_is_told_from_one_with_other_bytes() {
    // The first submit was at the time 150.
    for (window, is_expired) in [(HOUR, true), (i64::MAX, false)] {
        let mut job = job(State::OutcomeUnknown);
        let mut spec = (*job.spec).clone();
        spec.idempotency_ms = window;
        job.spec = Arc::new(spec);
        let (_folder, _ledger, _other, hook) = hook(&job, submit());
        assert_eq!(asked(&hook, "k", 1).await, Decision::Refuse);
        let refused = hook.ended().await.refused;
        assert_eq!(matches!(refused, Some(Refused::KeyExpired)), is_expired);
        assert_eq!(matches!(refused, Some(Refused::OtherBytes)), !is_expired);
    }
}
