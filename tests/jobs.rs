//! The commands on jobs: keys, batches, list, show, cancel, fetch, prune.

use std::fs;

use image::ImageFormat;
use serde_json::json;

use crate::support::cases::accepted;
use crate::support::mp4::Clip;
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script};
use crate::support::sandbox::{CANARY_PROMPT, Running, Sandbox};
use crate::support::slow_server::{
    CANCEL, RUN, SUBMIT, end_the_job, is_resumable, run_next_command, run_until_deadline,
    slow_provider,
};

#[test]
fn deleted_clip_is_fetched_again() {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    let answer = sandbox.run(RUN).answer();
    let id = answer["job"].as_str().expect("an id");
    let fetch = |out| sandbox.run(["--json", "jobs", "fetch", id, "--out", out]);
    // While the clip exists, `fetch` copies it.
    let fetched = provider.counts()["GET /clips/1.mp4"];
    fetch("copy.mp4").answer();
    assert_eq!(provider.counts()["GET /clips/1.mp4"], fetched);
    let refused = fetch("copy.mp4");
    assert_eq!(refused.code, 2, "{refused:?}");
    fs::remove_file(sandbox.path("clip.mp4")).expect("the clip");
    let again = fetch("again.mp4").answer();
    assert_eq!(again["sha256"], answer["sha256"]);
    assert!(sandbox.path("again.mp4").exists());
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn concurrent_runs_with_one_key_share_one_job() {
    let (provider, sandbox) = slow_provider();
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
    end_the_job(&provider);
    let runs = [(); 4].map(|()| sandbox.start(sandbox.command(RUN)));
    provider.wait_for(SUBMIT, 1);
    provider.release(&accepted());
    let answers = runs.map(|run| Running::end(run).answer());
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    assert_eq!(sandbox.run(RUN).answer(), answers[0], "and later");
    assert_eq!(provider.counts()[SUBMIT], 1, "one key is one job");
}

#[test]
fn used_key_with_another_input_is_a_key_conflict() {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    sandbox.run(RUN).answer();
    let sent = provider.arrived().len();
    let other = sandbox.run(RUN.into_iter().chain(["--set", "prompt=another"]));
    assert_eq!(other.code, 2);
    assert_eq!(other.error("key_conflict")["charged"], "no");
    assert_eq!(provider.arrived().len(), sent, "nothing is sent");
}

#[test]
fn detached_run_returns_once_the_job_is_accepted() {
    let (provider, sandbox) = slow_provider();
    let detached = sandbox.run(RUN.into_iter().chain(["--detach"])).answer();
    assert_eq!(
        (&detached["state"], &detached["provider_job_id"]),
        (&json!("started"), &json!("j-1"))
    );
    end_the_job(&provider);
    let answer = run_next_command(&sandbox, &detached).answer();
    assert_eq!(answer["job"], detached["job"]);
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn job_cancelled_by_id_is_cancelled_at_the_provider_once() {
    let (provider, sandbox) = slow_provider();
    let error = run_until_deadline(&sandbox);
    let id = error["job"].as_str().expect("an id");
    let stopped = Reply::json(
        200,
        json!({"id": "j-1", "status": "cancelled", "charged": false}),
    );
    provider.script(Script::from([(CANCEL.into(), vec![stopped])]));
    let cancel = ["--json", "jobs", "cancel", id];
    let cancelled = sandbox.run(cancel).answer();
    assert_eq!(
        (&cancelled["state"], &cancelled["charged"]),
        (&json!("cancelled"), &json!("no"))
    );
    assert_eq!(sandbox.run(cancel).answer(), cancelled, "and again");
    assert_eq!(provider.counts()[CANCEL], 1);
}

#[test]
fn cancellation_of_a_finished_job_is_too_late_and_keeps_the_clip() {
    let (provider, sandbox) = slow_provider();
    let error = run_until_deadline(&sandbox);
    let id = error["job"].as_str().expect("an id");
    provider.script(Script::from([(
        CANCEL.into(),
        vec![Reply::json(409, json!({}))],
    )]));
    end_the_job(&provider);
    let outcome = sandbox.run(["--json", "jobs", "cancel", id]);
    assert_eq!(outcome.code, 7);
    assert_eq!(outcome.error("too_late")["charged"], "yes");
    assert!(sandbox.path("clip.mp4").exists(), "the paid clip is kept");
}

#[test]
fn jobs_are_listed_shown_and_pruned() {
    let (provider, sandbox) = slow_provider();
    assert!(sandbox.jobs().is_empty());
    let error = run_until_deadline(&sandbox);
    let id = error["job"].as_str().expect("an id");
    let listed = sandbox.jobs();
    assert_eq!(
        (&listed[0]["id"], &listed[0]["state"], &listed[0]["charged"]),
        (&json!(id), &json!("started"), &json!("unknown"))
    );
    let count = |more: &[&str]| {
        let listed = sandbox.run(["jobs", "--json"].iter().chain(more));
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

    let shown = sandbox.run(["--json", "jobs", "show", &id[..13]]).json();
    assert_eq!(shown["ticket"]["job"], "j-1");
    let states = shown["history"].as_array().expect("the history").iter();
    let states: Vec<_> = states
        .map(|entry| entry["state"].as_str().expect("a state"))
        .collect();
    assert_eq!(states, ["queued", "submitting", "started", "started"]);
    assert!(shown["input"].is_null() && !shown.to_string().contains(CANARY_PROMPT));
    let shown = sandbox
        .run(["--json", "jobs", "show", id, "--input"])
        .json();
    assert_eq!(shown["input"]["prompt"], CANARY_PROMPT);
    assert_eq!(shown["input"]["steps"], 20, "as submitted");
    assert!(shown["raw_input"]["steps"].is_null(), "as given");
    assert_eq!(sandbox.run(["--json", "jobs", "show", "nope"]).code, 2);

    let prune = ["--json", "jobs", "prune", "--older-than", "0s"];
    assert_eq!(
        sandbox.run(prune).answer()["deleted"],
        0,
        "it may be paid for"
    );
    end_the_job(&provider);
    run_next_command(&sandbox, &error).answer();
    assert_eq!(sandbox.run(prune).answer()["deleted"], 1);
    assert!(sandbox.jobs().is_empty() && sandbox.path("clip.mp4").exists());
}

#[test]
fn data_url_picture_is_stored_in_a_file_outside_the_row() {
    let (provider, sandbox) = slow_provider();
    let image = format!("data:image/png;base64,{}", "iVBORw0KGgo".repeat(2000));
    sandbox.write(
        "input.json",
        json!({"prompt": "p", "image": image}).to_string(),
    );
    let error = run_until_deadline(&sandbox);
    let sent = provider.arrived();
    let sent = sent.iter().find(|request| request.line() == SUBMIT);
    assert_eq!(sent.expect("the submit").json()["input"]["image"], image);
    let id = error["job"].as_str().expect("an id");
    let shown = sandbox
        .run(["--json", "jobs", "show", id, "--input"])
        .json();
    for document in ["raw_input", "input"] {
        let digest = shown[document]["image"]["$picture"]
            .as_str()
            .expect("a digest");
        let kept = fs::read_to_string(sandbox.data_dir().join("pictures").join(digest));
        assert_eq!(kept.expect("the picture"), image);
    }
    is_resumable(&provider, &sandbox, &error);
}

#[test]
fn batch_past_its_deadline_is_resumed_by_the_same_command() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    sandbox.write(
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
    let left = sandbox.run(batch.into_iter().chain(["--deadline", "100ms"]));
    assert_eq!(left.code, 9, "{left:?}");
    let next = left.json()["error"]["next"].take();
    // A value of `--set` may be a prompt, so `next` does not repeat the command.
    assert_eq!(next, "Run the same command again with --key night");
    let first = sandbox.run(batch).answer();
    assert_eq!(first["summary"]["finalized"], 2, "{first}");
    let keys: Vec<_> = sandbox
        .jobs()
        .iter()
        .map(|job| job["key"].clone())
        .collect();
    assert_eq!(keys, ["night-1", "night-3"]);
    for clip in ["1.mp4", "3.mp4"] {
        assert_eq!(Clip::open(&sandbox.path("clips").join(clip)).frames, 4);
    }
    assert_eq!(sandbox.run(batch).answer(), first, "all is there already");
    assert_eq!(sandbox.jobs().len(), 2);
}

#[test]
fn next_step_of_a_batch_resumes_it_with_its_picture() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    sandbox.write("lines.jsonl", "{\"prompt\": \"left\", \"frame_rate\": 1}\n");
    let batch = ["--json", "run", "image_to_video_v3", "--batch"];
    let rest = ["lines.jsonl", "--image", "a.png", "--out-dir", "clips"];
    let left = sandbox.run(batch.into_iter().chain(rest).chain(["--deadline", "100ms"]));
    assert_eq!(left.code, 9, "{left:?}");
    let resumed = run_next_command(&sandbox, &left.json()["error"]).answer();
    assert_eq!(resumed["summary"]["finalized"], 1, "{resumed}");
    assert_eq!(sandbox.jobs().len(), 1);
}

#[test]
fn batch_with_an_invalid_line_sends_nothing() {
    let (provider, sandbox) = slow_provider();
    sandbox.write(
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
    let outcome = sandbox.run(batch);
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
    assert!(sandbox.jobs().is_empty());
}

#[test]
fn batch_with_an_existing_target_adds_no_job() {
    let (provider, sandbox) = slow_provider();
    sandbox.write(
        "lines.jsonl",
        "{\"prompt\": \"p\", \"image\": \"i\"}\n{\"prompt\": \"p\", \"image\": \"i\"}\n",
    );
    fs::create_dir(sandbox.path("clips")).expect("a folder");
    sandbox.write("clips/2.mp4", "another file");
    let outcome = sandbox.run([
        "--json",
        "run",
        "image_to_video_v3",
        "--batch",
        "lines.jsonl",
        "--out-dir",
        "clips",
    ]);
    assert_eq!(outcome.code, 2);
    outcome.error("usage");
    assert_eq!(provider.arrived().len(), 0);
    assert!(sandbox.jobs().is_empty());
}
