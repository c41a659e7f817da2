use serde_json::json;
use zoetrope_node_sdk::bindings::Adjustment::{Coerced, Dropped, NotForwarded};
use zoetrope_node_sdk::bindings::{Body, CheckOptions, ErrorCause, Plan, Profile, Success};
use zoetrope_node_sdk::testing::{Scripted, connection};
use zoetrope_node_sdk::{job, media};

use super::*;
use crate::nodes::PACK;

const VIDEO: &str = "popiskill-video-image2video-basic-v1";
const IMAGE: &str = "popiskill-image-img2img-basic-v1";

fn wrapped(data: impl Into<Value>) -> (u16, Value) {
    (200, json!({"ok": true, "data": data.into()}))
}

fn refused(code: &str) -> Value {
    json!({"ok": false, "error": {"code": code, "message": "because", "details": {}}})
}

fn ticket(node: &str) -> String {
    Ticket::new(node, "desk", WIRE, "job/1").encode()
}

fn success_of(
    node: &str,
    replies: impl IntoIterator<Item = (u16, Value)>,
) -> (Success, Vec<String>) {
    let host = Scripted::new(replies);
    let state = job::poll(&PACK, &host, &ticket(node)).unwrap();
    let asked = host.requests().into_iter().map(|(line, _)| line).collect();
    match state {
        JobState::Succeeded(success) => (success, asked),
        other => panic!("{other:?}"),
    }
}

fn state(job: Value) -> Result<JobState, NodeError> {
    job::poll(&PACK, &Scripted::new([wrapped(job)]), &ticket(VIDEO))
}

#[test]
fn submit_has_skill_input_and_key() {
    let input = json!({"image_url": "https://p.example/a.png", "prompt": "wind"});
    for options in [json!({}), json!({"project_id": "p-1"})] {
        let host = Scripted::new([wrapped(json!({"job_id": "job_1", "status": "pending"}))])
            .on(Some(connection(&options)));
        let started = job::start(&PACK, &host, VIDEO, &input.to_string(), "key-1").unwrap();
        let (line, body) = host.requests().remove(0);
        assert_eq!(line, "POST https://provider.example/api/jobs");
        let mut expected = json!({"skill_id": VIDEO, "input": input, "idempotency_key": "key-1"});
        if let Some(project) = options.get("project_id") {
            expected["project_id"] = project.clone();
        }
        assert_eq!(body, expected);
        match started {
            Started::Accepted(acceptance) => assert_eq!(acceptance.provider_job_id, "job_1"),
            Started::Finished(completion) => panic!("{completion:?}"),
        }
    }
}

#[test]
fn acceptance_is_read_bare_or_wrapped() {
    let start = |status, body| {
        let input = json!({"image_url": "https://p.example/a.png"}).to_string();
        job::start(&PACK, &Scripted::new([(status, body)]), VIDEO, &input, "k")
    };
    assert!(start(201, json!({"job_id": "j"})).is_ok());
    let error = start(200, refused("no_credit")).unwrap_err();
    assert_eq!(error.charge, Charge::No);
    assert!(matches!(error.cause, ErrorCause::Rejected(fault) if fault.message == "because"));
    let error = start(422, refused("bad_input")).unwrap_err();
    assert!(matches!(error.cause, ErrorCause::Rejected(fault)
        if fault.code.as_deref() == Some("bad_input")));
    for body in [
        json!({}),
        json!({"ok": true}),
        json!({"ok": true, "data": {"id": "j"}}),
    ] {
        let error = start(200, body).unwrap_err();
        assert!(matches!(error.cause, ErrorCause::OutcomeUnknown(_)));
    }
}

#[test]
fn refusal_with_ok_false_is_read_by_its_code() {
    let start = |body| {
        let input = json!({"image_url": "https://p.example/a.png"}).to_string();
        job::start(&PACK, &Scripted::new([(200, body)]), VIDEO, &input, "k").unwrap_err()
    };
    let poll = |body| {
        let host = Scripted::new([(200, body)]);
        job::poll(&PACK, &host, &ticket(VIDEO)).unwrap_err()
    };
    for code in ["429", "rate_limited", "TOO_MANY_REQUESTS"] {
        let error = start(refused(code));
        assert!(matches!(error.cause, ErrorCause::Throttled(_)), "{code}");
        assert_eq!((error.charge, error.next), (Charge::No, NextStep::Retry));
        let error = poll(refused(code));
        assert!(matches!(error.cause, ErrorCause::Throttled(_)), "{code}");
    }
    for code in ["401", "403", "unauthorized", "Forbidden"] {
        let error = start(refused(code));
        assert!(matches!(error.cause, ErrorCause::Unauthorized(_)), "{code}");
        assert_eq!(error.charge, Charge::No);
        let error = poll(refused(code));
        assert!(matches!(error.cause, ErrorCause::Unauthorized(_)), "{code}");
        assert_eq!(error.charge, Charge::Unknown);
    }
    for (place, job) in [
        ("data", json!({"job_id": "j-77"})),
        ("job_id", json!("j-77")),
    ] {
        let mut body = refused("no_credit");
        body[place] = job;
        let error = start(body);
        assert_eq!(error.charge, Charge::Unknown);
        assert!(matches!(error.cause, ErrorCause::OutcomeUnknown(fault)
            if fault.message.contains("`j-77`") && fault.message.contains("because")));
    }
}

#[test]
fn page_or_empty_reply_to_a_cancellation_is_no_confirmation() {
    let page = Reply {
        body: b"<!DOCTYPE html><title>cancelled</title>".to_vec(),
        ..Reply::default()
    };
    for status in [200, 204] {
        for reply in [page.clone(), Reply::default()] {
            let host = Scripted::with([Ok(Reply { status, ..reply })]);
            let answer = job::cancel(&PACK, &host, &ticket(VIDEO)).unwrap();
            assert_eq!(answer, Cancellation::Requested);
        }
    }
}

#[test]
fn poll_maps_each_state_of_popiart() {
    for (word, stage) in [
        ("pending", Stage::Queued),
        ("running", Stage::Running),
        ("archived", Stage::Unrecognized),
    ] {
        match state(json!({"job_id": "j", "status": word, "added": [1]})) {
            Ok(JobState::Waiting(progress)) => assert_eq!(progress.stage, stage),
            other => panic!("{other:?}"),
        }
    }
    let failed = json!({"status": "failed", "error": {"code": "c", "message": "too dark"}});
    match state(failed) {
        Ok(JobState::Failed(failure)) => {
            assert_eq!(failure.fault.message, "too dark");
            assert_eq!(failure.settlement.charge, Charge::Unknown);
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        state(json!({"status": "cancelled"})),
        Ok(JobState::Cancelled(_))
    ));
    for job in [json!({}), json!({"status": 2}), Value::Null] {
        let error = state(job).unwrap_err();
        assert!(matches!(error.cause, ErrorCause::ProtocolViolation(_)));
    }
    let error = job::poll(
        &PACK,
        &Scripted::new([(200, refused("odd"))]),
        &ticket(VIDEO),
    )
    .unwrap_err();
    assert!(matches!(error.cause, ErrorCause::ProtocolViolation(_)));
    for reply in [(404, refused("gone")), (200, refused("job_not_found"))] {
        let error = job::poll(&PACK, &Scripted::new([reply]), &ticket(VIDEO)).unwrap_err();
        assert!(matches!(error.cause, ErrorCause::JobLost(_)));
    }
}

const BASE: &str = "https://provider.example/api";

#[test]
fn artifact_without_a_url_is_fetched_with_the_credential() {
    let (success, asked) = success_of(
        VIDEO,
        [
            wrapped(json!({"status": "done", "artifact_ids": ["art/0", "art/1"]})),
            wrapped(json!({"items": [
                {"id": "art/0", "content_type": "image/png", "url": "https://cdn.example/frame.png"},
                {"id": "art/1", "content_type": "video/mp4", "size_bytes": 9},
            ]})),
            wrapped(
                json!({"id": "art/1", "job_id": "job/1", "sha256": format!("sha256:{}", "AB".repeat(32)), "media_id": "m-1"}),
            ),
        ],
    );
    assert_eq!(
        asked,
        [
            format!("GET {BASE}/jobs/job%2F1"),
            format!("GET {BASE}/jobs/job%2F1/artifacts"),
            format!("GET {BASE}/artifacts/art%2F1"),
        ]
    );
    let media = &success.media[0];
    assert_eq!(media.url, format!("{BASE}/artifacts/art%2F1/content"));
    assert!(media.needs_credential);
    assert_eq!(media.media_type.as_deref(), Some("video/mp4"));
    assert_eq!(media.sha256, Some("ab".repeat(32)));
    let output: Value = serde_json::from_str(&success.output).unwrap();
    assert_eq!(
        output,
        json!({"job_id": "job/1", "status": "done", "artifact_ids": ["art/0", "art/1"],
            "primary_artifact_id": "art/1", "media_id": "m-1", "url": media.url})
    );
    assert_eq!(success.settlement.charge, Charge::Yes);
}

#[test]
fn artifact_with_a_url_needs_no_further_request() {
    let done = json!({"status": "done", "artifact_ids": ["a"]});
    for (url, fetched, needs_credential) in [
        (
            "https://cdn.example/a.png?e=1",
            "https://cdn.example/a.png?e=1",
            false,
        ),
        ("/media/a.png", "https://provider.example/media/a.png", true),
        (
            "https://provider.example/m/a",
            "https://provider.example/m/a",
            true,
        ),
        (
            "https://provider.example.evil/a",
            "https://provider.example.evil/a",
            false,
        ),
        ("//evil.example/a", "https://evil.example/a", false),
        (
            "a.png",
            "https://provider.example/api/jobs/job%2F1/a.png",
            true,
        ),
    ] {
        let list = json!({"items": [{"id": "a", "content_type": "image/png", "url": url}]});
        let (success, asked) = success_of(IMAGE, [(200, done.clone()), (200, list)]);
        assert_eq!(asked.len(), 2);
        let media = &success.media[0];
        assert_eq!(
            (media.url.as_str(), media.needs_credential),
            (fetched, needs_credential)
        );
    }
}

#[test]
fn artifact_listed_only_in_the_job_is_found() {
    let (success, asked) = success_of(
        IMAGE,
        [
            wrapped(json!({"status": "done", "artifact_ids": ["a"]})),
            wrapped(json!({"items": []})),
            (404, refused("unknown_artifact")),
        ],
    );
    assert_eq!(asked.len(), 3);
    assert_eq!(success.media[0].url, format!("{BASE}/artifacts/a/content"));

    let host = Scripted::new([
        wrapped(json!({"status": "done", "artifact_ids": []})),
        wrapped(json!({"items": [{"id": "x", "content_type": "text/plain"}]})),
    ]);
    assert_eq!(no_result(&host), "");
}

/// What PopiArt says about a job that is done without a result.
fn no_result(host: &Scripted) -> String {
    match job::poll(&PACK, host, &ticket(IMAGE)) {
        Ok(JobState::Failed(failure)) => {
            assert_eq!(failure.fault.code.as_deref(), Some("no_result"));
            assert_eq!(failure.settlement.charge, Charge::Unknown);
            let place = "no result at /output/url, /url or /items/0/id";
            let said = failure.fault.message.strip_prefix(place);
            said.expect("the place").to_owned()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn job_that_is_done_without_an_artifact_is_a_failure_with_popiarts_words() {
    let filtered = "; the provider answered: removed by a filter";
    for (job, listing, said) in [
        (
            json!({"status": "done", "output": null}),
            json!({"items": []}),
            "",
        ),
        (
            json!({"status": "done", "output": {"url": ""}}),
            json!([]),
            "",
        ),
        (
            json!({"status": "done", "output": {"reason": "removed by a filter"}}),
            json!({"items": []}),
            filtered,
        ),
        (
            json!({"status": "done", "error": {"message": "removed by a filter"}}),
            json!({"items": []}),
            filtered,
        ),
    ] {
        let host = Scripted::new([wrapped(job.clone()), wrapped(listing)]);
        assert_eq!(no_result(&host), said, "{job}");
    }
    let host = Scripted::new([
        wrapped(json!({"status": "done"})),
        (404, refused("no artifacts")),
    ]);
    assert_eq!(no_result(&host), "");
}

#[test]
fn result_of_a_cancellation_follows_the_jobs_state() {
    let cancel =
        |status, body| job::cancel(&PACK, &Scripted::new([(status, body)]), &ticket(VIDEO));
    let job = |word| json!({"ok": true, "data": {"job_id": "j", "status": word}});
    assert!(matches!(
        cancel(200, job("cancelled")),
        Ok(Cancellation::Cancelled(_))
    ));
    assert!(matches!(
        cancel(200, job("done")),
        Ok(Cancellation::TooLate)
    ));
    assert!(matches!(
        cancel(202, job("running")),
        Ok(Cancellation::Requested)
    ));
    assert!(matches!(
        cancel(409, refused("ended")),
        Ok(Cancellation::TooLate)
    ));
    assert!(matches!(
        cancel(405, json!({})),
        Ok(Cancellation::Unsupported)
    ));
    assert!(cancel(404, refused("unknown")).is_err());
}

#[test]
fn local_picture_becomes_an_artifact() {
    let file = LocalFile {
        media_type: "image/png".into(),
        byte_length: 9,
        file_name: "a.png".into(),
    };
    let host = Scripted::new([]);
    match media::plan_upload(&PACK, &host, IMAGE, "/source_artifact_id", &file).unwrap() {
        Step::Upload(upload) => {
            assert_eq!(
                (upload.method.as_str(), upload.path.as_str()),
                ("POST", "/artifacts/upload")
            );
            let Body::Multipart(form) = upload.body else {
                panic!("a form")
            };
            assert_eq!(form.file_part, "file");
            let visibility = ("visibility".to_owned(), "private".to_owned());
            assert_eq!(form.fields, [("role".into(), "source".into()), visibility]);
        }
        step => panic!("{step:?}"),
    }
    let uploaded = |field: &str, status, body: Value| {
        media::uploaded(&PACK, &host, IMAGE, field, status, body.to_string())
    };
    let artifact = json!({"ok": true, "data": {"id": "art_1", "url": "https://cdn.example/a"}});
    for (field, value) in [
        ("/source_artifact_id", "\"art_1\""),
        ("/image_url", "\"https://cdn.example/a\""),
    ] {
        match uploaded(field, 201, artifact.clone()).unwrap() {
            Step::Value(text) => assert_eq!(text, value),
            step => panic!("{step:?}"),
        }
    }
    for (status, body) in [
        (200, json!({"id": "art_1"})),
        (200, refused("full")),
        (413, json!({})),
    ] {
        let error = uploaded("/image_url", status, body).unwrap_err();
        assert_eq!(error.charge, Charge::No);
    }
}

fn plan(node: &str, input: &Value, connected: Option<&Value>) -> Result<Plan, NodeError> {
    let options = CheckOptions {
        profile: Profile::Strict,
        preview_request: connected.is_some(),
    };
    let host = Scripted::new([]).on(connected.map(connection));
    job::check(&PACK, &host, node, &input.to_string(), options)
}

/// Path and keyword of each violation.
fn violations(node: &str, input: &Value, connected: Option<&Value>) -> Vec<(String, String)> {
    match plan(node, input, connected) {
        Err(NodeError {
            cause: ErrorCause::InvalidInput(violations),
            ..
        }) => violations
            .into_iter()
            .map(|found| (found.instance_path, found.keyword))
            .collect(),
        Ok(_) => Vec::new(),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn first_given_source_is_used() {
    let sent = |input: Value| {
        let plan = plan(IMAGE, &input, Some(&json!({}))).unwrap();
        let request: Value = serde_json::from_str(&plan.request.unwrap()).unwrap();
        let notes: Vec<_> = plan
            .notes
            .into_iter()
            .map(|note| (note.instance_path, note.adjustment))
            .collect();
        (request["body"]["input"].clone(), notes)
    };
    let all = json!({"prompt": "p", "source_artifact_id": "a", "image_url": "u",
        "reference_image_url": "r"});
    assert_eq!(
        sent(all),
        (
            json!({"prompt": "p", "source_artifact_id": "a"}),
            vec![
                ("/image_url".into(), NotForwarded),
                ("/reference_image_url".into(), Dropped)
            ]
        )
    );
    let alias =
        json!({"prompt": "p", "source_artifact_id": " ", "reference_image_url": "https://a.b/r"});
    assert_eq!(
        sent(alias),
        (
            json!({"prompt": "p", "image_url": "https://a.b/r"}),
            vec![
                ("/source_artifact_id".into(), Dropped),
                ("/reference_image_url".into(), Coerced)
            ]
        )
    );
    for node in [IMAGE, VIDEO] {
        let nothing = json!({"prompt": "p", "image_url": ""});
        assert_eq!(
            violations(node, &nothing, None),
            [(String::new(), "anyOf".to_owned())]
        );
    }
}

#[test]
fn clip_shorter_than_the_connections_minimum_is_rejected() {
    let input = |name: &str, value: f64| json!({"image_url": "u", name: value});
    let refused = |name: &str| vec![(format!("/{name}"), "minimum".to_owned())];
    let short = json!({"shortest_clip_s": 2.5});
    assert_eq!(
        violations(VIDEO, &input("duration_s", 4.9), None),
        refused("duration_s")
    );
    assert_eq!(
        violations(VIDEO, &input("seconds", 3.0), None),
        refused("seconds")
    );
    assert_eq!(violations(VIDEO, &input("seconds", 5.0), None), []);
    assert_eq!(
        violations(VIDEO, &input("duration_s", 3.0), Some(&short)),
        []
    );
    assert_eq!(
        violations(VIDEO, &input("duration_s", 2.0), Some(&short)),
        refused("duration_s")
    );
    // The form schema has the limit for both names.
    let both = json!({"image_url": "u", "duration_s": 6, "seconds": 1});
    assert_eq!(violations(VIDEO, &both, None), refused("seconds"));
    let both = json!({"image_url": "u", "duration_s": 6, "seconds": 5});
    let read = plan(VIDEO, &both, None).unwrap().input;
    assert_eq!(read, r#"{"duration_s":6,"image_url":"u"}"#);
}

#[test]
fn schema_names_every_option_and_its_default() {
    let schema: Value = serde_json::from_str(options::SCHEMA).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    assert_eq!(properties.len(), 4);
    let read = |options: Value| Options::read(&connection(&options)).unwrap();
    let built_in = read(json!({}));
    assert!(
        (properties["shortest_clip_s"]["default"].as_f64().unwrap() - built_in.shortest_clip_s)
            .abs()
            < 1e-9
    );
    assert_eq!(properties["visibility"]["default"], built_in.visibility);
    assert!(built_in.project_id.is_empty());
    for name in properties.keys() {
        assert!(
            Options::read(&connection(&json!({ name: [1] }))).is_err(),
            "{name}"
        );
    }
}

/// The URLs of the result's places, in order.
fn places(job: Value, listing: (u16, Value), details: Option<(u16, Value)>) -> Vec<String> {
    let replies = [wrapped(job), listing].into_iter().chain(details);
    let (success, _) = success_of(VIDEO, replies);
    success.media.into_iter().map(|media| media.url).collect()
}

const CONTENT: &str = "https://provider.example/api/artifacts/a-1/content";

#[test]
fn unreadable_listing_or_details_hide_no_place_that_is_known() {
    let job = json!({"status": "done", "primary_artifact_id": "a-1"});
    let with_url = json!({"status": "done", "primary_artifact_id": "a-1", "url": "https://c.d/1"});
    for status in [401, 403, 404, 410, 429, 500, 503] {
        let refused = (status, refused("no"));
        let found = places(job.clone(), refused.clone(), Some(refused.clone()));
        assert_eq!(found, [CONTENT], "{status}");
        let found = places(with_url.clone(), wrapped(json!([])), Some(refused));
        assert_eq!(found, [CONTENT, "https://c.d/1"], "{status}");
    }
    for odd in [
        json!([]),
        json!("ok"),
        json!(7),
        Value::Null,
        json!({"url": 5}),
    ] {
        let found = places(job.clone(), wrapped(odd.clone()), Some(wrapped(odd)));
        assert_eq!(found, [CONTENT]);
    }
}

#[test]
fn artifacts_are_read_in_every_form_of_a_listing() {
    let done = json!({"status": "done"});
    let listed = |item: Value| places(done.clone(), wrapped(json!([item])), None);
    let numeric = listed(json!({"id": 7, "content_type": "Video/MP4", "url": "https://c.d/7"}));
    let content = "https://provider.example/api/artifacts/7/content";
    assert_eq!(numeric, ["https://c.d/7", content]);
    assert_eq!(listed(json!({"url": "https://c.d/8"})), ["https://c.d/8"]);
    let opaque =
        json!({"id": "a", "content_type": "application/octet-stream", "url": "https://c.d/11"});
    assert_eq!(listed(opaque)[0], "https://c.d/11");
    let source = json!([{"role": "Source", "url": "https://c.d/9"}, {"url": "https://c.d/10"}]);
    assert_eq!(
        places(done.clone(), wrapped(source), None),
        ["https://c.d/10"]
    );
}

/// A picture that the job started from is of the kind of an img2img's result.
#[test]
fn source_of_the_job_is_no_result() {
    let item = |id: &str| json!({"id": id, "content_type": "image/png", "url": format!("https://c.d/{id}")});
    let done = |input: Value| json!({"status": "done", "input": input});
    for (input, listing) in [
        (
            json!({"source_artifact_id": "src"}),
            json!([item("src"), item("a1")]),
        ),
        (
            json!({"image_url": "https://c.d/src"}),
            json!([item("src"), item("a1")]),
        ),
    ] {
        let replies = [wrapped(done(input)), wrapped(listing)];
        let (success, _) = success_of(IMAGE, replies);
        assert_eq!(success.media[0].url, "https://c.d/a1");
        assert!(
            success
                .media
                .iter()
                .all(|media| media.url != "https://c.d/src")
        );
    }
    // PopiArt may write an id as a number, of any size.
    let id: Value = serde_json::from_str("18446744073709551617").unwrap();
    let mut source = item("src");
    source["id"] = id.clone();
    let input = json!({ "source_artifact_id": id });
    let replies = [wrapped(done(input)), wrapped(json!([source, item("a1")]))];
    let (success, _) = success_of(IMAGE, replies);
    assert_eq!(success.media[0].url, "https://c.d/a1");
    let host = Scripted::new([
        wrapped(done(json!({"source_artifact_id": "src"}))),
        wrapped(json!([item("src")])),
    ]);
    assert_eq!(no_result(&host), "");
}

#[test]
fn enormous_listing_costs_no_more_than_its_first_artifacts() {
    let items: Vec<_> = (0..100_000)
        .map(|number| json!({"id": format!("a{number}"), "url": format!("https://c.d/{number}")}))
        .collect();
    let ids: Vec<_> = items.iter().map(|item| item["id"].clone()).collect();
    let job = json!({"status": "done", "artifact_ids": ids});
    let replies = [wrapped(job), wrapped(json!({"items": items}))];
    let (success, _) = success_of(VIDEO, replies);
    assert_eq!(success.media.len(), 20);
    assert_eq!(success.media[0].url, "https://c.d/0");
    assert!(success.output.len() < 10_000);
}
