//! Uploads and cancellations of a hostile pack: what it may cost beside the submit, counted at the
//! provider.

use image::ImageFormat;
use serde_json::{Value, json};
use zoetrope_host::media::file_url;

use crate::support::hostile::{hostile_asking_and_listing, run_node, sandbox_with};
use crate::support::outcome::Outcome;
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

const UPLOAD: &str = "POST /v1/files";
const SUBMIT: &str = "POST /v1/jobs";
const CANCEL: &str = "POST /v1/jobs/j-1/cancel";

/// The component with ten picture fields, which asks for these routes.
fn component() -> Vec<u8> {
    let manifest = json!({
        "format": 1, "name": "guest", "version": "1", "connections": ["pixelml"],
        "uploads": [UPLOAD], "cancels": ["POST /v1/jobs/*/cancel", "POST /v1/*"],
    });
    let fields: Vec<_> = (0..10).map(|field| format!("/pictures/{field}")).collect();
    hostile_asking_and_listing(&manifest.to_string(), &json!({ "inputs": fields }))
}

/// A provider that answers uploads with these replies.
fn provider(uploads: Vec<Reply>) -> Server {
    Server::start(Script::from([
        (UPLOAD.into(), uploads),
        (SUBMIT.into(), vec![Reply::json(200, json!({}))]),
    ]))
}

/// The plan of an upload.
fn upload(path: &str) -> Value {
    json!({"then": {"upload": {"method": "POST", "path": path}}})
}

fn value() -> Value {
    json!({"then": {"value": "\"https://files.example/1\""}})
}

/// Runs with so many fields that name one picture, whose name is the plan of its upload.
fn run(sandbox: &Sandbox, plan: &Value, fields: usize, more: &[&str]) -> Outcome {
    run_answering(sandbox, plan, fields, &Value::Null, more)
}

/// The same with this answer to the reply to the submit; null: the job is accepted.
fn run_answering(
    sandbox: &Sandbox,
    plan: &Value,
    fields: usize,
    answer: &Value,
    more: &[&str],
) -> Outcome {
    let name = plan.to_string().replace('/', "\\u002f");
    let path = sandbox.write(&name, picture(ImageFormat::Png));
    let fail = json!({"fail": {"message": "no"}});
    let submit = json!([{"request": {"body": {"text": "{}"}}}]);
    let input = json!({
        "pictures": vec![file_url::of(&path); fields],
        "start": {"do": submit, "then": answer},
        "poll": {"then": fail},
    });
    run_node(sandbox, "hostile", &input, more)
}

fn count(provider: &Server, line: &str) -> usize {
    provider.counts().get(line).copied().unwrap_or_default()
}

#[test]
fn chain_of_uploads_of_one_picture_is_one_upload() {
    let provider = provider(vec![Reply::json(200, upload("/v1/files"))]);
    let sandbox = sandbox_with(&component(), &provider);
    for _ in 0..2 {
        let outcome = run(&sandbox, &upload("/v1/files"), 1, &["--key", "order-66"]);
        let error = outcome.error("denied");
        assert_eq!(error["charged"], "unknown", "{error}");
        assert_eq!(error["phase"], "upload", "{error}");
    }
    assert_eq!(provider.counts().values().sum::<usize>(), 1);
}

#[test]
fn job_that_is_refused_after_an_upload_is_not_without_charge() {
    let provider = provider(vec![Reply::json(200, value())]);
    provider.script(Script::from([(
        SUBMIT.into(),
        vec![Reply::json(400, json!({}))],
    )]));
    let sandbox = sandbox_with(&component(), &provider);
    let refused = json!({"error": {"cause": "rejected", "message": "too dark"}});
    let plan = upload("/v1/files");
    run_answering(&sandbox, &plan, 1, &refused, &["--key", "order-66"]).error("rejected");
    assert_eq!((count(&provider, UPLOAD), count(&provider, SUBMIT)), (1, 1));
    let job = sandbox.jobs().remove(0);
    assert_eq!(job["charged"], "unknown", "{job}");
}

#[test]
fn ten_fields_that_name_one_picture_are_one_upload() {
    let provider = provider(vec![Reply::json(200, value())]);
    let sandbox = sandbox_with(&component(), &provider);
    run(&sandbox, &upload("/v1/files"), 10, &["--key", "order-66"]).error("failed");
    assert_eq!((count(&provider, UPLOAD), count(&provider, SUBMIT)), (1, 1));
    // The same command finds the job.
    run(&sandbox, &upload("/v1/files"), 10, &["--key", "order-66"]).error("failed");
    assert_eq!((count(&provider, UPLOAD), count(&provider, SUBMIT)), (1, 1));
    assert_eq!(sandbox.jobs().len(), 1);
}

#[test]
fn upload_to_another_path_than_the_granted_one_is_not_sent() {
    let provider = provider(vec![Reply::json(200, value())]);
    let sandbox = sandbox_with(&component(), &provider);
    for path in [
        "/v1/jobs",
        "/v1/files/",
        "/v1/files/x",
        "/v1//files",
        "/V1/files",
    ] {
        let error = run(&sandbox, &upload(path), 1, &[]).error("denied");
        assert_eq!(error["charged"], "no", "{error}");
    }
    assert_eq!(provider.arrived().len(), 0);
}

#[test]
fn upload_without_a_reply_is_not_repeated_under_its_key() {
    let provider = provider(vec![Reply::close(), Reply::json(200, value())]);
    let sandbox = sandbox_with(&component(), &provider);
    for _ in 0..3 {
        let outcome = run(&sandbox, &upload("/v1/files"), 1, &["--key", "order-66"]);
        let error = outcome.error("unavailable");
        assert_eq!(error["charged"], "unknown", "{error}");
        assert!(
            error["next"]
                .as_str()
                .is_some_and(|next| next.contains("another --key"))
        );
    }
    assert_eq!(count(&provider, UPLOAD), 1);
    run(&sandbox, &upload("/v1/files"), 1, &["--key", "order-67"]).error("failed");
    assert_eq!(count(&provider, UPLOAD), 2);
}

#[test]
fn refused_upload_ends_its_job_and_is_not_repeated_under_its_key() {
    let refused = || Reply::json(413, json!({"then": {"error": {"cause": "rejected"}}}));
    let provider = provider(vec![refused()]);
    let sandbox = sandbox_with(&component(), &provider);
    for _ in 0..3 {
        let outcome = run(&sandbox, &upload("/v1/files"), 3, &["--key", "order-66"]);
        let error = outcome.error("rejected");
        assert_eq!(error["charged"], "unknown", "{error}");
        assert_eq!(error["phase"], "upload", "{error}");
        assert_eq!(count(&provider, UPLOAD), 1);
    }
    assert_eq!(sandbox.jobs()[0]["state"], "failed");
    assert_eq!(count(&provider, SUBMIT), 0);
}

/// What a stranger's pack says of an upload buys no second one.
#[test]
fn upload_that_a_pack_reports_as_gone_is_not_repeated() {
    let provider = provider(vec![Reply::json(200, value())]);
    provider.script(Script::from([(
        SUBMIT.into(),
        vec![Reply::json(404, json!({}))],
    )]));
    let sandbox = sandbox_with(&component(), &provider);
    let gone = json!({"error": {"cause": "rejected", "message": "upload not found"}});
    let plan = upload("/v1/files");
    for _ in 0..2 {
        run_answering(&sandbox, &plan, 1, &gone, &["--key", "order-66"]).error("rejected");
        assert_eq!((count(&provider, UPLOAD), count(&provider, SUBMIT)), (1, 1));
    }
    assert_eq!(sandbox.jobs()[0]["charged"], "unknown");
}

/// The row says that an upload may be charged before its first byte.
#[cfg(unix)]
#[test]
fn kill_during_an_upload_leaves_an_unknown_charge_and_no_second_upload() {
    let provider = provider(vec![Reply::hang()]);
    let sandbox = sandbox_with(&component(), &provider);
    let path = sandbox.write(
        &upload("/v1/files").to_string().replace('/', "\\u002f"),
        picture(ImageFormat::Png),
    );
    let input = json!({
        "pictures": [file_url::of(&path)],
        "start": {"do": [{"request": {"body": {"text": "{}"}}}]},
    });
    sandbox.write("input.json", input.to_string());
    let words = [
        "--json",
        "--component",
        "hostile.wasm",
        "run",
        "hostile",
        "--input",
        "input.json",
        "--key",
        "order-66",
    ];
    let running = sandbox.start(sandbox.command(words));
    provider.wait_for(UPLOAD, 1);
    running.kill();
    let job = sandbox.jobs().remove(0);
    assert_eq!(
        (&job["state"], &job["charged"]),
        (&json!("queued"), &json!("unknown"))
    );
    let id = job["id"].as_str().expect("an id");
    for _ in 0..2 {
        let outcome = sandbox.run(["--json", "jobs", "resume", id]);
        let error = outcome.error("unavailable");
        assert_eq!(error["charged"], "unknown", "{error}");
    }
    assert_eq!((count(&provider, UPLOAD), count(&provider, SUBMIT)), (1, 0));
}

/// A started job whose `cancel` has this instruction; its id.
fn started(sandbox: &Sandbox, cancel: &Value) -> String {
    let ticket = json!({"poll": {"then": {"wait": {"poll_after_ms": 100}}}, "cancel": cancel});
    let accept = json!({"accept": {"ticket": ticket.to_string(), "id": "j-1"}});
    let submit = json!([{"request": {"body": {"text": "{}"}}}]);
    let input = json!({"start": {"do": submit, "then": accept}});
    let left = run_node(sandbox, "hostile", &input, &["--deadline", "500ms"]).error("deadline");
    left["job"].as_str().expect("an id").to_owned()
}

fn post(url: &str, then: &Value) -> Value {
    let request = json!({"request": {"url": url, "body": {"text": "{}"}}});
    json!({"do": [request, request, request], "then": then})
}

#[test]
fn cancellation_to_the_path_of_the_submit_is_not_sent() {
    // Whatever the component reports.
    for answer in [
        json!({"error": {"cause": "denied"}}),
        json!({"error": {"cause": "not_sent"}}),
        json!("requested"),
    ] {
        let provider = provider(Vec::new());
        let sandbox = sandbox_with(&component(), &provider);
        let id = started(&sandbox, &post("{base}/v1/jobs", &answer));
        for _ in 0..2 {
            let outcome = sandbox.run(["--json", "jobs", "cancel", &id]);
            let error = outcome.error("denied");
            let message = error["message"].as_str().expect("a message");
            assert!(message.contains("a cancellation is not sent"), "{message}");
        }
        assert_eq!(count(&provider, SUBMIT), 1);
    }
}

#[test]
fn cancellation_that_fails_is_sent_once_and_then_polled() {
    let provider = provider(Vec::new());
    provider.script(Script::from([(
        CANCEL.into(),
        vec![Reply::json(500, json!({}))],
    )]));
    let sandbox = sandbox_with(&component(), &provider);
    let failed = json!({"error": {"cause": "unavailable"}});
    let id = started(&sandbox, &post("{base}/v1/jobs/j-1/cancel", &failed));
    let first = sandbox.start(sandbox.command(["--json", "jobs", "cancel", &id]));
    provider.wait_for(CANCEL, 1);
    first.kill();
    for _ in 0..2 {
        let outcome = sandbox.run(["--json", "jobs", "cancel", &id]);
        let error = outcome.error("unavailable");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("requested already"), "{message}");
    }
    assert_eq!((count(&provider, CANCEL), count(&provider, SUBMIT)), (1, 1));
}

#[test]
fn free_cancellation_is_the_word_of_the_pack() {
    let provider = provider(Vec::new());
    provider.script(Script::from([(
        CANCEL.into(),
        vec![Reply::json(200, json!({}))],
    )]));
    let sandbox = sandbox_with(&component(), &provider);
    let free = json!({"cancelled": "no"});
    let id = started(&sandbox, &post("{base}/v1/jobs/j-1/cancel", &free));
    let answer = sandbox.run(["--json", "jobs", "cancel", &id]).answer();
    assert_eq!(answer["charged"], "unknown");
    assert_eq!(answer["reported"], json!({"charged": "no"}));
    let shown = sandbox.run(["jobs", "show", &id]).stdout;
    assert!(shown.contains("the pack reports: not charged"), "{shown}");
    assert_eq!(count(&provider, CANCEL), 1);
}
