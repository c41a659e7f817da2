//! Tests the SDK natively with the example pack.

#[path = "../examples/echo.rs"]
pub mod echo;

use serde_json::{Value, json};
use zoetrope_node_sdk::bindings::{
    Cancellation, Charge, CheckOptions, ErrorCause, JobState, LocalFile, NextStep, NodeError,
    Profile, RunOptions, Stage, Started,
};
use zoetrope_node_sdk::testing::{Scripted, connection};
use zoetrope_node_sdk::{catalog, job, media, run};

use echo::PACK;

const INPUT: &str = r#"{"image": "https://pictures.example/a.png"}"#;

fn input() -> Value {
    json!({"image": "https://pictures.example/a.png"})
}

fn polled(status: u16, body: Value) -> Result<JobState, NodeError> {
    let host = Scripted::new([(status, body)]);
    let ticket = job::adopt(&PACK, &host, "echo", "7").expect("a ticket");
    job::poll(&PACK, &host, &ticket)
}

#[test]
fn catalog_lists_the_nodes_of_the_pack() {
    let listed = catalog::node_types(&PACK);
    let names: Vec<_> = listed.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["echo"]);
    let fields: Value = serde_json::from_str(&listed[0].input_schema).expect("a schema");
    assert!(fields["properties"]["image"].is_object());
}

#[test]
fn run_ends_with_the_output_of_the_provider() {
    let host = Scripted::new([
        (202, json!({"id": 7})),
        (200, json!({"status": "running"})),
        (
            200,
            json!({"status": "done", "image": "https://pictures.example/a.png"}),
        ),
    ]);
    let options = RunOptions {
        idempotency_key: "key-1".into(),
        deadline_ms: 60_000,
    };
    let output = run::run(&PACK, &host, "echo", &input(), &options);
    assert_eq!(output, Ok(input()));
    let question = "GET https://provider.example/api/jobs/7".to_owned();
    assert_eq!(
        host.requests(),
        [
            ("POST https://provider.example/api/jobs".into(), input()),
            (question.clone(), Value::Null),
            (question, Value::Null),
        ]
    );
    let key = ("idempotency-key".to_owned(), "key-1".to_owned());
    assert!(host.sent.borrow()[0].headers.contains(&key));
}

#[test]
fn input_that_breaks_the_schema_is_refused_before_anything_is_sent() {
    let host = Scripted::new([]);
    let error = job::start(&PACK, &host, "echo", r#"{"image": 7}"#, "k").unwrap_err();
    assert!(
        matches!(&error.cause, ErrorCause::InvalidInput(found) if found[0].keyword == "type"),
        "{error:?}"
    );
    assert_eq!((error.charge, host.requests().len()), (Charge::No, 0));
}

#[test]
fn lax_check_previews_the_request_without_sending_it() {
    let host = Scripted::new([]);
    let options = CheckOptions {
        profile: Profile::Lax,
        preview_request: true,
    };
    let plan = job::check(&PACK, &host, "echo", INPUT, options).expect("a plan");
    let request: Value = serde_json::from_str(&plan.request.expect("a preview")).expect("JSON");
    assert_eq!(request["body"], input());
    assert!(host.requests().is_empty());
}

#[test]
fn an_acceptance_without_an_id_is_an_unknown_outcome() {
    let host = Scripted::new([(200, json!({"id": null}))]);
    let error = job::start(&PACK, &host, "echo", INPUT, "k").unwrap_err();
    let ErrorCause::OutcomeUnknown(fault) = error.cause else {
        panic!("{error:?}");
    };
    assert_eq!(
        fault.message,
        "expected a JSON document with the job's id at /id"
    );
    assert_eq!(error.next, NextStep::RetrySameKey);
}

#[test]
fn acceptance_keeps_the_delay_that_the_reply_asks_for() {
    let mut accepted = zoetrope_node_sdk::testing::reply(202, &json!({"id": "j/7"}));
    accepted.headers.push(("retry-after".into(), "3".into()));
    let host = Scripted::with([Ok(accepted)]);
    let Ok(Started::Accepted(acceptance)) = job::start(&PACK, &host, "echo", INPUT, "k") else {
        panic!("not accepted");
    };
    assert_eq!(acceptance.poll_after_ms, 3000);
    assert_eq!(acceptance.provider_job_id, "j/7");
    let adopted = job::adopt(&PACK, &host, "echo", "j/7");
    assert_eq!(adopted, Ok(acceptance.ticket));
}

#[test]
fn poll_maps_each_state_of_the_provider() {
    match polled(200, json!({"status": "asleep"})) {
        Ok(JobState::Waiting(progress)) => assert_eq!(progress.stage, Stage::Unrecognized),
        other => panic!("{other:?}"),
    }
    match polled(
        200,
        json!({"status": "failed", "error": {"code": "c", "message": "m"}}),
    ) {
        Ok(JobState::Failed(failure)) => {
            assert_eq!(failure.fault.code.as_deref(), Some("c"));
            assert_eq!(failure.settlement.charge, Charge::Unknown);
        }
        other => panic!("{other:?}"),
    }
    let done = json!({"status": "done", "image": "https://pictures.example/b.png"});
    match polled(200, done) {
        Ok(JobState::Succeeded(success)) => {
            assert_eq!(success.media[0].url, "https://pictures.example/b.png");
        }
        other => panic!("{other:?}"),
    }
    let unreadable = polled(200, json!({"status": "done", "image": "no URL"})).unwrap_err();
    assert!(matches!(unreadable.cause, ErrorCause::ProtocolViolation(_)));
}

#[test]
fn cancel_and_upload_without_an_implementation_are_unsupported() {
    let host = Scripted::new([]);
    let ticket = job::adopt(&PACK, &host, "echo", "7").expect("a ticket");
    assert_eq!(
        job::cancel(&PACK, &host, &ticket),
        Ok(Cancellation::Unsupported)
    );
    let file = LocalFile {
        media_type: "image/png".into(),
        byte_length: 9,
        file_name: "a.png".into(),
    };
    let error = media::plan_upload(&PACK, &host, "echo", "/image", &file).unwrap_err();
    assert!(matches!(error.cause, ErrorCause::Unsupported(_)));
    assert!(host.requests().is_empty());
}

#[test]
fn option_that_does_not_exist_is_refused() {
    let host = Scripted::new([]).on(Some(connection(&json!({"colour": "red"}))));
    let error = job::adopt(&PACK, &host, "echo", "7").unwrap_err();
    let ErrorCause::ConnectionUnavailable(why) = error.cause else {
        panic!("{error:?}");
    };
    assert_eq!(why, "`options.colour` is not an option (connection `desk`)");
}
