//! Runs that stop at a deadline, a signal or a kill, and are resumed: no second submit, no lost clip.

use std::fs;
use std::path::Path;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::mp4::Clip;
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{
    CANCEL, POLL, RUN, SUBMIT, end_the_job, is_resumable, run_next_command, run_until_deadline,
    slow_provider,
};

#[test]
fn run_past_its_deadline_is_resumed() {
    let (provider, sandbox) = slow_provider();
    is_resumable(&provider, &sandbox, &run_until_deadline(&sandbox));
}

#[cfg(unix)]
#[test]
fn interrupted_run_is_resumed() {
    let (provider, sandbox) = slow_provider();
    let running = sandbox.start(sandbox.command(RUN));
    provider.wait_for(POLL, 1);
    running.interrupt();
    let outcome = running.end();
    assert_eq!(outcome.code, 9);
    is_resumable(&provider, &sandbox, &outcome.error("interrupted"));
}

#[cfg(unix)]
#[test]
fn killed_run_is_resumed() {
    let (provider, sandbox) = slow_provider();
    let running = sandbox.start(sandbox.command(RUN));
    provider.wait_for(POLL, 1);
    running.kill();
    end_the_job(&provider);
    let answer = sandbox.run(["--json", "jobs", "resume", "--all"]).answer();
    assert_eq!(answer["summary"]["finalized"], 1, "{answer}");
    assert_eq!(answer["jobs"][0]["key"], "order-66");
    assert!(sandbox.path("clip.mp4").exists());
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[cfg(unix)]
#[test]
fn interrupt_during_a_submit_waits_for_its_reply() {
    let (provider, sandbox) = slow_provider();
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
    let mut running = sandbox.start(sandbox.command(RUN));
    provider.wait_for(SUBMIT, 1);
    running.interrupt();
    running.wait_for_stop();
    provider.release(&accepted());
    let outcome = running.end();
    assert_eq!(outcome.code, 9);
    is_resumable(&provider, &sandbox, &outcome.error("interrupted"));
}

#[cfg(unix)]
#[test]
fn second_interrupt_cancels_the_job_at_the_provider() {
    let (provider, sandbox) = slow_provider();
    let stopped = Reply::json(
        200,
        json!({"id": "j-1", "status": "cancelled", "charged": false}),
    );
    provider.script(Script::from([(CANCEL.into(), vec![stopped.clone()])]));
    let mut running = sandbox.start(sandbox.command(RUN));
    provider.wait_for(POLL, 1);
    running.interrupt();
    running.wait_for_stop();
    provider.script(Script::from([(POLL.into(), vec![stopped])]));
    running.interrupt();
    let outcome = running.end();
    assert_eq!(outcome.code, 7);
    assert_eq!(outcome.error("cancelled")["charged"], "no");
    assert_eq!(provider.counts()[CANCEL], 1, "the provider was asked");
    assert_eq!(sandbox.jobs()[0]["state"], "cancelled");
}

/// Killed between the commit of `submitting` and the provider's answer.
#[cfg(unix)]
#[test]
fn kill_during_a_submit_resends_it_with_its_key_or_leaves_it_unknown() {
    for honoured in [false, true] {
        let (provider, sandbox) = slow_provider();
        let window = if honoured {
            "idempotency = \"24h\""
        } else {
            ""
        };
        sandbox.configure(&provider.connection(window));
        provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
        let running = sandbox.start(sandbox.command(RUN));
        provider.wait_for(SUBMIT, 1);
        running.kill();
        assert_eq!(sandbox.jobs()[0]["state"], "submitting");
        provider.script(Script::from([(SUBMIT.into(), vec![accepted()])]));
        end_the_job(&provider);
        let outcome = sandbox.run(["--json", "jobs", "resume", "--all"]);
        if honoured {
            assert_eq!(outcome.answer()["summary"]["finalized"], 1);
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
            is_resolved(&provider, &sandbox);
        }
    }
}

/// Resolves an unknown outcome with the provider's job id, and resumes the job.
#[track_caller]
fn is_resolved(provider: &Server, sandbox: &Sandbox) {
    let id = sandbox.jobs()[0]["id"].as_str().expect("an id").to_owned();
    let resolve = ["--json", "jobs", "resolve", &id, "--provider-job-id", "j-1"];
    let resolved = sandbox.run(resolve).answer();
    assert_eq!(resolved["state"], "started");
    let answer = run_next_command(sandbox, &resolved).answer();
    assert_eq!(
        (&answer["charged"], &answer["job"]),
        (&json!("yes"), &json!(id))
    );
    assert!(sandbox.path("clip.mp4").exists());
    assert_eq!(provider.counts()[SUBMIT], 1);
    // A known outcome cannot be resolved again.
    let again = sandbox.run(resolve);
    assert_eq!(again.code, 2);
    again.error("usage");
}

#[test]
fn unknown_submit_resolved_as_never_started_fails_uncharged() {
    let (provider, sandbox) = slow_provider();
    provider.script(Script::from([(
        SUBMIT.into(),
        vec![Reply::json(502, json!({}))],
    )]));
    let outcome = sandbox.run(RUN);
    assert_eq!(outcome.code, 8);
    let error = outcome.error("outcome_unknown");
    let id = error["job"].as_str().expect("an id");
    let resolved = sandbox
        .run(["--json", "jobs", "resolve", id, "--never-started"])
        .answer();
    assert_eq!(
        (&resolved["state"], &resolved["charged"]),
        (&json!("failed"), &json!("no"))
    );
    // The key still belongs to the job that never started.
    assert_eq!(sandbox.run(RUN).error("never_started")["charged"], "no");
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn job_is_not_resumed_at_another_provider_origin() {
    let (provider, sandbox) = slow_provider();
    let error = run_until_deadline(&sandbox);
    let (moved, _) = slow_provider();
    end_the_job(&moved);
    sandbox.configure(&moved.connection(""));
    let outcome = run_next_command(&sandbox, &error);
    assert_eq!(outcome.code, 4);
    outcome.error("connection_changed");
    assert_eq!(moved.arrived().len(), 0);
    sandbox.configure(&provider.connection("").replace("scripted", "renamed"));
    let renamed = run_next_command(&sandbox, &error);
    assert_eq!(renamed.code, 4);
    renamed.error("connection_unavailable");
    sandbox.configure(&provider.connection(""));
    is_resumable(&provider, &sandbox, &error);
}

#[test]
fn practice_run_past_its_deadline_is_resumed_by_a_new_process() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    let arguments = [
        "--json",
        "run",
        "image_to_video_v3",
        "--image",
        "a.png",
        "--set",
        "prompt=pan",
    ];
    let outcome = sandbox.run(arguments.into_iter().chain(["--deadline", "200ms"]));
    assert_eq!(outcome.code, 9);
    let answer = run_next_command(&sandbox, &outcome.error("deadline")).answer();
    assert_eq!(
        Clip::open(Path::new(answer["file"].as_str().expect("a path"))).frames,
        32
    );
}

#[test]
fn resumed_job_does_not_overwrite_an_existing_file() {
    let (provider, sandbox) = slow_provider();
    let error = run_until_deadline(&sandbox);
    end_the_job(&provider);
    sandbox.write("clip.mp4", "mine");
    let outcome = run_next_command(&sandbox, &error);
    assert_eq!(outcome.code, 9);
    assert_eq!(outcome.error("download_failed")["charged"], "yes");
    let id = error["job"].as_str().expect("an id");
    let fetch = ["--json", "jobs", "fetch", id, "--out", "other.mp4"];
    let answer = sandbox.run(fetch).answer();
    assert_eq!(
        answer["file"],
        sandbox.path("other.mp4").to_str().expect("a path")
    );
    assert_eq!(
        fs::read(sandbox.path("clip.mp4")).expect("the file"),
        b"mine"
    );
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[cfg(unix)]
#[test]
fn queued_jobs_of_a_killed_process_are_not_submitted() {
    let (provider, sandbox) = slow_provider();
    // After one submit, the rate limit permits the next one only after the test.
    sandbox.configure(&provider.connection("requests_per_second = 0.01"));
    let line = r#"{"prompt": "p", "image": "https://p.example/a.png"}"#;
    sandbox.write("lines.jsonl", [line; 3].join("\n"));
    let batch = [
        "run",
        "image_to_video_v3",
        "--batch",
        "lines.jsonl",
        "--out-dir",
        "clips",
    ];
    let running = sandbox.start(sandbox.command(batch));
    provider.wait_for(SUBMIT, 1);
    running.kill();
    sandbox.configure(&provider.connection(""));
    end_the_job(&provider);
    sandbox.run(RUN).answer();
    assert_eq!(
        provider.counts()[SUBMIT],
        2,
        "the batch's first and this one"
    );
    let queued: Vec<_> = sandbox
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
    // `jobs resume` submits the job it names.
    let id = queued[0]["id"].as_str().expect("an id");
    let answer = sandbox.run(["--json", "jobs", "resume", id]).answer();
    assert_eq!(answer["job"], id);
    assert_eq!(provider.counts()[SUBMIT], 3);
}

#[cfg(unix)]
#[test]
fn retry_after_holds_after_its_process_is_killed() {
    let (provider, sandbox) = slow_provider();
    let mut busy = Reply::json(429, json!({"error": {"message": "later"}}));
    busy.header("retry-after", "120");
    provider.script(Script::from([(SUBMIT.into(), vec![busy])]));
    let mut running = sandbox.start(sandbox.command(RUN));
    while !running.error_line().contains("later") {}
    running.kill();
    provider.script(Script::from([(SUBMIT.into(), vec![accepted()])]));
    let other = RUN.map(|word| if word == "order-66" { "order-67" } else { word });
    let other = other.map(|word| {
        if word == "clip.mp4" {
            "other.mp4"
        } else {
            word
        }
    });
    let outcome = sandbox.run(other.into_iter().chain(["--deadline", "500ms"]));
    assert_eq!(outcome.error("deadline")["charged"], "no");
    assert_eq!(
        provider.counts()[SUBMIT],
        1,
        "not before the provider's time"
    );
}
