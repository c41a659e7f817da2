//! `jobs watch`: follows jobs beside the process that drives them, or alone, and never submits one.

use serde_json::{Value, json};

use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{
    CANCEL, POLL, RUN, SUBMIT, end_the_job, run_until_deadline, slow_provider,
};

/// The one job in the ledger.
#[track_caller]
fn job(sandbox: &Sandbox) -> Value {
    sandbox.jobs().pop().expect("a job")
}

#[track_caller]
fn id(sandbox: &Sandbox) -> String {
    job(sandbox)["id"].as_str().expect("an id").to_owned()
}

#[test]
fn job_is_followed_beside_the_process_that_drives_it_and_its_row_is_not_written() {
    let (provider, sandbox) = slow_provider();
    let driver = sandbox.start(sandbox.command(RUN));
    provider.wait_for(POLL, 1);
    let id = id(&sandbox);
    let deadline = job(&sandbox)["deadline_at"].clone();
    let mut watching = sandbox.start(sandbox.command(["jobs", "watch", &id[..13]]));
    let following = format!("following job {id}");
    while !watching.error_line().starts_with(&following) {}
    provider.wait_for(POLL, provider.counts()[POLL] + 2);
    assert_eq!(job(&sandbox)["deadline_at"], deadline);
    end_the_job(&provider);
    let watched = watching.end();
    assert_eq!(watched.code, 0, "{watched:?}");
    let clip = sandbox.path("clip.mp4");
    assert_eq!(watched.stdout, format!("{}\n", clip.display()));
    assert!(!watched.stderr.contains("submitted"), "{watched:?}");
    driver.end().answer();
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn job_without_a_process_is_polled_and_its_result_collected() {
    let (provider, sandbox) = slow_provider();
    run_until_deadline(&sandbox);
    let polls = provider.counts()[POLL];
    let watching = sandbox.start(sandbox.command(["--json", "jobs", "watch"]));
    provider.wait_for(POLL, polls + 1);
    end_the_job(&provider);
    let answer = watching.end().answer();
    assert_eq!(answer["summary"]["finalized"], 1, "{answer}");
    assert!(sandbox.path("clip.mp4").is_file());
    assert_eq!(provider.counts()[SUBMIT], 1);
    // A job that has ended is printed at once, and without any there is nothing to follow.
    let again = sandbox.run(["--json", "jobs", "watch", &id(&sandbox)]);
    assert_eq!(again.answer()["ok"], true);
    let none = sandbox.run(["--json", "jobs", "watch"]).answer();
    assert_eq!(none["summary"]["jobs"], 0, "{none}");
}

#[cfg(unix)]
#[test]
fn queued_job_of_a_killed_process_stays_queued_and_the_command_that_submits_it_is_said() {
    let (provider, sandbox) = slow_provider();
    // After one submit, the rate limit permits the next one only after the test.
    sandbox.configure(&provider.connection("requests_per_second = 0.01"));
    let line = json!({"prompt": "p", "image": "https://p.example/a.png"});
    sandbox.write("lines.jsonl", format!("{line}\n{line}\n"));
    let batch = ["run", "image_to_video_v3", "--batch", "lines.jsonl"];
    let mut running = sandbox.start(sandbox.command(batch.iter().chain(&["--out-dir", "clips"])));
    while !running.error_line().contains("accepted by the provider") {}
    running.kill();
    sandbox.configure(&provider.connection(""));
    end_the_job(&provider);
    let watched = sandbox.run(["jobs", "watch"]);
    assert_eq!(watched.code, 9, "{watched:?}");
    let said = "1 job is still queued. To submit it, run: zoetrope jobs resume --all";
    assert!(watched.stderr.contains(said), "{watched:?}");
    let queued = sandbox.jobs().into_iter();
    let queued: Vec<_> = queued.filter(|job| job["state"] == "queued").collect();
    assert_eq!(queued.len(), 1, "{queued:?}");
    let id = queued[0]["id"].as_str().expect("an id");
    let outcome = sandbox.run(["--json", "jobs", "watch", id]);
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let error = outcome.error("interrupted");
    assert_eq!(error["charged"], "no");
    let next = error["next"].as_str().expect("a step");
    assert!(
        next.contains(&format!("zoetrope jobs resume {id}")),
        "{next}"
    );
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn process_that_follows_does_not_hold_up_the_submit_of_another_one() {
    let (provider, sandbox) = slow_provider();
    run_until_deadline(&sandbox);
    let polls = provider.counts()[POLL];
    let watching = sandbox.start(sandbox.command(["--json", "jobs", "watch"]));
    provider.wait_for(POLL, polls + 1);
    let other = RUN.map(|word| match word {
        "order-66" => "order-67",
        "clip.mp4" => "other.mp4",
        word => word,
    });
    let running = sandbox.start(sandbox.command(other));
    provider.wait_for(SUBMIT, 2);
    // The process that submits drives, and not the one that follows.
    let doctor = sandbox.run(["--json", "doctor"]).json();
    let checks = doctor["checks"].as_array().expect("checks").iter();
    let mut driver = checks.filter(|check| check["name"] == "driver");
    let driver = driver.next().expect("the driver");
    assert_eq!(driver["process"], running.id(), "{driver}");
    end_the_job(&provider);
    running.end().answer();
    watching.end().answer();
    assert_eq!(provider.counts()[SUBMIT], 2);
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_and_the_job_goes_on() {
    let (provider, sandbox) = slow_provider();
    run_until_deadline(&sandbox);
    let polls = provider.counts()[POLL];
    let mut watching = sandbox.start(sandbox.command(["--json", "jobs", "watch", &id(&sandbox)]));
    provider.wait_for(POLL, polls + 1);
    watching.interrupt();
    while !watching.error_line().starts_with("Leaving") {}
    let outcome = watching.end();
    assert_eq!(outcome.code, 9, "{outcome:?}");
    assert_eq!(outcome.error("interrupted")["job"], id(&sandbox));
    assert_eq!(job(&sandbox)["state"], "started");
    assert!(!provider.counts().contains_key(CANCEL));
}
