//! A provider whose one job runs until the test ends it, and runs that stop before.

use serde_json::{Value, json};

use super::cases::accepted;
use super::outcome::Outcome;
use super::provider::{Reply, Script, Server};
use super::sandbox::{CANARY_PROMPT, Sandbox};

pub(crate) const SUBMIT: &str = "POST /v1/jobs";
pub(crate) const POLL: &str = "GET /v1/jobs/j-1";
pub(crate) const CANCEL: &str = "POST /v1/jobs/j-1/cancel";
pub(crate) const RUN: [&str; 9] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--input",
    "input.json",
    "--out",
    "clip.mp4",
    "--key",
    "order-66",
];

/// A provider whose job runs until [`end_the_job`].
pub(crate) fn slow_provider() -> (Server, Sandbox) {
    let running = Reply::json(
        200,
        json!({"id": "j-1", "status": "running", "poll_after_ms": 100}),
    );
    let provider = Server::start(Script::from([
        (SUBMIT.into(), vec![accepted()]),
        (POLL.into(), vec![running]),
        ("GET /clips/1.mp4".into(), vec![Reply::clip()]),
    ]));
    let sandbox = Sandbox::with_provider(&provider);
    sandbox.write(
        "input.json",
        json!({"prompt": CANARY_PROMPT, "image": "https://p.example/a.png"}).to_string(),
    );
    (provider, sandbox)
}

pub(crate) fn end_the_job(provider: &Server) {
    let video = "{provider}/clips/1.mp4";
    let ended = Reply::json(
        200,
        json!({"id": "j-1", "status": "succeeded", "output": {"video": video}, "charged": true}),
    );
    provider.script(Script::from([(POLL.into(), vec![ended])]));
}

/// Runs until the deadline. Returns the error.
pub(crate) fn run_until_deadline(sandbox: &Sandbox) -> Value {
    let outcome = sandbox.run(RUN.into_iter().chain(["--deadline", "500ms"]));
    assert_eq!(outcome.code, 9, "{outcome:?}");
    outcome.error("deadline")
}

/// Runs the command in the `next` of an error.
pub(crate) fn run_next_command(sandbox: &Sandbox, error: &Value) -> Outcome {
    let next = error["next"].as_str().expect("the next command");
    let arguments = next
        .strip_prefix("zoetrope ")
        .unwrap_or_else(|| panic!("no command: {next}"));
    let arguments = arguments.split(", or").next().unwrap_or_default();
    sandbox.run(["--json"].into_iter().chain(arguments.split(' ')))
}

/// Asserts that the command in `next` finishes an accepted job with one submit.
#[track_caller]
pub(crate) fn is_resumable(provider: &Server, sandbox: &Sandbox, error: &Value) {
    assert_eq!(
        (&error["charged"], &error["provider_job_id"]),
        (&json!("unknown"), &json!("j-1"))
    );
    assert!(!sandbox.path("clip.mp4").exists());
    end_the_job(provider);
    let answer = run_next_command(sandbox, error).answer();
    assert_eq!(
        (&answer["job"], &answer["key"]),
        (&error["job"], &json!("order-66"))
    );
    assert_eq!(
        answer["file"],
        sandbox.path("clip.mp4").to_str().expect("a path"),
        "the target of the first run"
    );
    assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
}
