use serde_json::json;
use zoetrope_node_sdk::bindings::{Cancellation, ErrorCause, LocalFile, NextStep};
use zoetrope_node_sdk::testing::{Scripted, connection};
use zoetrope_node_sdk::{job, media};

use super::*;
use crate::nodes::PACK;

const NODE: &str = "image_to_video_v3";
const INPUT: &str = r#"{"prompt": "p", "image": "https://p.example/a.png"}"#;

fn options() -> Value {
    json!({"wire": "agenticflow", "workflow_id": "w-1"})
}

fn answering(status: u16, body: Value) -> Scripted {
    Scripted::new([(status, body)]).on(Some(connection(&options())))
}

fn ticket() -> String {
    Ticket::new(NODE, "desk", "agenticflow", "a b/1").encode()
}

fn state(run: Value) -> JobState {
    job::poll(&PACK, &answering(200, run), &ticket()).unwrap()
}

#[test]
fn submit_has_no_key_and_poll_no_final_slash() {
    let host = answering(200, json!({"id": "r-1", "status": "created"}));
    let started = job::start(&PACK, &host, NODE, INPUT, "order-66").unwrap();
    let accepted = Acceptance {
        ticket: Ticket::new(NODE, "desk", "agenticflow", "r-1").encode(),
        provider_job_id: "r-1".into(),
        poll_after_ms: 0,
        cost: None,
    };
    assert_eq!(started, Started::Accepted(accepted));
    let input = json!({"prompt": "p", "image": "https://p.example/a.png", "negative_prompt": null,
        "steps": 20, "guidance_scale": 3, "frame_rate": 8});
    assert_eq!(
        host.requests(),
        [(
            "POST https://provider.example/api/v1/workflow_runs/".into(),
            json!({"workflow_id": "w-1", "input": input, "response_type": "queue"})
        )]
    );
    let sent = host.sent.borrow();
    let names: Vec<_> = sent[0].headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["accept", "content-type"]);

    let host = answering(200, json!({"status": "queued"}));
    job::poll(&PACK, &host, &ticket()).unwrap();
    let line = "GET https://provider.example/api/v1/workflow_runs/a%20b%2F1";
    assert_eq!(host.requests(), [(line.into(), Value::Null)]);
}

#[test]
fn pointers_to_id_and_clip_are_options() {
    let elsewhere = json!({"wire": "agenticflow", "workflow_id": "w-1",
        "id_pointer": "/run/id", "video_pointer": "/output/clips/0"});
    let on = |body| Scripted::new([(200, body)]).on(Some(connection(&elsewhere)));
    let started = job::start(&PACK, &on(json!({"run": {"id": 7}})), NODE, INPUT, "k").unwrap();
    assert!(matches!(started, Started::Accepted(accepted) if accepted.provider_job_id == "7"));
    let run = json!({"status": "success", "output": {"clips": ["https://c.example/1.mp4?e=1"]}});
    match job::poll(&PACK, &on(run), &ticket()).unwrap() {
        JobState::Succeeded(success) => {
            assert_eq!(success.media[0].url, "https://c.example/1.mp4?e=1");
            assert_eq!(success.output, r#"{"video":"https://c.example/1.mp4?e=1"}"#);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn acceptance_without_an_id_is_an_unknown_outcome() {
    for body in [json!({"status": "created"}), json!({"id": ""}), json!([])] {
        let error = job::start(&PACK, &answering(200, body), NODE, INPUT, "k").unwrap_err();
        assert!(matches!(error.cause, ErrorCause::OutcomeUnknown(_)));
        assert_eq!(error.charge, Charge::Unknown);
    }
}

#[test]
fn validation_error_is_reported_with_its_location() {
    let complaint = json!({"type": "int_parsing", "loc": ["body", "input", 3, "steps"],
        "msg": "Input should be an integer,\nsee https://e.example/d?k=K", "input": "SECRET"});
    let body = json!({"detail": [complaint, {"msg": "another"}]});
    let fault = ProviderFault {
        status: Some(422),
        code: Some("int_parsing".into()),
        message: "/body/input/3/steps: Input should be an integer, see https://e.example/d another"
            .into(),
    };
    let error = job::start(&PACK, &answering(422, body.clone()), NODE, INPUT, "k").unwrap_err();
    assert_eq!(
        error,
        NodeError::rejected(fault.clone(), Charge::No, NextStep::FixInput)
    );
    let error = job::poll(&PACK, &answering(422, body), &ticket()).unwrap_err();
    assert_eq!(
        error,
        NodeError::rejected(fault, Charge::Unknown, NextStep::AskProvider)
    );
    let error = job::start(
        &PACK,
        &answering(422, json!({"detail": []})),
        NODE,
        INPUT,
        "k",
    )
    .unwrap_err();
    let fault = ProviderFault::new(Some(422), "{\"detail\":[]}");
    assert_eq!(error.cause, ErrorCause::Rejected(fault));
}

#[test]
fn unfinished_run_is_waiting() {
    let nodes = json!([{"status": "success"}, {"status": "running"}, {"status": "not_started"},
        {"node_name": "odd"}]);
    for (word, stage) in [
        ("created", Stage::Queued),
        ("queued", Stage::Queued),
        ("running", Stage::Running),
        ("paused", Stage::Unrecognized),
        ("QUEUED", Stage::Queued),
        (" Running", Stage::Running),
    ] {
        match state(json!({"status": word, "state": {"nodes_state": nodes}})) {
            JobState::Waiting(progress) => {
                assert_eq!((progress.stage, progress.fraction), (stage, Some(0.25)));
            }
            ended => panic!("{ended:?}"),
        }
    }
    for odd in [json!(null), json!({"nodes_state": []}), json!("x")] {
        match state(json!({"status": "running", "state": odd})) {
            JobState::Waiting(progress) => assert_eq!(progress.fraction, None),
            ended => panic!("{ended:?}"),
        }
    }
}

#[test]
fn run_that_succeeds_without_a_clip_is_a_failure_with_the_error_of_its_node() {
    let filtered = json!({"nodes_state": [
        {"node_name": "a", "error": null},
        {"node_name": "b", "error": {"message": "removed by a filter"}},
    ]});
    for (run, charge, said) in [
        (
            json!({"status": "success", "output": null, "operation_cost": 4}),
            Charge::Yes,
            "",
        ),
        (
            json!({"status": "success", "output": {"video": ""}, "operation_cost": 0}),
            Charge::Unknown,
            "",
        ),
        (
            json!({"status": "success", "state": filtered}),
            Charge::Unknown,
            "; the provider answered: removed by a filter",
        ),
    ] {
        let JobState::Failed(failure) = state(run.clone()) else {
            panic!("{run}");
        };
        assert_eq!(failure.fault.code.as_deref(), Some("no_result"));
        assert_eq!(
            failure.fault.message,
            format!("no result at /output/video{said}")
        );
        assert_eq!(failure.settlement.charge, charge, "{run}");
    }
}

#[test]
fn cost_is_taken_from_the_run() {
    let credits = |amount: &str| {
        Some(Price {
            amount: amount.into(),
            unit: "credits".into(),
        })
    };
    for (status, cost, charge, price) in [
        ("success", json!(4.25), Charge::Yes, credits("4.25")),
        ("success", json!(0), Charge::Yes, credits("0")),
        ("success", json!(null), Charge::Yes, None),
        ("failed", json!(3), Charge::Yes, credits("3")),
        ("failed", json!(0.0), Charge::Unknown, credits("0.0")),
        ("failed", json!(null), Charge::Unknown, None),
        ("cancelled", json!("4"), Charge::Yes, credits("4")),
        ("cancelled", json!(1), Charge::Yes, credits("1")),
    ] {
        let output = json!({"video": "https://c.example/1.mp4"});
        let run = json!({"status": status, "output": output, "operation_cost": cost});
        let settlement = match state(run) {
            JobState::Succeeded(success) => success.settlement,
            JobState::Failed(failure) => failure.settlement,
            JobState::Cancelled(settlement) => settlement,
            JobState::Waiting(progress) => panic!("{progress:?}"),
        };
        let expected = Settlement {
            charge,
            cost: price,
        };
        assert_eq!(settlement, expected, "{status} {cost}");
    }
}

#[test]
fn failed_run_is_reported_with_the_error_of_its_node() {
    let node = json!([{"node_name": "draw", "error": null},
        {"node_name": "animate", "error": {"code": "E7", "message": "too dark", "details": "SECRET"}}]);
    let own = |code: &str, failed: Value| json!({"message": "Run\u{1b} failed", "code": code, "failed_node": failed});
    for (error, nodes, code, message, charge) in [
        (
            own("node_failed", json!("animate")),
            &node,
            Some("node_failed"),
            "node `animate`: Run failed",
            Charge::Unknown,
        ),
        (
            own("charge_failed", json!(null)),
            &node,
            Some("charge_failed"),
            "Run failed",
            Charge::No,
        ),
        (
            json!(null),
            &node,
            Some("E7"),
            "node `animate`: too dark",
            Charge::Unknown,
        ),
        (
            json!(null),
            &json!([]),
            None,
            "the provider gives no reason",
            Charge::Unknown,
        ),
    ] {
        let run = json!({"status": "failed", "state": {"error": error, "nodes_state": nodes}});
        match state(run) {
            JobState::Failed(failure) => {
                assert_eq!(failure.fault.code.as_deref(), code);
                assert_eq!(failure.fault.message, message);
                assert_eq!(failure.settlement.charge, charge);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn cancel_and_upload_are_unsupported() {
    let host = Scripted::new([]).on(Some(connection(&options())));
    assert_eq!(
        job::cancel(&PACK, &host, &ticket()),
        Ok(Cancellation::Unsupported)
    );
    let file = LocalFile {
        media_type: "image/png".into(),
        byte_length: 9,
        file_name: "a.png".into(),
    };
    for error in [
        media::plan_upload(&PACK, &host, NODE, "/image", &file).unwrap_err(),
        media::uploaded(&PACK, &host, NODE, "/image", 200, "{}".into()).unwrap_err(),
    ] {
        assert!(matches!(error.cause, ErrorCause::Unsupported(_)));
        assert_eq!(error.charge, Charge::No);
    }
}

#[test]
fn ticket_of_the_other_wire_is_rejected() {
    let jobs = Ticket::new(NODE, "desk", "jobs", "1").encode();
    let on_jobs = Scripted::new([]);
    let on_runs = Scripted::new([]).on(Some(connection(&options())));
    for (host, ticket) in [(on_jobs, ticket()), (on_runs, jobs)] {
        for error in [
            job::poll(&PACK, &host, &ticket).unwrap_err(),
            job::cancel(&PACK, &host, &ticket).unwrap_err(),
        ] {
            assert!(matches!(error.cause, ErrorCause::ConnectionChanged(_)));
        }
    }
}
