use serde_json::{Value, json};
use zoetrope_node_sdk::bindings::{Charge, ErrorCause, NextStep, RunError, RunOptions};
use zoetrope_node_sdk::host::SendError;
use zoetrope_node_sdk::run::run;
use zoetrope_node_sdk::testing::{Scripted, reply};

use crate::nodes::PACK;

const OPTIONS: RunOptions = RunOptions {
    idempotency_key: String::new(),
    deadline_ms: 600_000,
};

fn go(host: &Scripted) -> Result<Value, RunError> {
    let input = json!({"prompt": "p", "image": "i"});
    run(
        &PACK,
        host,
        "image_to_video_v3",
        &input,
        &RunOptions {
            idempotency_key: "k".into(),
            ..OPTIONS
        },
    )
}

#[test]
fn runs_to_the_end_past_passing_faults() {
    let host = Scripted::with([
        Ok(reply(
            201,
            &json!({"id": "1", "status": "queued", "poll_after_ms": 500}),
        )),
        Ok(reply(
            200,
            &json!({"status": "running", "poll_after_ms": 2_000}),
        )),
        Ok(reply(502, &json!(null))),
        Err(SendError::Lost("broke".into())),
        Ok(reply(404, &json!(null))),
        Ok(reply(200, &json!({"status": "thinking"}))),
        Ok(reply(
            200,
            &json!({"status": "succeeded", "output": {"video": "https://v.example/1"}}),
        )),
    ]);
    assert_eq!(go(&host), Ok(json!({"video": "https://v.example/1"})));
    assert_eq!(
        host.sent
            .borrow()
            .iter()
            .filter(|request| request.method == "POST")
            .count(),
        1
    );
    // 500 and 2000 as asked, then 2250, 3375, 5062 and 7593 of its own.
    assert_eq!(host.clock.get(), 20_780);
}

#[test]
fn the_deadline_leaves_the_ticket_and_the_job() {
    let waiting = (0..200).map(|_| Ok(reply(200, &json!({"status": "running"}))));
    let accepted = [Ok(reply(201, &json!({"id": "1"})))];
    let error = go(&Scripted::with(accepted.into_iter().chain(waiting))).unwrap_err();
    assert!(matches!(error.error.cause, ErrorCause::Unavailable(_)));
    assert_eq!(
        (error.error.charge, error.error.next),
        (Charge::Unknown, NextStep::PollAgain)
    );
    assert!(error.ticket.is_some());
}

#[test]
fn a_pause_beyond_all_clocks_is_past_the_deadline() {
    let body = json!({"id": "1", "status": "queued", "poll_after_ms": u64::MAX});
    let again = json!({"status": "running", "poll_after_ms": u64::MAX});
    let error = go(&Scripted::new([(201, body)])).unwrap_err();
    assert!(error.ticket.is_some());
    let host = Scripted::new([(201, json!({"id": "1"})), (200, again)]);
    assert!(go(&host).unwrap_err().ticket.is_some());
    assert!(host.clock.get() < OPTIONS.deadline_ms);
}

#[test]
fn a_failure_is_final_and_keeps_the_ticket() {
    let host = Scripted::new([
        (201, json!({"id": "1"})),
        (
            200,
            json!({"status": "failed", "error": {"code": "nsfw", "message": "refused"}, "charged": false}),
        ),
    ]);
    let error = go(&host).unwrap_err();
    assert_eq!(
        (error.error.charge, error.error.next),
        (Charge::No, NextStep::Stop)
    );
    assert!(error.ticket.is_some());
}

#[test]
fn a_state_nobody_knows_is_not_waited_for_for_ever() {
    let aborted = (0..200).map(|_| (200, json!({"status": "aborted"})));
    let host = Scripted::new([(201, json!({"id": "1"}))].into_iter().chain(aborted));
    let error = go(&host).unwrap_err();
    assert!(matches!(
        error.error.cause,
        ErrorCause::ProtocolViolation(_)
    ));
    assert!(host.clock.get() < OPTIONS.deadline_ms);
}

#[test]
fn a_refused_credential_stops_at_once() {
    let host = Scripted::new([(201, json!({"id": "1"})), (401, json!(null))]);
    let error = go(&host).unwrap_err();
    assert!(matches!(error.error.cause, ErrorCause::Unauthorized(_)));
    assert_eq!(host.sent.borrow().len(), 2);
}

#[test]
fn a_submit_is_never_repeated() {
    let host = Scripted::with([Err(SendError::Lost("broke".into()))]);
    let error = go(&host).unwrap_err();
    assert!(matches!(error.error.cause, ErrorCause::OutcomeUnknown(_)));
    assert_eq!((error.ticket, host.sent.borrow().len()), (None, 1));
}
