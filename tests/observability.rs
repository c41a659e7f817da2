//! Logs and traces: events, spans, formats, and the receivers of a trace context.

use std::collections::BTreeSet;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::outcome::Outcome;
use crate::support::pictures::picture;
use crate::support::provider::{Arrived, Reply, Script, Server};
use crate::support::sandbox::{CANARY_KEY, CANARY_PROMPT, Sandbox};

const CALLER: &str = "0af7651916cd43dd8448eb211c80319c";

/// A provider that accepts a job, and a storage server with its clip.
struct Fixture {
    provider: Server,
    storage: Server,
    sandbox: Sandbox,
}

impl Fixture {
    fn new(submit: Vec<Reply>, options: &str) -> Self {
        let storage = Server::start(Script::from([("GET /1.mp4".into(), vec![Reply::clip()])]));
        let ended =
            json!({"status": "succeeded", "output": {"video": "{storage}/1.mp4?signature=x"}});
        let provider = Server::start(Script::from([
            (
                "POST /v1/files".into(),
                vec![Reply::json(200, json!({"url": "https://p.example/a.png"}))],
            ),
            ("POST /v1/jobs".into(), submit),
            (
                "GET /v1/jobs/j-1".into(),
                vec![Reply::json(503, json!({})), Reply::json(200, ended)],
            ),
        ]));
        provider.name("storage", storage.url());
        let sandbox = Sandbox::new();
        let more = format!("{}\n{options}", storage.as_result_origin());
        sandbox.configure(&provider.connection(&more));
        sandbox.write("a.png", picture(ImageFormat::Png));
        Self {
            provider,
            storage,
            sandbox,
        }
    }

    fn run(&self, more: &[&str], environment: &[(&str, &str)]) -> Outcome {
        let prompt = format!("prompt={CANARY_PROMPT}");
        let always = [
            "--json",
            "run",
            "image_to_video_v3",
            "--image",
            "a.png",
            "--set",
            &prompt,
        ];
        let mut command = self.sandbox.command(always);
        command.args(["--set", "frame_rate=1", "--out", "clip.mp4"]);
        command.args(more).envs(environment.iter().copied());
        self.sandbox.start(command).end()
    }
}

/// The lines of a JSON log, without the messages for users between them.
#[track_caller]
fn events(outcome: &Outcome) -> Vec<Value> {
    let lines = outcome.stderr.lines().filter(|line| line.starts_with('{'));
    let events: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(!events.is_empty(), "{outcome:?}");
    events
}

fn spans(event: &Value) -> Vec<&str> {
    let spans = event["spans"].as_array();
    let names = spans
        .into_iter()
        .flatten()
        .map(|span| span["name"].as_str());
    names.flatten().collect()
}

fn with_message<'a>(events: &'a [Value], message: &str) -> Vec<&'a Value> {
    let events = events.iter();
    events
        .filter(|event| event["fields"]["message"] == message)
        .collect()
}

#[test]
fn log_spans_nest_requests_in_calls_and_calls_in_jobs() {
    let fixture = Fixture::new(vec![accepted()], "");
    let outcome = fixture.run(&["--log-format", "json"], &[("ZOETROPE_LOG", "debug")]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let events = events(&outcome);
    for event in &events {
        for key in ["timestamp", "level", "target"] {
            assert!(event[key].is_string(), "{key}: {event}");
        }
        assert!(event["fields"]["message"].is_string(), "{event}");
    }
    let answered = with_message(&events, "a request was answered");
    let requests: Vec<_> = answered.iter().map(|event| spans(event)).collect();
    let of_a_call = vec!["job", "call", "request"];
    let of_a_job = vec!["job", "request"];
    // Upload, submit, two polls, download.
    let expected = [&of_a_job, &of_a_call, &of_a_call, &of_a_call, &of_a_job];
    assert_eq!(requests.iter().collect::<Vec<_>>(), expected);

    let submit = &answered[1]["spans"];
    let [job, call, request] = &submit.as_array().expect("spans")[..] else {
        panic!("{submit}");
    };
    let job_id = outcome.answer()["job"].clone();
    assert_eq!(job["id"], job_id);
    assert_eq!(job["node"], "image_to_video_v3");
    assert_eq!(
        (&job["state"], &job["connection"]),
        (&json!("queued"), &json!("scripted"))
    );
    assert_eq!(call["kind"], "start");
    assert_eq!(call["component"].as_str().map(str::len), Some(12));
    assert_eq!(request["method"], "POST");
    assert_eq!(
        request["url"],
        json!(format!("{}/v1/jobs", fixture.provider.url()))
    );
    assert_eq!(
        (&request["status"], &request["reused"]),
        (&json!(201), &json!(false))
    );
    for size in ["sent", "received"] {
        assert!(
            request[size].as_u64().is_some_and(|bytes| bytes > 0),
            "{request}"
        );
    }
    assert!(request["milliseconds"].is_u64(), "{request}");
    let checked = with_message(&events, "the call ended");
    let checked = checked
        .iter()
        .find(|event| event["spans"][0]["kind"] == "check");
    assert_eq!(spans(checked.expect("a check")), ["call"]);
}

#[test]
fn main_events_of_a_job_are_logged_at_info() {
    let fixture = Fixture::new(
        vec![Reply::json(503, json!({})), accepted()],
        "idempotency = \"24h\"",
    );
    let outcome = fixture.run(
        &[],
        &[("ZOETROPE_LOG", "info"), ("ZOETROPE_LOG_FORMAT", "json")],
    );
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let events = events(&outcome);
    let logged: Vec<_> = events
        .iter()
        .map(|event| event["fields"]["message"].as_str().unwrap_or_default())
        .collect();
    for message in [
        "this process drives the jobs",
        "the submit is sent",
        "the job will be tried again",
        "the provider has accepted the job",
        "the provider has made the result",
        "the download begins",
        "the download ended",
        "the file has its final name",
        "this process no longer drives",
    ] {
        assert!(logged.contains(&message), "{message}: {logged:?}");
    }
    assert!(events.iter().all(|event| event["level"] != "DEBUG"));
    let quiet = fixture.sandbox.run(["--json", "jobs"]);
    assert_eq!(quiet.stderr, "");
}

/// The trace and span of a request.
#[track_caller]
fn trace_of(request: &Arrived) -> (String, String) {
    let parent = request.header("traceparent");
    let parts: Vec<_> = parent.expect("a traceparent").split('-').collect();
    let [version, trace, span, flags] = parts[..] else {
        panic!("{parent:?}");
    };
    assert_eq!((version, flags), ("00", "01"));
    (trace.to_owned(), span.to_owned())
}

#[test]
fn traceparent_of_a_job_is_sent_to_its_provider_only() {
    let lost: Reply = serde_json::from_value(json!({"instead": "close"})).expect("a reply");
    let fixture = Fixture::new(vec![lost, accepted()], "idempotency = \"24h\"");
    let detached = fixture.run(&["--detach"], &[]);
    assert_eq!(detached.code, 0, "{detached:?}");
    assert_eq!(
        fixture
            .sandbox
            .run(["--json", "jobs", "resume", "--all"])
            .code,
        0
    );
    let job = fixture.sandbox.jobs()[0]["id"]
        .as_str()
        .expect("an id")
        .replace('-', "");
    let arrived = fixture.provider.arrived();
    let (traces, spans): (BTreeSet<_>, BTreeSet<_>) = arrived.iter().map(trace_of).unzip();
    assert_eq!(traces, BTreeSet::from([job]));
    assert_eq!(spans.len(), arrived.len(), "a span for each request");
    // Upload, the lost submit, the same submit with another span, polls.
    assert_eq!(fixture.provider.counts()["POST /v1/jobs"], 2);
    for request in fixture.storage.arrived() {
        assert_eq!(request.header("traceparent"), None, "{request:?}");
    }
    assert_eq!(fixture.storage.arrived().len(), 1);
}

#[test]
fn valid_traceparent_of_the_caller_is_continued() {
    let fixture = Fixture::new(vec![accepted()], "");
    let parent = format!("00-{CALLER}-b7ad6b7169203331-01");
    let outcome = fixture.run(
        &["--log-format", "json"],
        &[
            ("ZOETROPE_LOG", "info"),
            ("TRACEPARENT", &parent),
            ("TRACESTATE", "a=1,b=2"),
        ],
    );
    assert_eq!(outcome.code, 0, "{outcome:?}");
    for request in fixture.provider.arrived() {
        let (trace, span) = trace_of(&request);
        assert_eq!(trace, CALLER);
        assert_ne!(span, "b7ad6b7169203331");
        assert_eq!(request.header("tracestate"), Some("a=1,b=2"));
    }
    assert_eq!(fixture.storage.arrived()[0].header("tracestate"), None);
    // An event of the job links the two traces.
    let events = events(&outcome);
    let placed = with_message(&events, "the file has its final name");
    let job = &placed[0]["spans"][0];
    assert_eq!(job["caller"], json!(parent));
    let own = job["id"].as_str().map(|id| id.replace('-', ""));
    assert_eq!(job["trace_id"].as_str(), own.as_deref());
}

#[test]
fn malformed_traceparent_of_the_caller_is_ignored() {
    let fixture = Fixture::new(vec![accepted()], "");
    let malformed = format!("00-{CALLER}-{CANARY_KEY}");
    let outcome = fixture.run(&[], &[("TRACEPARENT", &malformed)]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(
        outcome.stderr.contains("TRACEPARENT is malformed"),
        "{outcome:?}"
    );
    for request in fixture.provider.arrived() {
        assert_ne!(trace_of(&request).0, CALLER);
        assert_eq!(request.header("tracestate"), None);
    }
}

#[test]
fn invalid_log_levels_are_reported_as_a_warning() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["nodes", "--log-format", "json"]);
    command.env("ZOETROPE_LOG", "zoetrope=loud");
    let outcome = sandbox.start(command).end();
    assert_eq!(outcome.code, 0);
    assert_eq!(events(&outcome)[0]["level"], "WARN");
}

#[cfg(feature = "otlp")]
#[test]
fn exported_spans_have_the_ids_that_were_sent_to_the_provider() {
    use crate::support::canary::forms;

    let taken = Script::from([("POST /v1/traces".into(), vec![Reply::json(200, json!({}))])]);
    let collector = Server::start(taken);
    let fixture = Fixture::new(vec![accepted()], "");
    let outcome = fixture.run(&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url())]);
    let job = outcome.answer()["job"]
        .as_str()
        .expect("an id")
        .replace('-', "");
    let mut spans = Vec::new();
    for export in collector.arrived() {
        let text = String::from_utf8_lossy(&export.body).into_owned();
        for form in forms(CANARY_KEY).iter().chain(&forms(CANARY_PROMPT)) {
            assert!(!text.contains(form), "{text}");
        }
        for resource in export.json()["resourceSpans"]
            .as_array()
            .expect("resources")
        {
            for scope in resource["scopeSpans"].as_array().expect("scopes") {
                spans.extend(scope["spans"].as_array().expect("spans").clone());
            }
        }
    }
    let of_the_job = |span: &&Value| span["traceId"] == json!(job);
    let ids = |name: &str| {
        let named = spans
            .iter()
            .filter(of_the_job)
            .filter(|span| span["name"] == name);
        let ids = named.map(|span| span["spanId"].as_str().expect("an id").to_owned());
        ids.collect::<BTreeSet<_>>()
    };
    assert!(
        !ids("job").is_empty() && !ids("call").is_empty(),
        "{spans:?}"
    );
    let sent: BTreeSet<_> = fixture
        .provider
        .arrived()
        .iter()
        .map(|one| trace_of(one).1)
        .collect();
    assert!(sent.is_subset(&ids("request")), "{sent:?}: {spans:?}");
}
