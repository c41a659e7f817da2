use proptest::prelude::*;
use serde_json::{Value, json};
use zoetrope_node_sdk::bindings::{
    Acceptance, Adjustment, Charge, CheckOptions, ErrorCause, JobState, NextStep, Plan, Profile,
    Settlement, Stage, Started,
};
use zoetrope_node_sdk::host::SendError;
use zoetrope_node_sdk::http::Reply;
use zoetrope_node_sdk::job::{adopt, check, poll, start};
use zoetrope_node_sdk::testing::{Scripted, connection, reply};
use zoetrope_node_sdk::ticket::Ticket;

use crate::nodes::PACK;

const STRICT: CheckOptions = CheckOptions {
    profile: Profile::Strict,
    preview_request: false,
};
const PREVIEW: CheckOptions = CheckOptions {
    profile: Profile::Strict,
    preview_request: true,
};

fn v3() -> Value {
    json!({"prompt": "push in", "image": "https://pictures.example/a.png"})
}

fn plan(node: &str, input: &Value) -> Plan {
    let nothing = Scripted::new([]).on(None);
    check(&PACK, &nothing, node, &input.to_string(), STRICT).unwrap()
}

/// Path and keyword of each violation.
fn violations(node: &str, input: &str) -> Vec<(String, String)> {
    let nothing = Scripted::new([]).on(None);
    match check(&PACK, &nothing, node, input, STRICT)
        .unwrap_err()
        .cause
    {
        ErrorCause::InvalidInput(violations) => {
            for violation in &violations {
                assert!(
                    !violation.message.contains("SECRET"),
                    "{}",
                    violation.message
                );
            }
            violations
                .into_iter()
                .map(|found| (found.instance_path, found.keyword))
                .collect()
        }
        other => panic!("{other:?}"),
    }
}

fn notes(plan: &Plan) -> Vec<(&str, Adjustment)> {
    plan.notes
        .iter()
        .map(|note| (note.instance_path.as_str(), note.adjustment))
        .collect()
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn ticket() -> String {
    Ticket::new("image_to_video_v3", "desk", "jobs", "j/1").encode()
}

#[test]
fn defaults_are_filled_in_and_noted() {
    let plan = plan("image_to_video_v3", &v3());
    assert_eq!(
        document(&plan.input),
        json!({
            "prompt": "push in", "image": "https://pictures.example/a.png",
            "negative_prompt": null, "steps": 20, "guidance_scale": 3, "frame_rate": 8,
        })
    );
    assert_eq!(
        notes(&plan),
        [
            ("/negative_prompt", Adjustment::Defaulted),
            ("/steps", Adjustment::Defaulted),
            ("/guidance_scale", Adjustment::Defaulted),
            ("/frame_rate", Adjustment::Defaulted),
        ]
    );
    assert_eq!(plan.notes[1].message, "The default is 20.");
}

#[test]
fn start_accepts_the_plans_input_unchanged() {
    let input = json!({"prompt": "p", "image": "https://a.b/i", "negative_prompt": null, "model": "Pixel S", "sise": 1});
    let first = plan("image_to_video", &input);
    let again = plan("image_to_video", &document(&first.input));
    assert_eq!(again.input, first.input);
    assert_eq!(notes(&again), [("/size", Adjustment::NotForwarded)]);
}

#[test]
fn negative_prompt_of_image_to_video_is_required_and_nullable() {
    let missing = json!({"prompt": "p", "image": "https://a.b/i"}).to_string();
    assert_eq!(
        violations("image_to_video", &missing),
        [(String::new(), "required".into())]
    );
    let null = json!({"prompt": "p", "image": "https://a.b/i", "negative_prompt": null});
    assert_eq!(
        document(&plan("image_to_video", &null).input)["negative_prompt"],
        Value::Null
    );
}

#[test]
fn model_and_size_are_not_nullable_but_the_optimizer_is() {
    let input = json!({"prompt": "p", "image": "https://a.b/i", "negative_prompt": "", "model": null, "size": null,
        "prompt_optimizer": null});
    assert_eq!(
        violations("image_to_video", &input.to_string()),
        [
            ("/model".into(), "type".into()),
            ("/model".into(), "enum".into()),
            ("/size".into(), "type".into()),
            ("/size".into(), "enum".into()),
        ]
    );
    let mut input = input;
    input
        .as_object_mut()
        .unwrap()
        .retain(|key, _| key != "model" && key != "size");
    let plan = plan("image_to_video", &input);
    assert_eq!(document(&plan.input)["prompt_optimizer"], Value::Null);
    assert_eq!(
        notes(&plan),
        [
            ("/model", Adjustment::Defaulted),
            ("/size", Adjustment::Defaulted)
        ]
    );
}

#[test]
fn size_of_a_pixel_s_run_is_kept_in_the_plan_and_out_of_the_request() {
    let input = json!({"model": "Pixel S", "prompt": "p", "image": "https://a.b/i", "negative_prompt": null,
        "size": "Square HD (1:1)", "prompt_optimizer": false});
    let host = Scripted::new([]);
    let plan = check(&PACK, &host, "image_to_video", &input.to_string(), PREVIEW).unwrap();
    assert_eq!(document(&plan.input), input);
    assert_eq!(notes(&plan), [("/size", Adjustment::NotForwarded)]);
    let sent = document(&plan.request.unwrap());
    assert_eq!(
        sent["body"]["input"],
        json!({"model": "Pixel S", "prompt": "p", "image": "https://a.b/i",
        "negative_prompt": null, "prompt_optimizer": false})
    );
    assert_eq!(*host.sent.borrow(), []);
}

#[test]
fn text_length_counts_code_points() {
    let with = |prompt: String| {
        json!({"prompt": prompt, "image": "https://a.b/i", "negative_prompt": null}).to_string()
    };
    for character in ["a", "\u{e9}", "\u{1f3a5}"] {
        let nothing = Scripted::new([]).on(None);
        assert!(
            check(
                &PACK,
                &nothing,
                "image_to_video_v3",
                &with(character.repeat(904)),
                STRICT
            )
            .is_ok()
        );
        let long = violations("image_to_video_v3", &with(character.repeat(905)));
        assert_eq!(long, [("/prompt".into(), "maxLength".into())]);
    }
}

#[test]
fn branch_of_any_of_is_reported_by_its_own_keyword() {
    let with = |value: Value| {
        let input =
            json!({"prompt": "p", "image": "https://a.b/i", "negative_prompt": value}).to_string();
        violations("image_to_video_v3", &input)
    };
    let path = || "/negative_prompt".to_owned();
    assert_eq!(
        with(json!("SECRET".repeat(200))),
        [(path(), "maxLength".into())]
    );
    assert_eq!(with(json!(["SECRET"])), [(path(), "type".into())]);
}

#[test]
fn integers_may_be_written_with_a_decimal_point() {
    let mut input = v3();
    input["steps"] = json!(20.0);
    let plan = plan("image_to_video_v3", &input);
    assert!(plan.input.contains("\"steps\":20,") || plan.input.contains("\"steps\":20}"));
    assert!(notes(&plan).contains(&("/steps", Adjustment::Coerced)));
    for (value, keyword) in [
        (json!(20.5), "type"),
        (json!(true), "type"),
        (json!("20"), "type"),
        (json!(0), "minimum"),
        (json!(51), "maximum"),
        (json!(1e30), "maximum"),
    ] {
        input["steps"] = value;
        assert_eq!(
            violations("image_to_video_v3", &input.to_string()),
            [("/steps".into(), keyword.into())]
        );
    }
}

#[test]
fn unknown_key_is_dropped_with_a_suggestion() {
    let mut input = v3();
    input["frame_rat"] = json!(24);
    input["seed/a"] = json!({"deep": 1});
    let host = Scripted::new([]);
    let plan = check(
        &PACK,
        &host,
        "image_to_video_v3",
        &input.to_string(),
        PREVIEW,
    )
    .unwrap();
    let dropped: Vec<_> = plan
        .notes
        .iter()
        .filter(|note| note.adjustment == Adjustment::Dropped)
        .collect();
    assert_eq!(
        dropped[0].message,
        "Not a field of this node; did you mean `frame_rate`?"
    );
    assert_eq!(dropped[1].message, "Not a field of this node.");
    assert_eq!(dropped[1].instance_path, "/seed~1a");
    assert!(!plan.input.contains("seed") && !plan.request.unwrap().contains("seed"));
}

#[test]
fn notes_and_suggestions_for_unknown_keys_are_bounded() {
    let dropped = |count: usize| {
        let mut input = v3();
        for number in 0..count {
            input[format!("frame_rat{number:04}")] = json!(number);
        }
        let plan = plan("image_to_video_v3", &input);
        assert!(!plan.input.contains("frame_rat0"));
        let notes = plan.notes.into_iter();
        let notes = notes.filter(|note| note.adjustment == Adjustment::Dropped);
        notes.map(|note| note.message).collect::<Vec<_>>()
    };
    assert_eq!(dropped(100).len(), 100);
    let many = dropped(5000);
    assert_eq!(many.len(), 101);
    assert_eq!(many[100], "4900 more keys are not fields of this node.");
    let suggestions = many.iter().filter(|note| note.contains("did you mean"));
    assert_eq!(suggestions.count(), 20);
}

#[test]
fn invalid_input_is_rejected_by_pointer_and_keyword() {
    for (text, path, keyword) in [
        ("", "", "json"),
        ("[]", "", "type"),
        ("null", "", "type"),
        (r#"{"prompt":"SECRET","prompt":"x"}"#, "/prompt", "json"),
        (r#"{"prompt":"\ud800SECRET"}"#, "", "json"),
    ] {
        assert_eq!(
            violations("image_to_video_v3", text),
            [(path.into(), keyword.into())],
            "{text}"
        );
    }
}

#[test]
fn preview_shows_the_request_and_needs_a_connection() {
    let none = Scripted::new([]).on(None);
    let error = check(
        &PACK,
        &none,
        "image_to_video_v3",
        &v3().to_string(),
        PREVIEW,
    )
    .unwrap_err();
    assert!(matches!(error.cause, ErrorCause::ConnectionUnavailable(_)));
    let request = check(
        &PACK,
        &Scripted::new([]),
        "image_to_video_v3",
        &v3().to_string(),
        PREVIEW,
    )
    .unwrap()
    .request;
    assert_eq!(
        document(&request.unwrap()),
        json!({
            "method": "POST",
            "url": "https://provider.example/api/v1/jobs",
            "headers": {"accept": "application/json", "content-type": "application/json",
                "idempotency-key": "<idempotency key>"},
            "body": {"action": "image_to_video_v3", "input": document(&plan("image_to_video_v3", &v3()).input)},
        })
    );
}

#[test]
fn start_sends_one_request_the_same_bytes_each_time() {
    let started = || {
        let host = Scripted::new([(
            201,
            json!({"id": "j/1", "status": "queued", "poll_after_ms": 500}),
        )]);
        let started = start(
            &PACK,
            &host,
            "image_to_video_v3",
            &v3().to_string(),
            "key-1",
        )
        .unwrap();
        (started, host.sent.into_inner())
    };
    let (first, sent) = started();
    assert_eq!(started(), (first.clone(), sent.clone()));
    assert_eq!(sent.len(), 1);
    assert!(
        sent[0]
            .headers
            .contains(&("idempotency-key".into(), "key-1".into()))
    );
    assert_eq!(
        first,
        Started::Accepted(Acceptance {
            ticket: ticket(),
            provider_job_id: "j/1".into(),
            poll_after_ms: 500,
            cost: None,
        })
    );
}

#[test]
fn submit_answered_with_the_result_is_finished() {
    let body =
        json!({"id": 7, "status": "succeeded", "output": {"video": "https://v.example/7.mp4"}});
    let host = Scripted::new([(200, body)]);
    match start(&PACK, &host, "image_to_video_v3", &v3().to_string(), "k").unwrap() {
        Started::Finished(completion) => {
            assert_eq!(completion.provider_job_id.as_deref(), Some("7"));
            assert_eq!(
                completion.success.settlement,
                Settlement {
                    charge: Charge::Yes,
                    cost: None
                }
            );
        }
        accepted @ Started::Accepted(_) => panic!("{accepted:?}"),
    }
}

#[test]
fn unreadable_acceptance_is_an_unknown_outcome() {
    let unreadable = Reply {
        status: 200,
        body: b"<html>".to_vec(),
        ..Reply::default()
    };
    for answer in [
        unreadable,
        reply(202, &json!({"status": "queued"})),
        reply(200, &json!({"id": ""})),
    ] {
        let error = start(
            &PACK,
            &Scripted::with([Ok(answer)]),
            "image_to_video_v3",
            &v3().to_string(),
            "k",
        )
        .unwrap_err();
        match error.cause {
            ErrorCause::OutcomeUnknown(fault) => assert!(fault.message.contains("id at /id")),
            other => panic!("{other:?}"),
        }
        assert_eq!(
            (error.charge, error.next),
            (Charge::Unknown, NextStep::RetrySameKey)
        );
    }
}

#[test]
fn submit_without_a_reply_is_not_sent_or_unknown() {
    let cases = [
        (
            SendError::Denied("d".into()),
            Charge::No,
            NextStep::FixConnection,
        ),
        (SendError::NotSent("n".into()), Charge::No, NextStep::Retry),
        (
            SendError::Lost("l".into()),
            Charge::Unknown,
            NextStep::RetrySameKey,
        ),
    ];
    for (failure, charge, next) in cases {
        let error = start(
            &PACK,
            &Scripted::with([Err(failure)]),
            "image_to_video_v3",
            &v3().to_string(),
            "k",
        )
        .unwrap_err();
        assert_eq!((error.charge, error.next), (charge, next));
    }
}

#[test]
fn invalid_call_sends_nothing() {
    let host = Scripted::new([]);
    let starts = [
        ("no_such_node", v3(), "k"),
        ("image_to_video_v3", json!({}), "k"),
        ("image_to_video_v3", v3(), ""),
        ("image_to_video_v3", v3(), "a key"),
        ("image_to_video_v3", v3(), "\u{e9}"),
    ];
    for (node, input, key) in starts {
        let error = start(&PACK, &host, node, &input.to_string(), key).unwrap_err();
        assert_eq!(error.charge, Charge::No);
    }
    let other = Ticket::new("image_to_video_v3", "other", "jobs", "1").encode();
    let wire = Ticket::new("image_to_video_v3", "desk", "agenticflow", "1").encode();
    for (ticket, expected) in [("{}", "bad"), (&other, "changed"), (&wire, "changed")] {
        let error = poll(&PACK, &host, ticket).unwrap_err();
        let kind = match error.cause {
            ErrorCause::BadTicket(_) => "bad",
            ErrorCause::ConnectionChanged(_) => "changed",
            other => panic!("{other:?}"),
        };
        assert_eq!((kind, error.charge), (expected, Charge::Unknown));
    }
    assert_eq!(*host.sent.borrow(), []);
}

#[test]
fn headers_of_the_connection_are_sent() {
    let mut own = connection(&json!({}));
    own.headers = vec![("authorization".into(), "Bearer k".into())];
    let host = Scripted::new([(200, json!({"status": "queued"}))]).on(Some(own.clone()));
    poll(&PACK, &host, &ticket()).unwrap();
    assert!(host.sent.borrow()[0].headers.contains(&own.headers[0]));
    let plan = check(
        &PACK,
        &host,
        "image_to_video_v3",
        &v3().to_string(),
        PREVIEW,
    )
    .unwrap();
    assert!(
        !plan.request.unwrap().contains("Bearer"),
        "a preview leaves credentials out"
    );
}

#[test]
fn adopt_returns_the_same_ticket_as_start() {
    assert_eq!(
        adopt(&PACK, &Scripted::new([]), "image_to_video_v3", "j/1").unwrap(),
        ticket()
    );
}

#[test]
fn unrecognized_state_is_waiting_and_named() {
    let host = Scripted::new([(200, json!({"status": "expired", "new": [1, 2]}))]);
    match poll(&PACK, &host, &ticket()).unwrap() {
        JobState::Waiting(progress) => {
            assert_eq!(progress.stage, Stage::Unrecognized);
            assert_eq!(
                progress.message.as_deref(),
                Some("the provider reports the state `expired`")
            );
        }
        other => panic!("{other:?}"),
    }
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0i64..60).prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(Value::from("Pixel S")),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..8)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("prompt".to_owned()),
        Just("image".to_owned()),
        Just("negative_prompt".to_owned()),
        Just("steps".to_owned()),
        Just("model".to_owned()),
        Just("size".to_owned()),
        ".{0,8}",
    ]
}

proptest! {
    #[test]
    fn check_of_a_plan_is_idempotent(input in arbitrary_json(), steps in 1..=50, first in any::<bool>()) {
        let node = if first { "image_to_video" } else { "image_to_video_v3" };
        let mut input = input;
        if let Some(object) = input.as_object_mut() {
            for (key, value) in [("prompt", json!("p")), ("image", json!("https://a.b/i")), ("negative_prompt", json!(null)),
                ("steps", json!(steps))] {
                object.insert(key.into(), value);
            }
        }
        let nothing = Scripted::new([]).on(None);
        match check(&PACK, &nothing, node, &input.to_string(), STRICT) {
            Ok(plan) => {
                let again = check(&PACK, &nothing, node, &plan.input, STRICT).unwrap();
                prop_assert_eq!(&again.input, &plan.input);
                let unchanged = [Adjustment::NotForwarded, Adjustment::Advice];
                prop_assert!(again.notes.iter().all(|note| unchanged.contains(&note.adjustment)));
            }
            Err(error) => match error.cause {
                ErrorCause::InvalidInput(violations) => prop_assert!(!violations.is_empty()),
                other => prop_assert!(false, "{:?}", other),
            },
        }
    }
}
