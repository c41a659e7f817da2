//! `--events`: each line fits the published schema, a change follows its commit, and the answer is
//! the last line.

use serde_json::{Value, json};

use crate::support::outcome::Outcome;
use crate::support::provider::{Reply, Script};
use crate::support::root;
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{
    CANCEL, POLL, RUN, SUBMIT, end_the_job, run_until_deadline, slow_provider,
};

/// The events of a command, each checked against the schema. The last one is the only answer.
#[track_caller]
fn events_of(outcome: &Outcome) -> Vec<Value> {
    let schema = std::fs::read_to_string(root().join("docs/reference/events.schema.json"));
    let schema: Value = schema.expect("the schema").parse().expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let events: Vec<Value> = outcome
        .stdout
        .lines()
        .map(|line| line.parse().unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    for event in &events {
        assert!(validator.is_valid(event), "{event}");
    }
    let answers = events.iter().filter(|event| event["event"] == "answer");
    assert_eq!(answers.count(), 1, "{outcome:?}");
    assert_eq!(
        events.last().expect("a line")["event"],
        "answer",
        "{outcome:?}"
    );
    events
}

/// Asserts that the progress names the job as one that was known before.
#[track_caller]
fn is_followed(outcome: &Outcome, id: &str) {
    let following = format!("following job {id}");
    assert!(outcome.stderr.contains(&following), "{outcome:?}");
    assert!(!outcome.stderr.contains("submitted"), "{outcome:?}");
}

fn answer(events: &[Value]) -> &Value {
    &events.last().expect("an answer")["answer"]
}

/// The values of a field in the events of this name, in their order.
fn values<'a>(events: &'a [Value], name: &str, field: &str) -> Vec<&'a Value> {
    let of_name = events.iter().filter(|event| event["event"] == name);
    of_name.map(|event| &event[field]).collect()
}

/// The command with `--events` in place of `--json`.
fn run_with_events(sandbox: &Sandbox) -> Outcome {
    sandbox.run(RUN[1..].iter().chain(&["--events"]))
}

fn poll(progress: f64) -> Reply {
    let running =
        json!({"id": "j-1", "status": "running", "progress": progress, "poll_after_ms": 100});
    Reply::json(200, running)
}

#[test]
fn events_of_a_successful_run_have_its_states_progress_charge_and_file() {
    let (provider, sandbox) = slow_provider();
    let ended = json!({
        "id": "j-1", "status": "succeeded", "output": {"video": "{provider}/clips/1.mp4"},
        "charged": true,
    });
    // The provider's fraction falls.
    let polls = vec![poll(0.6), poll(0.2), poll(0.7), Reply::json(200, ended)];
    provider.script(Script::from([(POLL.into(), polls)]));
    let outcome = run_with_events(&sandbox);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let events = events_of(&outcome);
    let states = values(&events, "state", "state");
    assert_eq!(states.first(), Some(&&json!("queued")), "{outcome:?}");
    assert_eq!(states.last(), Some(&&json!("succeeded")), "{outcome:?}");
    let fractions: Vec<_> = values(&events, "progress", "fraction")
        .into_iter()
        .filter_map(Value::as_f64)
        .collect();
    assert!(
        !fractions.is_empty() && fractions.is_sorted(),
        "{fractions:?}"
    );
    let charges = values(&events, "charge", "charged");
    assert_eq!(charges.last(), Some(&&json!("yes")), "{outcome:?}");
    let file = sandbox.path("clip.mp4");
    let file = json!(file.to_str().expect("a path"));
    assert_eq!(values(&events, "file", "file"), [&file], "{outcome:?}");
    let answer = answer(&events);
    assert_eq!((&answer["ok"], &answer["file"]), (&json!(true), &file));
    // The same object as that of `--json`.
    let mut plain = sandbox.run(RUN).answer();
    let mut answer = answer.clone();
    for document in [&mut plain, &mut answer] {
        document.as_object_mut().expect("an object").remove("notes");
    }
    assert_eq!(plain, answer);
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn events_of_failed_resumed_and_cancelled_jobs_end_with_their_answer() {
    let (provider, sandbox) = slow_provider();
    let failed = json!({"id": "j-1", "status": "failed", "error": "words", "charged": false});
    provider.script(Script::from([(
        POLL.into(),
        vec![Reply::json(200, failed)],
    )]));
    let outcome = run_with_events(&sandbox);
    assert_eq!(outcome.code, 7, "{outcome:?}");
    let events = events_of(&outcome);
    assert_eq!(answer(&events)["error"]["kind"], "failed");
    let states = values(&events, "state", "state");
    assert_eq!(states.last(), Some(&&json!("failed")), "{outcome:?}");

    let (provider, sandbox) = slow_provider();
    let error = run_until_deadline(&sandbox);
    let id = error["job"].as_str().expect("an id");
    end_the_job(&provider);
    let outcome = sandbox.run(["jobs", "resume", id, "--events"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let events = events_of(&outcome);
    is_followed(&outcome, id);
    assert_eq!(events[0]["state"], "started", "its state at first");
    assert_eq!(answer(&events)["job"], id);

    let (provider, sandbox) = slow_provider();
    let error = run_until_deadline(&sandbox);
    let id = error["job"].as_str().expect("an id");
    let cancelled = json!({"id": "j-1", "status": "cancelled", "charged": false});
    let cancelled = Reply::json(200, cancelled);
    provider.script(Script::from([
        (CANCEL.into(), vec![cancelled.clone()]),
        (POLL.into(), vec![cancelled]),
    ]));
    let outcome = sandbox.run(["jobs", "cancel", id, "--events"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let events = events_of(&outcome);
    let states = values(&events, "state", "state");
    assert_eq!(states.last(), Some(&&json!("cancelled")), "{outcome:?}");
    is_followed(&outcome, id);
    assert_eq!(answer(&events)["state"], "cancelled");
}

#[test]
fn events_of_a_batch_name_each_job_and_a_wrong_command_has_an_answer_alone() {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    let line = json!({"prompt": "p", "image": "https://p.example/a.png"});
    sandbox.write("lines.jsonl", format!("{line}\n{line}\n"));
    let batch = ["run", "image_to_video_v3", "--batch", "lines.jsonl"];
    let more = ["--out-dir", "clips", "--key", "many", "--events"];
    let outcome = sandbox.run(batch.iter().chain(&more));
    let events = events_of(&outcome);
    for key in ["many-1", "many-2"] {
        let of_job = events.iter().filter(|event| event["key"] == key);
        assert!(of_job.count() > 1, "{key}: {outcome:?}");
    }
    let summary = &answer(&events)["summary"];
    assert_eq!(summary["jobs"], 2, "{outcome:?}");

    let outcome = sandbox.run(["run", "image_to_video_v3", "--events", "--bogus"]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    let events = events_of(&outcome);
    assert_eq!(events.len(), 1, "{outcome:?}");
    assert_eq!(answer(&events)["error"]["kind"], "usage");
}
