//! Runs that are left and gone on with, and the commands that do: no second submit, no lost clip.

use std::fs;
use std::path::Path;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::desk::{CANARY_PROMPT, Desk, Outcome, Running};
use crate::support::mp4::Clip;
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server};

const SUBMIT: &str = "POST /v1/jobs";
const POLL: &str = "GET /v1/jobs/j-1";
const CANCEL: &str = "POST /v1/jobs/j-1/cancel";
const RUN: [&str; 9] = [
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

/// A provider whose job does not end until it is told to.
fn slow_provider() -> (Server, Desk) {
    let running = Reply::json(
        200,
        json!({"id": "j-1", "status": "running", "poll_after_ms": 100}),
    );
    let provider = Server::start(Script::from([
        (SUBMIT.into(), vec![accepted()]),
        (POLL.into(), vec![running]),
        ("GET /clips/1.mp4".into(), vec![Reply::clip()]),
    ]));
    let desk = Desk::with_provider(&provider);
    desk.write(
        "input.json",
        json!({"prompt": CANARY_PROMPT, "image": "https://p.example/a.png"}).to_string(),
    );
    (provider, desk)
}

fn end_the_job(provider: &Server) {
    let video = "{provider}/clips/1.mp4";
    let ended = Reply::json(
        200,
        json!({"id": "j-1", "status": "succeeded", "output": {"video": video}, "charged": true}),
    );
    provider.script(Script::from([(POLL.into(), vec![ended])]));
}

/// Left at its deadline: the error.
fn left(desk: &Desk) -> Value {
    let outcome = desk.run(RUN.into_iter().chain(["--deadline", "500ms"]));
    assert_eq!(outcome.code, 9, "{outcome:?}");
    outcome.error("deadline")
}

/// Runs the very command that an error says.
fn go_on(desk: &Desk, error: &Value) -> Outcome {
    let next = error["next"].as_str().expect("the next command");
    let arguments = next
        .strip_prefix("zoetrope ")
        .unwrap_or_else(|| panic!("no command: {next}"));
    let arguments = arguments.split(", or").next().unwrap_or_default();
    desk.run(["--json"].into_iter().chain(arguments.split(' ')))
}

/// The job is accepted, left, and finished by the command that the error says.
#[track_caller]
fn is_resumable(provider: &Server, desk: &Desk, error: &Value) {
    assert_eq!(
        (&error["charged"], &error["provider_job_id"]),
        (&json!("unknown"), &json!("j-1"))
    );
    assert!(!desk.path("clip.mp4").exists());
    end_the_job(provider);
    let answer = go_on(desk, error).answer();
    assert_eq!(
        (&answer["job"], &answer["key"]),
        (&error["job"], &json!("order-66"))
    );
    assert_eq!(
        answer["file"],
        desk.path("clip.mp4").to_str().expect("a path"),
        "where the first run wanted it"
    );
    assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
}

#[test]
fn a_run_beyond_its_deadline_is_resumed() {
    let (provider, desk) = slow_provider();
    is_resumable(&provider, &desk, &left(&desk));
}

#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_is_resumed() {
    let (provider, desk) = slow_provider();
    let running = desk.start(desk.command(RUN));
    provider.wait_for(POLL, 1);
    running.interrupt();
    let outcome = running.end();
    assert_eq!(outcome.code, 9);
    is_resumable(&provider, &desk, &outcome.error("interrupted"));
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_is_resumed() {
    let (provider, desk) = slow_provider();
    let running = desk.start(desk.command(RUN));
    provider.wait_for(POLL, 1);
    running.kill();
    end_the_job(&provider);
    let answer = desk.run(["--json", "jobs", "resume", "--all"]).answer();
    assert_eq!(answer["summary"]["in_place"], 1, "{answer}");
    assert_eq!(answer["jobs"][0]["key"], "order-66");
    assert!(desk.path("clip.mp4").exists());
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[cfg(unix)]
#[test]
fn a_submit_on_its_way_is_not_torn_off() {
    let (provider, desk) = slow_provider();
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
    let mut running = desk.start(desk.command(RUN));
    provider.wait_for(SUBMIT, 1);
    running.interrupt();
    while !running.error_line().starts_with("Interrupted") {}
    provider.release(&accepted());
    let outcome = running.end();
    assert_eq!(outcome.code, 9);
    is_resumable(&provider, &desk, &outcome.error("interrupted"));
}

#[cfg(unix)]
#[test]
fn a_second_interrupt_cancels_at_the_provider() {
    let (provider, desk) = slow_provider();
    let stopped = Reply::json(
        200,
        json!({"id": "j-1", "status": "cancelled", "charged": false}),
    );
    provider.script(Script::from([(CANCEL.into(), vec![stopped.clone()])]));
    let mut running = desk.start(desk.command(RUN));
    provider.wait_for(POLL, 1);
    running.interrupt();
    while !running.error_line().starts_with("Interrupted") {}
    provider.script(Script::from([(POLL.into(), vec![stopped])]));
    running.interrupt();
    let outcome = running.end();
    assert_eq!(outcome.code, 7);
    assert_eq!(outcome.error("cancelled")["charged"], "no");
    assert_eq!(provider.counts()[CANCEL], 1, "the provider was asked");
    assert_eq!(desk.jobs()[0]["state"], "cancelled");
}

/// Killed between the commit of `submitting` and the provider's answer.
#[cfg(unix)]
#[test]
fn a_submit_without_its_process_is_openly_unknown() {
    for honoured in [false, true] {
        let (provider, desk) = slow_provider();
        let window = if honoured {
            "idempotency = \"24h\""
        } else {
            ""
        };
        desk.configure(&provider.connection(window));
        provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
        let running = desk.start(desk.command(RUN));
        provider.wait_for(SUBMIT, 1);
        running.kill();
        assert_eq!(desk.jobs()[0]["state"], "submitting");
        provider.script(Script::from([(SUBMIT.into(), vec![accepted()])]));
        end_the_job(&provider);
        let outcome = desk.run(["--json", "jobs", "resume", "--all"]);
        if honoured {
            assert_eq!(outcome.answer()["summary"]["in_place"], 1);
            let submits = provider.arrived();
            let submits: Vec<_> = submits
                .iter()
                .filter(|request| request.line() == SUBMIT)
                .map(|request| (request.header("idempotency-key"), &request.body))
                .collect();
            assert_eq!(submits.len(), 2);
            assert_eq!(submits[0], submits[1], "the same key and bytes");
        } else {
            assert_eq!(outcome.code, 8, "{outcome:?}");
            assert_eq!(provider.counts()[SUBMIT], 1, "not sent again");
            is_resolved(&provider, &desk);
        }
    }
}

/// Somebody has found the job at the provider.
#[track_caller]
fn is_resolved(provider: &Server, desk: &Desk) {
    let id = desk.jobs()[0]["id"].as_str().expect("an id").to_owned();
    let resolve = ["--json", "jobs", "resolve", &id, "--provider-job-id", "j-1"];
    let resolved = desk.run(resolve).answer();
    assert_eq!(resolved["state"], "started");
    let answer = go_on(desk, &resolved).answer();
    assert_eq!(
        (&answer["charged"], &answer["job"]),
        (&json!("yes"), &json!(id))
    );
    assert!(desk.path("clip.mp4").exists());
    assert_eq!(provider.counts()[SUBMIT], 1);
    // What is known is not resolved again.
    let again = desk.run(resolve);
    assert_eq!(again.code, 2);
    again.error("usage");
}

#[test]
fn a_submit_that_never_arrived_is_closed() {
    let (provider, desk) = slow_provider();
    provider.script(Script::from([(
        SUBMIT.into(),
        vec![Reply::json(502, json!({}))],
    )]));
    let outcome = desk.run(RUN);
    assert_eq!(outcome.code, 8);
    let error = outcome.error("outcome_unknown");
    let id = error["job"].as_str().expect("an id");
    let resolved = desk
        .run(["--json", "jobs", "resolve", id, "--never-started"])
        .answer();
    assert_eq!(
        (&resolved["state"], &resolved["charged"]),
        (&json!("failed"), &json!("no"))
    );
    // The key belongs to the job that never was.
    assert_eq!(desk.run(RUN).error("never_started")["charged"], "no");
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn a_job_does_not_go_on_at_another_place() {
    let (provider, desk) = slow_provider();
    let error = left(&desk);
    let (moved, _) = slow_provider();
    end_the_job(&moved);
    desk.configure(&moved.connection(""));
    let outcome = go_on(&desk, &error);
    assert_eq!(outcome.code, 4);
    outcome.error("connection_changed");
    assert_eq!(moved.arrived().len(), 0);
    desk.configure(&provider.connection("").replace("scripted", "renamed"));
    let renamed = go_on(&desk, &error);
    assert_eq!(renamed.code, 4);
    renamed.error("connection_unavailable");
    desk.configure(&provider.connection(""));
    is_resumable(&provider, &desk, &error);
}

#[test]
fn a_practice_run_survives_its_process_and_its_provider() {
    let desk = Desk::new();
    desk.write("a.png", picture(ImageFormat::Png));
    let arguments = [
        "--json",
        "run",
        "image_to_video_v3",
        "--image",
        "a.png",
        "--set",
        "prompt=pan",
    ];
    let outcome = desk.run(arguments.into_iter().chain(["--deadline", "200ms"]));
    assert_eq!(outcome.code, 9);
    let answer = go_on(&desk, &outcome.error("deadline")).answer();
    assert_eq!(
        Clip::open(Path::new(answer["file"].as_str().expect("a path"))).frames,
        32
    );
}

#[test]
fn a_resumed_job_does_not_write_over_a_file() {
    let (provider, desk) = slow_provider();
    let error = left(&desk);
    end_the_job(&provider);
    desk.write("clip.mp4", "mine");
    let outcome = go_on(&desk, &error);
    assert_eq!(outcome.code, 9);
    assert_eq!(outcome.error("download_failed")["charged"], "yes");
    let id = error["job"].as_str().expect("an id");
    let fetch = ["--json", "jobs", "fetch", id, "--out", "other.mp4"];
    let answer = desk.run(fetch).answer();
    assert_eq!(
        answer["file"],
        desk.path("other.mp4").to_str().expect("a path")
    );
    assert_eq!(fs::read(desk.path("clip.mp4")).expect("the file"), b"mine");
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn a_clip_is_fetched_again_where_it_is_gone() {
    let (provider, desk) = slow_provider();
    end_the_job(&provider);
    let answer = desk.run(RUN).answer();
    let id = answer["job"].as_str().expect("an id");
    let fetch = |out| desk.run(["--json", "jobs", "fetch", id, "--out", out]);
    // A copy, while it is there.
    let fetched = provider.counts()["GET /clips/1.mp4"];
    fetch("copy.mp4").answer();
    assert_eq!(provider.counts()["GET /clips/1.mp4"], fetched);
    let refused = fetch("copy.mp4");
    assert_eq!(refused.code, 2, "{refused:?}");
    fs::remove_file(desk.path("clip.mp4")).expect("the clip");
    let again = fetch("again.mp4").answer();
    assert_eq!(again["sha256"], answer["sha256"]);
    assert!(desk.path("again.mp4").exists());
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn a_key_is_one_job_for_all_who_ask_at_once() {
    let (provider, desk) = slow_provider();
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
    end_the_job(&provider);
    let runs = [(); 4].map(|()| desk.start(desk.command(RUN)));
    provider.wait_for(SUBMIT, 1);
    provider.release(&accepted());
    let answers = runs.map(|run| Running::end(run).answer());
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    assert_eq!(desk.run(RUN).answer(), answers[0], "and later");
    assert_eq!(provider.counts()[SUBMIT], 1, "one key is one job");
}

#[test]
fn a_key_belongs_to_its_input() {
    let (provider, desk) = slow_provider();
    end_the_job(&provider);
    desk.run(RUN).answer();
    let sent = provider.arrived().len();
    let other = desk.run(RUN.into_iter().chain(["--set", "prompt=another"]));
    assert_eq!(other.code, 2);
    assert_eq!(other.error("key_conflict")["charged"], "no");
    assert_eq!(provider.arrived().len(), sent, "nothing is sent");
}

#[test]
fn a_detached_run_returns_once_it_is_accepted() {
    let (provider, desk) = slow_provider();
    let detached = desk.run(RUN.into_iter().chain(["--detach"])).answer();
    assert_eq!(
        (&detached["state"], &detached["provider_job_id"]),
        (&json!("started"), &json!("j-1"))
    );
    end_the_job(&provider);
    let answer = go_on(&desk, &detached).answer();
    assert_eq!(answer["job"], detached["job"]);
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn a_job_is_cancelled_by_its_id() {
    let (provider, desk) = slow_provider();
    let error = left(&desk);
    let id = error["job"].as_str().expect("an id");
    let stopped = Reply::json(
        200,
        json!({"id": "j-1", "status": "cancelled", "charged": false}),
    );
    provider.script(Script::from([(CANCEL.into(), vec![stopped])]));
    let cancel = ["--json", "jobs", "cancel", id];
    let cancelled = desk.run(cancel).answer();
    assert_eq!(
        (&cancelled["state"], &cancelled["charged"]),
        (&json!("cancelled"), &json!("no"))
    );
    assert_eq!(desk.run(cancel).answer(), cancelled, "and again");
    assert_eq!(provider.counts()[CANCEL], 1);
}

#[test]
fn it_can_be_too_late_to_cancel() {
    let (provider, desk) = slow_provider();
    let error = left(&desk);
    let id = error["job"].as_str().expect("an id");
    provider.script(Script::from([(
        CANCEL.into(),
        vec![Reply::json(409, json!({}))],
    )]));
    end_the_job(&provider);
    let outcome = desk.run(["--json", "jobs", "cancel", id]);
    assert_eq!(outcome.code, 7);
    assert_eq!(outcome.error("too_late")["charged"], "yes");
    assert!(desk.path("clip.mp4").exists(), "what is paid for is kept");
}

#[test]
fn jobs_are_listed_shown_and_forgotten() {
    let (provider, desk) = slow_provider();
    assert!(desk.jobs().is_empty());
    let error = left(&desk);
    let id = error["job"].as_str().expect("an id");
    let listed = desk.jobs();
    assert_eq!(
        (&listed[0]["id"], &listed[0]["state"], &listed[0]["charged"]),
        (&json!(id), &json!("started"), &json!("unknown"))
    );
    let count = |more: &[&str]| {
        let listed = desk.run(["jobs", "--json"].iter().chain(more));
        listed.json().as_array().expect("an array").len()
    };
    assert_eq!(
        (
            count(&["--state", "started"]),
            count(&["--state", "failed"])
        ),
        (1, 0)
    );
    assert_eq!(
        (
            count(&["--node", "image_to_video_v3"]),
            count(&["--node", "other"])
        ),
        (1, 0)
    );

    let shown = desk.run(["--json", "jobs", "show", &id[..13]]).json();
    assert_eq!(shown["ticket"]["job"], "j-1");
    let states = shown["history"].as_array().expect("the history").iter();
    let states: Vec<_> = states
        .map(|entry| entry["state"].as_str().expect("a state"))
        .collect();
    assert_eq!(states, ["queued", "submitting", "started", "started"]);
    assert!(shown["input"].is_null() && !shown.to_string().contains(CANARY_PROMPT));
    let shown = desk.run(["--json", "jobs", "show", id, "--input"]).json();
    assert_eq!(shown["input"]["prompt"], CANARY_PROMPT);
    assert_eq!(shown["input"]["steps"], 20, "as submitted");
    assert!(shown["given"]["steps"].is_null(), "as given");
    assert_eq!(desk.run(["--json", "jobs", "show", "nope"]).code, 2);

    let prune = ["--json", "jobs", "prune", "--older-than", "0s"];
    assert_eq!(
        desk.run(prune).answer()["forgotten"],
        0,
        "it may be paid for"
    );
    end_the_job(&provider);
    go_on(&desk, &error).answer();
    assert_eq!(desk.run(prune).answer()["forgotten"], 1);
    assert!(desk.jobs().is_empty() && desk.path("clip.mp4").exists());
}

#[test]
fn a_picture_in_the_input_is_a_file_and_not_in_the_row() {
    let (provider, desk) = slow_provider();
    let image = format!("data:image/png;base64,{}", "iVBORw0KGgo".repeat(2000));
    desk.write(
        "input.json",
        json!({"prompt": "p", "image": image}).to_string(),
    );
    let error = left(&desk);
    let sent = provider.arrived();
    let sent = sent.iter().find(|request| request.line() == SUBMIT);
    assert_eq!(sent.expect("the submit").json()["input"]["image"], image);
    let id = error["job"].as_str().expect("an id");
    let shown = desk.run(["--json", "jobs", "show", id, "--input"]).json();
    for document in ["given", "input"] {
        let digest = shown[document]["image"]["$picture"]
            .as_str()
            .expect("a digest");
        let kept = fs::read_to_string(desk.data_dir().join("pictures").join(digest));
        assert_eq!(kept.expect("the picture"), image);
    }
    is_resumable(&provider, &desk, &error);
}

#[test]
fn a_batch_goes_on_by_the_same_command() {
    let desk = Desk::new();
    desk.write("a.png", picture(ImageFormat::Png));
    desk.write(
        "lines.jsonl",
        "{\"prompt\": \"left\"}\n\n{\"prompt\": \"right\"}\n",
    );
    let batch = [
        "--json",
        "run",
        "image_to_video_v3",
        "--batch",
        "lines.jsonl",
        "--image",
        "a.png",
        "--set",
        "frame_rate=1",
        "--out-dir",
        "clips",
        "--key",
        "night",
    ];
    let left = desk.run(batch.into_iter().chain(["--deadline", "100ms"]));
    assert_eq!(left.code, 9, "{left:?}");
    let first = desk.run(batch).answer();
    assert_eq!(first["summary"]["in_place"], 2, "{first}");
    let keys: Vec<_> = desk.jobs().iter().map(|job| job["key"].clone()).collect();
    assert_eq!(keys, ["night-1", "night-3"]);
    for clip in ["1.mp4", "3.mp4"] {
        assert_eq!(Clip::open(&desk.path("clips").join(clip)).frames, 4);
    }
    assert_eq!(desk.run(batch).answer(), first, "all is there already");
    assert_eq!(desk.jobs().len(), 2);
}

#[test]
fn a_batch_with_a_bad_line_sends_nothing() {
    let (provider, desk) = slow_provider();
    desk.write(
        "lines.jsonl",
        "{\"prompt\": \"p\", \"image\": \"i\"}\n{\"image\": 3}\n",
    );
    let batch = [
        "--json",
        "run",
        "image_to_video_v3",
        "--batch",
        "lines.jsonl",
        "--out-dir",
        "clips",
    ];
    let outcome = desk.run(batch);
    assert_eq!(outcome.code, 3);
    let error = outcome.error("invalid_input");
    assert!(
        error["message"]
            .as_str()
            .expect("words")
            .starts_with("line 2: "),
        "{error}"
    );
    assert_eq!(provider.arrived().len(), 0);
    assert!(desk.jobs().is_empty());
}

#[cfg(unix)]
#[test]
fn nothing_is_bought_for_a_process_that_is_gone() {
    let (provider, desk) = slow_provider();
    // One submit, and then a rest that outlasts the test.
    desk.configure(&provider.connection("requests_per_second = 0.01"));
    let line = r#"{"prompt": "p", "image": "https://p.example/a.png"}"#;
    desk.write("lines.jsonl", [line; 3].join("\n"));
    let batch = [
        "run",
        "image_to_video_v3",
        "--batch",
        "lines.jsonl",
        "--out-dir",
        "clips",
    ];
    let running = desk.start(desk.command(batch));
    provider.wait_for(SUBMIT, 1);
    running.kill();
    desk.configure(&provider.connection(""));
    end_the_job(&provider);
    desk.run(RUN).answer();
    assert_eq!(
        provider.counts()[SUBMIT],
        2,
        "the batch's first and this one"
    );
    let queued: Vec<_> = desk
        .jobs()
        .into_iter()
        .filter(|job| job["state"] == "queued")
        .collect();
    assert_eq!(queued.len(), 2, "{queued:?}");
    for job in &queued {
        assert_eq!(
            (&job["charged"], &job["next_at"]),
            (&json!("no"), &Value::Null)
        );
    }
    // Whoever asks for them gets them.
    let id = queued[0]["id"].as_str().expect("an id");
    let answer = desk.run(["--json", "jobs", "resume", id]).answer();
    assert_eq!(answer["job"], id);
    assert_eq!(provider.counts()[SUBMIT], 3);
}
