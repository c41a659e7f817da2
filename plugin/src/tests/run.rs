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
fn run_continues_after_transient_errors() {
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
    // 500 and 2000 from the replies, then the backoff: 2250, 3375, 5062 and 7593.
    assert_eq!(host.clock.get(), 20_780);
}

#[test]
fn run_past_its_deadline_returns_the_ticket() {
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
fn delay_beyond_the_deadline_ends_the_run_with_the_ticket() {
    let body = json!({"id": "1", "status": "queued", "poll_after_ms": u64::MAX});
    let again = json!({"status": "running", "poll_after_ms": u64::MAX});
    let error = go(&Scripted::new([(201, body)])).unwrap_err();
    assert!(error.ticket.is_some());
    let host = Scripted::new([(201, json!({"id": "1"})), (200, again)]);
    assert!(go(&host).unwrap_err().ticket.is_some());
    assert!(host.clock.get() < OPTIONS.deadline_ms);
}

#[test]
fn failed_job_ends_the_run_with_the_ticket() {
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
fn unrecognized_state_ends_the_run_after_60_seconds() {
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
fn success_without_a_result_is_polled_for_60_seconds() {
    let empty = || (200, json!({"status": "succeeded", "output": null}));
    let found = (
        200,
        json!({"status": "succeeded", "output": {"video": "https://v.example/1"}}),
    );
    let host = Scripted::new([(201, json!({"id": "1"})), empty(), empty(), found]);
    assert_eq!(go(&host), Ok(json!({"video": "https://v.example/1"})));

    let never = (0..200).map(|_| empty());
    let host = Scripted::new([(201, json!({"id": "1"}))].into_iter().chain(never));
    let error = go(&host).unwrap_err();
    let ErrorCause::Rejected(fault) = error.error.cause else {
        panic!("{error:?}");
    };
    assert_eq!(fault.code.as_deref(), Some("no_result"));
    assert!((60_000..OPTIONS.deadline_ms).contains(&host.clock.get()));
}

#[test]
fn rejected_credential_ends_the_run_at_once() {
    let host = Scripted::new([(201, json!({"id": "1"})), (401, json!(null))]);
    let error = go(&host).unwrap_err();
    assert!(matches!(error.error.cause, ErrorCause::Unauthorized(_)));
    assert_eq!(host.sent.borrow().len(), 2);
}

#[test]
fn run_never_repeats_a_submit() {
    let host = Scripted::with([Err(SendError::Lost("broke".into()))]);
    let error = go(&host).unwrap_err();
    assert!(matches!(error.error.cause, ErrorCause::OutcomeUnknown(_)));
    assert_eq!((error.ticket, host.sent.borrow().len()), (None, 1));
}
