use serde_json::json;
use zoetrope_node_sdk::bindings::{CheckOptions, ErrorCause, Plan, Profile};
use zoetrope_node_sdk::testing::{Scripted, connection, reply};
use zoetrope_node_sdk::{job, media};

use super::*;
use crate::nodes::PACK;

const NODE: &str = "shortapi/poppy-v1.0/image-to-video";

fn input() -> String {
    json!({"prompt": "push in", "image": "https://pictures.example/a.png"}).to_string()
}

fn started(status: u16, body: Value) -> Result<Acceptance, NodeError> {
    let host = Scripted::new([(status, body)]);
    job::start(&PACK, &host, NODE, &input(), "key").map(|started| match started {
        Started::Accepted(acceptance) => acceptance,
        Started::Finished(completion) => panic!("{completion:?}"),
    })
}

fn polled(status: u16, body: Value) -> Result<JobState, NodeError> {
    let ticket = Ticket::new(NODE, "desk", WIRE, "j/1").encode();
    let host = Scripted::new([(status, body)]);
    let state = job::poll(&PACK, &host, &ticket);
    let (line, _) = host.requests().remove(0);
    assert_eq!(
        line,
        "GET https://provider.example/api/api/v1/job/query?id=j%2F1"
    );
    state
}

fn clip(state: Result<JobState, NodeError>) -> String {
    match state {
        Ok(JobState::Succeeded(success)) => success.media[0].url.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn submit_is_as_documented_on_the_page() {
    let body = json!({"code": 0, "data": {"amount": "0.240", "job_id": "j-1"}});
    let host = Scripted::new([(200, body)]);
    let started = job::start(&PACK, &host, NODE, &input(), "key").unwrap();
    let (line, body) = host.requests().remove(0);
    assert_eq!(line, "POST https://provider.example/api/api/v1/job/create");
    assert_eq!(
        body,
        json!({"model": NODE, "args": {
            "prompt": "push in", "image": "https://pictures.example/a.png", "aspect_ratio": "16:9",
        }})
    );
    let Started::Accepted(acceptance) = started else {
        panic!("{started:?}")
    };
    assert_eq!(acceptance.provider_job_id, "j-1");
    let cost = acceptance.cost.unwrap();
    assert_eq!((cost.amount.as_str(), cost.unit.as_str()), ("0.240", "USD"));
}

#[test]
fn paths_and_callback_are_options() {
    let options = json!({"create_path": "/v2/new", "query_path": "/v2/jobs/{id}",
        "callback_url": "https://me.example/hook"});
    let host = Scripted::new([(200, json!({"code": 0, "data": {"job_id": "a b"}}))])
        .on(Some(connection(&options)));
    job::start(&PACK, &host, NODE, &input(), "key").unwrap();
    let (line, body) = host.requests().remove(0);
    assert_eq!(line, "POST https://provider.example/api/v2/new");
    assert_eq!(body["callback_url"], "https://me.example/hook");

    let host = Scripted::new([(200, json!({"code": 0, "data": {"status": 1}}))])
        .on(Some(connection(&options)));
    let ticket = Ticket::new(NODE, "desk", WIRE, "a b").encode();
    job::poll(&PACK, &host, &ticket).unwrap();
    let (line, _) = host.requests().remove(0);
    assert_eq!(line, "GET https://provider.example/api/v2/jobs/a%20b");
}

#[test]
fn job_id_is_found_in_every_documented_field() {
    let bare = started(200, json!({"job_id": "j-2", "amount": 0.02})).unwrap();
    assert_eq!(bare.provider_job_id, "j-2");
    assert_eq!(bare.cost.unwrap().amount, "0.02");
    let beside = json!({"code": 0, "job_id": "j-3", "data": {"amount": "lots"}});
    let beside = started(200, beside).unwrap();
    assert_eq!(
        (beside.provider_job_id.as_str(), beside.cost),
        ("j-3", None)
    );
}

#[test]
fn code_other_than_0_is_an_error_with_any_status() {
    let error = started(200, json!({"code": 4001, "info": "no balance"})).unwrap_err();
    assert_eq!((error.charge, error.next), (Charge::No, NextStep::Stop));
    match error.cause {
        ErrorCause::Rejected(fault) => {
            assert_eq!(fault.code.as_deref(), Some("4001"));
            assert_eq!(fault.message, "no balance");
        }
        other => panic!("{other:?}"),
    }
    // A fault upstream of the API may have occurred after the job was created.
    let error = started(200, json!({"code": 3000, "message": "upstream"})).unwrap_err();
    assert!(matches!(error.cause, ErrorCause::OutcomeUnknown(_)));
    assert_eq!(error.charge, Charge::Unknown);
    for body in [
        json!({"code": 0}),
        json!([]),
        json!({"code": 0, "data": {"job_id": ""}}),
    ] {
        let error = started(200, body).unwrap_err();
        assert!(matches!(error.cause, ErrorCause::OutcomeUnknown(_)));
    }
    let error = started(401, json!({"code": 401, "message": "bad key"})).unwrap_err();
    assert!(matches!(error.cause, ErrorCause::Unauthorized(fault) if fault.message == "bad key"));
}

#[test]
fn code_of_a_limited_rate_or_a_refused_key_is_read_with_status_200() {
    let after = |code: Value| Reply {
        headers: vec![("retry-after".into(), "3".into())],
        ..reply(200, &json!({"code": code, "info": "no"}))
    };
    let submitted = |code| {
        let host = Scripted::with([Ok(after(code))]);
        job::start(&PACK, &host, NODE, &input(), "key").unwrap_err()
    };
    let polled = |code| {
        let ticket = Ticket::new(NODE, "desk", WIRE, "j").encode();
        let host = Scripted::with([Ok(after(code))]);
        job::poll(&PACK, &host, &ticket).unwrap_err()
    };
    for code in [
        json!(429),
        json!("429"),
        json!(429.0),
        json!("RATE_LIMITED"),
    ] {
        let error = submitted(code.clone());
        assert!(matches!(error.cause, ErrorCause::Throttled(_)), "{code}");
        assert_eq!((error.charge, error.next), (Charge::No, NextStep::Retry));
        assert_eq!(error.retry_after_ms, Some(3000));
        let error = polled(code);
        assert!(matches!(error.cause, ErrorCause::Throttled(_)), "{error:?}");
        assert_eq!(
            (error.charge, error.next),
            (Charge::Unknown, NextStep::PollAgain)
        );
        assert_eq!(error.retry_after_ms, Some(3000));
    }
    for code in [json!(401), json!(403), json!("401"), json!("unauthorized")] {
        let error = submitted(code.clone());
        assert!(matches!(error.cause, ErrorCause::Unauthorized(_)), "{code}");
        assert_eq!(
            (error.charge, error.next),
            (Charge::No, NextStep::FixConnection)
        );
        let error = polled(code);
        assert!(matches!(error.cause, ErrorCause::Unauthorized(_)));
        assert_eq!(error.charge, Charge::Unknown);
    }
    for code in [json!(4290), json!(-401), json!(500), json!("no")] {
        let error = submitted(code.clone());
        assert!(matches!(error.cause, ErrorCause::Rejected(_)), "{code}");
        assert_eq!(error.charge, Charge::No);
    }
}

#[test]
fn code_other_than_0_with_a_job_id_is_an_unknown_outcome_that_names_the_id() {
    for code in [json!(1), json!(401), json!(429), json!(3000), json!("busy")] {
        for body in [
            json!({"code": code, "data": {"job_id": "j-77"}}),
            json!({"code": code, "job_id": "j-77", "message": "x".repeat(600)}),
        ] {
            let error = started(200, body).unwrap_err();
            assert_eq!(error.charge, Charge::Unknown, "{code}");
            match error.cause {
                ErrorCause::OutcomeUnknown(fault) => {
                    assert!(fault.message.starts_with("job id `j-77`"), "{code}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn poll_maps_each_status_number() {
    let stage = |data: Value| match polled(200, json!({"code": 0, "data": data})) {
        Ok(JobState::Waiting(progress)) => progress.stage,
        other => panic!("{other:?}"),
    };
    assert_eq!(stage(json!({"status": 0})), Stage::Queued);
    assert_eq!(
        stage(json!({"status": "1", "region": "eu"})),
        Stage::Running
    );
    for data in [json!({}), json!({"status": -1}), Value::Null] {
        let error = polled(200, json!({"code": 0, "data": data})).unwrap_err();
        assert!(matches!(error.cause, ErrorCause::ProtocolViolation(_)));
    }
    let error = polled(200, json!({"code": 3000, "info": "later"})).unwrap_err();
    assert!(matches!(error.cause, ErrorCause::Unavailable(_)));
    let error = polled(200, json!({"code": 1000, "info": "what job?"})).unwrap_err();
    assert!(matches!(error.cause, ErrorCause::ProtocolViolation(_)));
    assert_eq!(error.next, NextStep::PollAgain);
}

#[test]
fn envelope_that_does_not_know_the_job_means_that_it_is_lost() {
    for body in [
        json!({"code": 404, "info": "what job?"}),
        json!({"code": "404.0"}),
        json!({"code": "job-not-found"}),
        json!({"code": 1000, "info": "no job with this id"}),
        json!({"code": 1000, "message": "Job Not Found"}),
    ] {
        let error = polled(200, body.clone()).unwrap_err();
        assert!(matches!(error.cause, ErrorCause::JobLost(_)), "{body}");
        assert_eq!(error.charge, Charge::Unknown);
    }
}

#[test]
fn clip_is_found_in_every_documented_field() {
    let url = "https://cdn.example/a.mp4?e=1";
    for result in [
        json!({"videos": [{"url": url}], "images": [{"url": "https://cdn.example/frame.png"}]}),
        json!({"videos": [url]}),
        json!({"images": [{"url": url}]}),
        json!({"videos": [], "url": url}),
        json!({"video_url": url}),
    ] {
        let body = json!({"code": 0, "data": {"status": 2, "result": result}});
        assert_eq!(clip(polled(200, body)), url, "{result}");
    }
    let bare = json!({"status": 2, "result": {"url": url}});
    assert_eq!(clip(polled(200, bare)), url);
}

#[test]
fn success_without_a_clip_is_a_failure_with_the_words_of_the_api() {
    let said = |said: &str| format!("; the provider answered: {said}");
    for (data, charge, said) in [
        (json!({"status": 2}), Charge::Unknown, String::new()),
        (
            json!({"status": 2, "result": null}),
            Charge::Unknown,
            String::new(),
        ),
        (
            json!({"status": 2, "result": {"videos": []}}),
            Charge::Unknown,
            String::new(),
        ),
        (
            json!({"status": 2, "result": {"url": ""}}),
            Charge::Unknown,
            String::new(),
        ),
        (
            json!({"status": 2, "result": {"videos": [{"url": null}]}, "info": "unsafe"}),
            Charge::Unknown,
            said("unsafe"),
        ),
        (
            json!({"status": 2, "result": {"reason": "unsafe"}, "refunded": true}),
            Charge::No,
            said("unsafe"),
        ),
    ] {
        let body = json!({"code": 0, "data": data});
        let failure = match polled(200, body) {
            Ok(JobState::Failed(failure)) => failure,
            other => panic!("{other:?}"),
        };
        assert_eq!(failure.fault.code.as_deref(), Some("no_result"));
        let expected = format!("no result at /data/result/videos/0/url{said}");
        assert_eq!(failure.fault.message, expected, "{data}");
        assert_eq!(failure.settlement.charge, charge, "{data}");
    }
}

#[test]
fn every_status_above_two_is_a_failure() {
    for (data, charge) in [
        (json!({"status": 3, "error": "too dark"}), Charge::Unknown),
        (
            json!({"status": 9, "error": {"message": "too dark"}}),
            Charge::Unknown,
        ),
        (
            json!({"status": 3, "message": "too dark", "refunded": true}),
            Charge::No,
        ),
        (
            json!({"status": 1, "info": "too dark", "refunded": true}),
            Charge::No,
        ),
    ] {
        match polled(200, json!({"code": 0, "data": data})) {
            Ok(JobState::Failed(failure)) => {
                assert_eq!(failure.fault.message, "too dark", "{data}");
                assert_eq!(failure.settlement.charge, charge, "{data}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn cancel_is_unsupported() {
    let ticket = Ticket::new(NODE, "desk", WIRE, "j").encode();
    let cancelled = job::cancel(&PACK, &Scripted::new([]), &ticket).unwrap();
    assert!(matches!(cancelled, Cancellation::Unsupported));
}

#[test]
fn local_picture_is_inlined_as_base64_up_to_a_limit() {
    let file = |byte_length| LocalFile {
        media_type: "image/png".into(),
        byte_length,
        file_name: "a.png".into(),
    };
    let host = Scripted::new([]).on(Some(connection(&json!({"largest_picture": 100}))));
    let step = media::plan_upload(&PACK, &host, NODE, "/image", &file(100)).unwrap();
    assert!(matches!(step, Step::InlineBase64));
    let error = media::plan_upload(&PACK, &host, NODE, "/image", &file(101)).unwrap_err();
    assert!(matches!(error.cause, ErrorCause::Unsupported(_)));
    assert_eq!(error.charge, Charge::No);
    media::plan_upload(&PACK, &Scripted::new([]), NODE, "/image", &file(10 << 20)).unwrap();
}

fn plan(image: &str) -> Result<Plan, NodeError> {
    let options = CheckOptions {
        profile: Profile::Strict,
        preview_request: false,
    };
    let input = json!({"prompt": "p", "image": image}).to_string();
    job::check(&PACK, &Scripted::new([]).on(None), NODE, &input, options)
}

#[test]
fn base64_picture_loses_its_prefix_and_line_breaks() {
    for (given, image) in [
        ("data:image/png;base64,iVBORw0K", "iVBORw0K"),
        ("DATA:;BASE64,iVBO\nRw0K\r\n", "iVBORw0K"),
        ("iVBO\nRw0K", "iVBORw0K"),
        ("file:///tmp/a.png", "file:///tmp/a.png"),
        (
            "HTTPS://pictures.example/a.png",
            "HTTPS://pictures.example/a.png",
        ),
    ] {
        let plan = plan(given).unwrap();
        let read: Value = serde_json::from_str(&plan.input).unwrap();
        assert_eq!(read["image"], image);
        let notes = plan
            .notes
            .iter()
            .filter(|note| note.instance_path == "/image");
        assert_eq!(notes.count() > 0, given != image, "{given:?}");
    }
    for given in [
        "",
        "a photo of SECRET",
        "data:image/svg+xml,<svg/>",
        "data:;base64,",
        "ftp://a",
    ] {
        match plan(given).unwrap_err().cause {
            ErrorCause::InvalidInput(violations) => {
                let [violation] = &violations[..] else {
                    panic!("{violations:?}")
                };
                assert_eq!(violation.instance_path, "/image");
                assert_eq!(violation.keyword, "pattern");
                assert!(!violation.message.contains("SECRET"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn estimate_is_the_price_on_the_page() {
    let estimate = plan("https://a.example/a.png").unwrap().estimate.unwrap();
    assert_eq!(estimate.price.amount, "0.048");
    assert_eq!(estimate.price.unit, "USD");
}

#[test]
fn schema_names_every_option_and_its_default() {
    let schema: Value = serde_json::from_str(OPTIONS).unwrap();
    let defaults: Map<_, _> = schema["properties"]
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(name, property)| Some((name.clone(), property.get("default")?.clone())))
        .collect();
    let read = |options: Value| Options::read(&connection(&options)).unwrap();
    let (stated, built_in) = (read(Value::Object(defaults)), read(json!({})));
    assert_eq!(stated.create_path, built_in.create_path);
    assert_eq!(stated.query_path, built_in.query_path);
    assert_eq!(stated.callback_url, built_in.callback_url);
    assert_eq!(stated.largest_picture, built_in.largest_picture);
    for name in schema["properties"].as_object().unwrap().keys() {
        assert!(
            Options::read(&connection(&json!({ name: [1] }))).is_err(),
            "{name}"
        );
    }
}
