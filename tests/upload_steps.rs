//! Uploads of local pictures as a step of their job: shortly before its submit, once, and again
//! when the provider no longer has them.

use std::fs;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

const UPLOAD: &str = "POST /v1/files";
const SUBMIT: &str = "POST /v1/jobs";

const RUN: [&str; 10] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--image",
    "a.png",
    "--set",
    "prompt=pan",
    "--key",
    "order-66",
    "--strict",
];

/// A provider that names each upload by its number, and finishes each job at once.
fn provider() -> Server {
    let uploads = (1..=30).map(|number| {
        let url = format!("https://files.example/{number}?signature=x");
        Reply::json(200, json!({ "url": url }))
    });
    let ended =
        json!({"status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true});
    Server::start(Script::from([
        (UPLOAD.into(), uploads.collect()),
        (SUBMIT.into(), vec![accepted()]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]))
}

fn sandbox(provider: &Server, more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.configure(&provider.connection(more));
    sandbox.write("a.png", picture(ImageFormat::Png));
    sandbox
}

fn counts(provider: &Server) -> (usize, usize) {
    let counts = provider.counts();
    let of = |line| counts.get(line).copied().unwrap_or_default();
    (of(UPLOAD), of(SUBMIT))
}

/// The pictures that the submits named, in their order.
fn submitted(provider: &Server) -> Vec<Value> {
    let arrived = provider.arrived().into_iter();
    let submits = arrived.filter(|request| request.line() == SUBMIT);
    submits
        .map(|submit| submit.json()["input"]["image"].clone())
        .collect()
}

fn url(number: usize) -> Value {
    format!("https://files.example/{number}?signature=x").into()
}

fn gone() -> Reply {
    let error = json!({"code": "upload_not_found", "message": "the uploaded file has expired"});
    Reply::json(404, json!({ "error": error }))
}

/// Writes a batch of so many lines, each with a picture of its own.
fn write_batch(sandbox: &Sandbox, lines: usize) {
    let mut text = String::new();
    for line in 0..lines {
        let name = format!("{line}.png");
        // Bytes after the end of a PNG are permitted.
        let mut png = picture(ImageFormat::Png);
        png.extend(name.as_bytes());
        sandbox.write(&name, png);
        let input = json!({"prompt": "pan", "image": format!("file:{name}")});
        text += &input.to_string();
        text.push('\n');
    }
    sandbox.write("lines.jsonl", text);
}

const BATCH: [&str; 9] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--batch",
    "lines.jsonl",
    "--out-dir",
    "clips",
    "--key",
    "night",
];

#[test]
fn uploads_of_a_batch_wait_for_the_turns_of_their_submits() {
    const LINES: usize = 16;
    let provider = provider();
    let sandbox = sandbox(&provider, "requests_per_second = 5.0");
    write_batch(&sandbox, LINES);
    let answer = sandbox.run(BATCH).answer();
    assert_eq!(answer["summary"]["finalized"], LINES, "{answer}");
    assert_eq!(counts(&provider), (LINES, LINES));
    // The requests of a second may be sent at once; the others take turns.
    let mut ahead = 0_usize;
    for request in provider.arrived() {
        match request.line().as_str() {
            UPLOAD => ahead += 1,
            SUBMIT => ahead -= 1,
            _ => {}
        }
        assert!(
            ahead <= LINES / 2,
            "pictures are uploaded before their turn"
        );
    }
    let mut named = submitted(&provider);
    named.sort_by_key(Value::to_string);
    let mut expected: Vec<_> = (1..=LINES).map(url).collect();
    expected.sort_by_key(Value::to_string);
    assert_eq!(named, expected, "each upload has one submit");
}

#[cfg(unix)]
#[test]
fn pictures_of_jobs_that_wait_are_not_uploaded_and_their_files_may_be_removed() {
    let provider = provider();
    // After one request, the rate permits the next one only after the test.
    let sandbox = sandbox(&provider, "requests_per_second = 0.01");
    write_batch(&sandbox, 3);
    let mut last = picture(ImageFormat::Png);
    last.extend(b"2.png");
    let running = sandbox.start(sandbox.command(BATCH));
    provider.wait_for(UPLOAD, 1);
    running.kill();
    assert_eq!(counts(&provider), (1, 0));
    let jobs = sandbox.jobs();
    assert_eq!(jobs.len(), 3);
    for job in jobs {
        assert_eq!(
            (&job["state"], &job["charged"]),
            (&json!("queued"), &json!("no"))
        );
    }
    fs::remove_file(sandbox.path("0.png")).expect("removed");
    fs::remove_file(sandbox.path("1.png")).expect("removed");
    sandbox.write("2.png", "something else");
    sandbox.configure(&provider.connection(""));
    let resumed = sandbox.run(["--json", "jobs", "resume", "--all"]).answer();
    assert_eq!(resumed["summary"]["finalized"], 3, "{resumed}");
    assert_eq!(counts(&provider).1, 3);
    let is_last = |body: &[u8]| body.windows(last.len()).any(|part| part == last);
    let arrived = provider.arrived();
    let mut uploads = arrived.iter().filter(|request| request.line() == UPLOAD);
    assert!(
        uploads.any(|upload| is_last(&upload.body)),
        "as it was accepted"
    );
}

#[test]
fn upload_that_is_gone_is_sent_once_more_before_one_more_submit() {
    let provider = provider();
    provider.script(Script::from([(SUBMIT.into(), vec![gone(), accepted()])]));
    let sandbox = sandbox(&provider, "");
    let answer = sandbox.run(RUN).answer();
    assert_eq!(answer["charged"], "yes");
    assert_eq!(counts(&provider), (2, 2));
    assert_eq!(submitted(&provider), [url(1), url(2)]);
    let arrived = provider.arrived();
    let submits = arrived.iter().filter(|request| request.line() == SUBMIT);
    let keys: Vec<_> = submits
        .map(|submit| submit.header("idempotency-key"))
        .collect();
    assert_eq!(keys[0], keys[1], "one job");
    let shown = sandbox.run(["--json", "jobs", "show", "last"]).json();
    assert_eq!(
        (&shown["uploads"], &shown["submits"]),
        (&json!(2), &json!(2))
    );
}

#[test]
fn upload_that_is_gone_again_ends_the_job_uncharged() {
    let provider = provider();
    provider.script(Script::from([(SUBMIT.into(), vec![gone()])]));
    let sandbox = sandbox(&provider, "");
    for _ in 0..2 {
        let error = sandbox.run(RUN).error("rejected");
        assert_eq!(error["charged"], "no", "{error}");
        assert_eq!(counts(&provider), (2, 2));
    }
    assert_eq!(sandbox.jobs()[0]["state"], "failed");
}

#[test]
fn refusal_for_another_reason_is_no_upload() {
    let provider = provider();
    let refused = json!({"error": {"code": "blocked", "message": "the prompt is not allowed"}});
    provider.script(Script::from([(
        SUBMIT.into(),
        vec![Reply::json(400, refused)],
    )]));
    let sandbox = sandbox(&provider, "");
    sandbox.run(RUN).error("rejected");
    assert_eq!(counts(&provider), (1, 1));
}

#[cfg(unix)]
#[test]
fn upload_whose_reply_is_no_picture_is_sent_again_by_the_same_command() {
    for reply in [
        json!({"x": 1}),
        json!({"ok": false, "error": {"code": "insufficient_credits"}}),
    ] {
        let provider = provider();
        let sandbox = sandbox(&provider, "");
        let uploads = [reply, json!({"url": "https://files.example/2?signature=x"})];
        let uploads = uploads.map(|reply| Reply::json(200, reply));
        provider.script(Script::from([(UPLOAD.into(), uploads.into())]));
        let refused = sandbox.run(RUN);
        assert_ne!(refused.code, 0, "{refused:?}");
        assert_eq!(counts(&provider), (1, 0));
        let answer = sandbox.run(RUN).answer();
        assert_eq!(answer["charged"], "yes", "{answer}");
        assert_eq!(submitted(&provider), [url(2)]);
        assert_eq!(counts(&provider), (2, 1));
    }
}

#[test]
fn repetition_after_a_lost_reply_has_the_same_bytes_and_no_upload() {
    let provider = provider();
    let sandbox = sandbox(&provider, "idempotency = \"24h\"");
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
    let running = sandbox.start(sandbox.command(RUN));
    provider.wait_for(SUBMIT, 1);
    running.kill();
    fs::remove_file(sandbox.path("a.png")).expect("removed");
    // The first repetition is told that the upload is gone; the outcome of the first stays unknown.
    provider.script(Script::from([(SUBMIT.into(), vec![gone(), accepted()])]));
    let unknown = sandbox.run(["--json", "jobs", "resume", "--all"]);
    assert_eq!(unknown.code, 8, "{unknown:?}");
    assert_eq!(counts(&provider), (1, 2));
    let answer = sandbox.run(["--json", "jobs", "resume", "--all"]).answer();
    assert_eq!(answer["summary"]["finalized"], 1, "{answer}");
    assert_eq!(counts(&provider), (1, 3));
    let arrived = provider.arrived();
    let submits = arrived.iter().filter(|request| request.line() == SUBMIT);
    let bodies: Vec<_> = submits.map(|submit| &submit.body).collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
}

/// A run that is interrupted between its upload and its submit; the job's id.
#[cfg(unix)]
fn interrupted(provider: &Server, sandbox: &Sandbox) -> String {
    let running = sandbox.start(sandbox.command(RUN));
    provider.wait_for(UPLOAD, 1);
    running.interrupt();
    let outcome = running.end();
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let error = outcome.error("interrupted");
    assert_eq!(error["charged"], "no", "{error}");
    assert_eq!(sandbox.jobs()[0]["state"], "queued");
    assert_eq!(counts(provider), (1, 0));
    sandbox.configure(&provider.connection(""));
    error["job"].as_str().expect("an id").to_owned()
}

/// Of ten minutes, the test sets the times in the ledger back.
#[cfg(unix)]
#[test]
fn upload_of_a_job_that_waited_long_is_repeated_before_its_first_submit() {
    let provider = provider();
    let sandbox = sandbox(&provider, "requests_per_second = 0.01");
    let id = interrupted(&provider, &sandbox);
    let path = sandbox.data_dir().join("ledger.sqlite3");
    let ledger = rusqlite::Connection::open(path).expect("the ledger");
    let earlier = "UPDATE uploads SET at = at - 660000;
        UPDATE jobs SET local_pictures = json_set(local_pictures, '$.handed_over_at',
            json_extract(local_pictures, '$.handed_over_at') - 660000);";
    ledger.execute_batch(earlier).expect("rows");
    drop(ledger);
    sandbox.run(["--json", "jobs", "resume", &id]).answer();
    assert_eq!(counts(&provider), (2, 1));
    assert_eq!(submitted(&provider), [url(2)]);
}

#[cfg(unix)]
#[test]
fn interrupt_between_upload_and_submit_leaves_a_job_that_is_not_uploaded_again() {
    let provider = provider();
    let sandbox = sandbox(&provider, "requests_per_second = 0.01");
    let id = interrupted(&provider, &sandbox);
    sandbox.run(["--json", "jobs", "resume", &id]).answer();
    assert_eq!(counts(&provider), (1, 1));
    assert_eq!(submitted(&provider), [url(1)]);
}

#[cfg(unix)]
#[test]
fn kill_during_an_upload_leaves_a_queued_job_that_is_resumed() {
    let provider = provider();
    let sandbox = sandbox(&provider, "");
    let url = json!({"url": "https://files.example/2"});
    let uploads = vec![Reply::hang(), Reply::json(200, url.clone())];
    provider.script(Script::from([(UPLOAD.into(), uploads)]));
    let running = sandbox.start(sandbox.command(RUN));
    provider.wait_for(UPLOAD, 1);
    running.kill();
    let job = sandbox.jobs().remove(0);
    assert_eq!(
        (&job["state"], &job["charged"]),
        (&json!("queued"), &json!("no"))
    );
    let id = job["id"].as_str().expect("an id");
    sandbox.run(["--json", "jobs", "resume", id]).answer();
    assert_eq!(counts(&provider), (2, 1));
    assert_eq!(submitted(&provider), [url["url"].clone()]);
}

#[test]
fn run_says_that_it_uploads_and_stores_no_link_of_an_upload_in_its_messages() {
    let provider = provider();
    let quoted = "the picture https://files.example/1?signature=x is too small";
    let refused = Reply::json(400, json!({"error": {"code": "small", "message": quoted}}));
    provider.script(Script::from([(SUBMIT.into(), vec![refused])]));
    let sandbox = sandbox(&provider, "");
    let outcome = sandbox.run(RUN);
    let error = outcome.error("rejected");
    assert!(!error.to_string().contains("signature=x"), "{error}");
    let mut lines = outcome.stderr.lines();
    assert!(
        lines.any(|line| line.starts_with("uploading (")),
        "{outcome:?}"
    );
}
