//! Complete clips that cannot get their names: kept, named in the error, and fetched from there
//! without the provider.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::file_systems::{
    DOWNLOAD, SUBMIT, count, fixture, has_strace, is_placed, names, run, with_faults,
};
use crate::support::mp4::{marked_clip, short_clip};
use crate::support::outcome::Outcome;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

#[test]
fn clip_that_gets_no_name_is_kept_and_fetched_from_this_machine() {
    if !has_strace() {
        return;
    }
    let (provider, sandbox) = fixture();
    let target = sandbox.path("out/clip.mp4");
    let calls = "rename,renameat,renameat2,link,linkat,openat";
    // Nothing may be created under that name: neither a reservation nor a copy.
    let faults = [format!("inject={calls}:error=EACCES")];
    let words = run(&["--out", "out/clip.mp4"]);
    let outcome = with_faults(&sandbox, Some(&target), &faults, &words);
    fetch_elsewhere(&outcome, &provider, &sandbox, "out/");
}

#[test]
fn clip_that_the_disk_does_not_take_is_kept_under_another_name() {
    if !has_strace() {
        return;
    }
    let (provider, sandbox) = fixture();
    let id = detached(&sandbox);
    let part = sandbox.path(format!("out/clip.mp4.{id}.part"));
    fs::write(&part, "").expect("the unfinished file");
    let faults = ["inject=fsync:error=EIO".to_owned()];
    let resume = ["--json", "jobs", "resume", &id];
    let outcome = with_faults(&sandbox, Some(&part), &faults, &resume);
    let message = outcome.error("download_failed")["message"].to_string();
    let kept = part.with_extension("unverified");
    assert!(
        message.contains(kept.to_str().expect("a path")),
        "{message}"
    );
    assert_eq!(fs::read(&kept).expect("the clip"), short_clip());
    sandbox.run(resume).answer();
    assert_eq!(names(&sandbox.path("out")), ["clip.mp4"]);
    assert_eq!(count(&provider, SUBMIT), 1);
}

/// Asserts that the failed run says where the complete clip is, below `folder` of the sandbox, and
/// that `jobs fetch` takes it from there, without another download.
#[track_caller]
fn fetch_elsewhere(outcome: &Outcome, provider: &Server, sandbox: &Sandbox, folder: &str) {
    let error = outcome.error("download_failed");
    assert_eq!(error["charged"], "yes");
    let message = error["message"].as_str().expect("a message");
    let (_, kept) = message.split_once("is kept as `").expect("its path");
    let (kept, _) = kept.split_once('`').expect("its end");
    let kept = PathBuf::from(kept);
    assert!(kept.starts_with(sandbox.path(folder)), "{message}");
    assert_eq!(fs::read(&kept).expect("the clip"), short_clip());
    let next = error["next"].as_str().expect("a next step");
    assert!(next.contains("zoetrope jobs fetch"), "{next}");

    // The provider has it no more.
    provider.script(Script::from([(
        DOWNLOAD.into(),
        vec![Reply::text(404, "gone")],
    )]));
    let id = error["job"].as_str().expect("an id");
    let fetch = ["--json", "jobs", "fetch", id, "--out", "other.mp4"];
    let fetched = sandbox.run(fetch);
    assert_eq!(fetched.answer()["file"], json!(sandbox.path("other.mp4")));
    let clip = fs::read(sandbox.path("other.mp4")).expect("the clip");
    assert_eq!(clip, short_clip());
    assert!(!kept.exists(), "the unfinished file is not needed any more");
    assert_eq!((count(provider, SUBMIT), count(provider, DOWNLOAD)), (1, 1));
    let jobs = sandbox.jobs();
    assert_eq!(jobs[0]["file"], json!(sandbox.path("other.mp4")));
    assert_eq!(jobs[0]["error"], Value::Null);
    // Once more, from the file of that name.
    sandbox
        .run(["--json", "jobs", "fetch", id, "--out", "third.mp4"])
        .answer();
}

/// A detached job, whose id is returned.
fn detached(sandbox: &Sandbox) -> String {
    let accepted = sandbox.run(run(&["--out", "out/clip.mp4", "--detach"]));
    let id = accepted.answer()["job"].clone();
    id.as_str().expect("an id").to_owned()
}

#[test]
fn clip_goes_to_the_data_directory_when_its_folder_is_gone() {
    let (provider, sandbox) = fixture();
    let id = detached(&sandbox);
    fs::remove_dir(sandbox.path("out")).expect("remove");
    let outcome = sandbox.run(["--json", "jobs", "resume", &id]);
    fetch_elsewhere(&outcome, &provider, &sandbox, "data/clips/");
}

#[test]
fn clip_in_the_data_directory_gets_its_name_once_its_folder_is_back() {
    let (provider, sandbox) = fixture();
    let id = detached(&sandbox);
    fs::remove_dir(sandbox.path("out")).expect("remove");
    let resume = ["--json", "jobs", "resume", &id];
    sandbox.run(resume).error("download_failed");
    fs::create_dir(sandbox.path("out")).expect("a folder");
    let outcome = sandbox.run(resume);
    is_placed(&outcome, &provider, &sandbox.path("out/clip.mp4"));
    assert_eq!(names(&sandbox.path("data/clips")), [""; 0]);
}

#[test]
fn target_that_became_a_pipe_is_not_replaced_and_the_clip_is_kept() {
    for force in [false, true] {
        let (provider, sandbox) = fixture();
        let mut more = vec!["--out", "out/clip.mp4", "--detach"];
        more.extend(force.then_some("--force"));
        let id = sandbox.run(run(&more)).answer()["job"].clone();
        let id = id.as_str().expect("an id");
        let pipe = sandbox.path("out/clip.mp4");
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo").success());
        let outcome = sandbox.run(["--json", "jobs", "resume", id]);
        let message = outcome.error("download_failed")["message"].to_string();
        assert!(message.contains("is a pipe"), "{message}");
        fetch_elsewhere(&outcome, &provider, &sandbox, "out/");
        assert!(!fs::symlink_metadata(&pipe).expect("it stays").is_file());
    }
}

#[test]
fn second_result_for_one_name_is_kept_and_replaces_nothing() {
    let (provider, sandbox) = fixture();
    let clips = ["one", "two"].map(marked_clip);
    let replies = clips.iter().cloned().map(Reply::bytes_of);
    provider.script(Script::from([(DOWNLOAD.into(), replies.collect())]));
    // The second job runs until the first one has its file: each downloads its own clip.
    let accepted = |id: &str| Reply::json(201, json!({"id": id, "status": "queued"}));
    let running = json!({"id": "j-2", "status": "running", "poll_after_ms": 100});
    provider.script(Script::from([
        (SUBMIT.into(), vec![accepted("j-1"), accepted("j-2")]),
        ("GET /v1/jobs/j-2".into(), vec![Reply::json(200, running)]),
    ]));
    let ids = ["k-1", "k-2"].map(|key| {
        let words = run(&["--out", "out/clip.mp4", "--detach", "--key", key]);
        let id = sandbox.run(words).answer()["job"].clone();
        id.as_str().expect("an id").to_owned()
    });
    sandbox.run(["--json", "jobs", "resume", &ids[0]]).answer();
    let ended = json!({
        "id": "j-2", "status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true,
    });
    provider.script(Script::from([(
        "GET /v1/jobs/j-2".into(),
        vec![Reply::json(200, ended)],
    )]));
    let outcome = sandbox.run(["--json", "jobs", "resume", &ids[1]]);
    let message = outcome.error("download_failed")["message"].to_string();
    assert!(message.contains("exists already"), "{message}");
    let fetch = ["--json", "jobs", "fetch", &ids[1], "--out", "out/two.mp4"];
    sandbox.run(fetch).answer();
    let made = ["out/clip.mp4", "out/two.mp4"].map(|name| fs::read(sandbox.path(name)));
    assert_eq!(made.map(|clip| clip.expect("a clip")), clips);
    assert_eq!(count(&provider, DOWNLOAD), 2);
}
