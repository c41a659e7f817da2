//! Providers that answer before they have a whole request, and `Expect: 100-continue`.

use std::fs;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::outcome::Outcome;
use crate::support::pictures::picture;
use crate::support::provider::connection;
use crate::support::raw_http::{Answer, Heard, Raw};
use crate::support::sandbox::Sandbox;

/// How often a case with a race is repeated. The host's own tests repeat each 15 times.
const TIMES: usize = 4;

const REFUSED: &str = r#"{"error": {"code": "too_large", "message": "too large"}}"#;
const ACCEPTED: &str = r#"{"id": "j-1", "status": "queued"}"#;
const ENDED: &str = r#"{"id": "j-1", "status": "failed", "error": {"message": "no"}}"#;

const RUN: [&str; 5] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--input",
    "input.json",
];

/// A sandbox with a connection to the server, and an input of several MiB.
fn sandbox(server: &Raw) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.configure(&connection(&server.url(""), ""));
    let image = format!("data:image/png;base64,{}", "iVBORw0KGgo".repeat(450_000));
    let input = json!({"prompt": "p", "image": image});
    sandbox.write("input.json", input.to_string());
    sandbox
}

fn submits(server: &Raw) -> Vec<Heard> {
    let heard = server.heard().into_iter();
    heard
        .filter(|heard| heard.head.starts_with("post /v1/jobs http"))
        .collect()
}

/// The one job of a sandbox.
#[track_caller]
fn job(sandbox: &Sandbox) -> Value {
    let jobs = sandbox.jobs();
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    jobs[0].clone()
}

#[track_caller]
fn assert_refused(outcome: &Outcome, sandbox: &Sandbox) {
    let error = outcome.error("rejected");
    assert_eq!(error["charged"], "no", "{error}");
    let message = error["message"].as_str().expect("a message");
    assert!(message.starts_with("too large"), "{message}");
    assert_eq!(job(sandbox)["state"], "failed");
}

#[test]
fn refusal_before_the_body_is_read_ends_the_submit_uncharged() {
    for (wanted, finishes) in [
        (0, true),
        (64 << 10, true),
        (2 << 20, true),
        (64 << 10, false),
    ] {
        if !finishes && !cfg!(target_os = "linux") {
            // Other systems may drop received bytes after a reset.
            continue;
        }
        for _ in 0..TIMES {
            let early = Answer::early("413 Too Large", REFUSED, wanted, finishes);
            let server = Raw::start([early]);
            let sandbox = sandbox(&server);
            assert_refused(&sandbox.run(RUN), &sandbox);
            assert_eq!(submits(&server).len(), 1);
        }
    }
}

#[test]
fn acceptance_before_the_body_is_read_is_an_acceptance() {
    for _ in 0..TIMES {
        let early = Answer::early("202 Accepted", ACCEPTED, 64 << 10, true);
        let server = Raw::start([early, Answer::reply("200 OK", "", ENDED)]);
        let sandbox = sandbox(&server);
        let outcome = sandbox.run(RUN);
        assert_eq!(outcome.json()["error"]["provider_job_id"], "j-1");
        assert_eq!(submits(&server).len(), 1);
    }
}

#[test]
fn large_body_is_sent_after_the_provider_asked_for_it() {
    let server = Raw::start([
        Answer::early("413 Too Large", REFUSED, 0, true),
        Answer::reply("202 Accepted", "", ACCEPTED),
        Answer::reply("200 OK", "", ENDED),
    ]);
    let refused = sandbox(&server);
    assert_refused(&refused.run(RUN), &refused);
    let sent = sandbox(&server);
    sent.run(RUN);
    let submits = submits(&server);
    assert_eq!(submits[0].body, 0, "{submits:?}");
    assert!(submits[1].body > 4 << 20, "{submits:?}");
    for submit in submits {
        assert!(submit.head.contains("\r\nexpect: 100-continue\r\n"));
    }
}

#[test]
fn failed_expectation_is_one_submit_with_one_row_and_one_key() {
    let server = Raw::start([
        Answer::early("417 Expectation Failed", "", 0, true),
        Answer::reply("202 Accepted", "", ACCEPTED),
        Answer::reply("200 OK", "", ENDED),
    ]);
    let sandbox = sandbox(&server);
    let outcome = sandbox.run(RUN);
    assert_eq!(outcome.json()["error"]["provider_job_id"], "j-1");
    job(&sandbox);
    let submits = submits(&server);
    let [first, second] = &submits[..] else {
        panic!("two requests: {submits:?}")
    };
    assert_eq!(first.body, 0);
    assert!(second.body > 4 << 20, "{second:?}");
    // Each exchange is a span of its own.
    let without = |head: &str| {
        let lines = head.split("\r\n");
        let kept = lines.filter(|line| !line.starts_with("traceparent: "));
        kept.filter(|line| *line != "expect: 100-continue")
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(without(&first.head), without(&second.head));
    assert!(second.head.contains("\r\nidempotency-key: "));
}

#[test]
fn refusal_of_an_upload_before_its_bytes_are_read_names_it() {
    for (wanted, finishes) in [(0, true), (64 << 10, true)] {
        for _ in 0..TIMES {
            let early = Answer::early("413 Too Large", REFUSED, wanted, finishes);
            let server = Raw::start([early]);
            let sandbox = sandbox(&server);
            // What follows the end of a PNG is not read by decoders.
            let mut bytes = picture(ImageFormat::Png);
            bytes.resize(6 << 20, 0);
            fs::write(sandbox.path("a.png"), bytes).expect("a picture");
            let run = ["--json", "run", "image_to_video_v3", "--image", "a.png"];
            let outcome = sandbox.run(run.into_iter().chain(["--set", "prompt=p"]));
            let error = outcome.error("rejected");
            assert_eq!(error["charged"], "no", "{error}");
            let [upload] = &server.heard()[..] else {
                panic!("one request")
            };
            assert!(upload.head.starts_with("post /v1/files http"));
            assert!(upload.head.contains("\r\nexpect: 100-continue\r\n"));
        }
    }
}
