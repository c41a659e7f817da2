//! The id of an accepted job on standard error.

use serde_json::json;

use crate::support::provider::{Reply, Script};
use crate::support::slow_server::{POLL, RUN, SUBMIT, end_the_job, slow_provider};

/// The id in a line on an accepted job.
fn accepted_id(line: &str) -> Option<&str> {
    let (id, rest) = line.strip_prefix("job ")?.split_once(": ")?;
    rest.starts_with("accepted by the provider").then_some(id)
}

#[test]
fn id_of_an_accepted_job_is_printed_before_it_ends_and_resumes_it_after_a_kill() {
    for json in [true, false] {
        let (provider, sandbox) = slow_provider();
        let run = RUN.iter().skip(usize::from(!json));
        let mut running = sandbox.start(sandbox.command(run));
        let line = loop {
            let line = running.error_line();
            if accepted_id(&line).is_some() {
                break line;
            }
        };
        let id = accepted_id(&line).expect("an id").to_owned();
        running.kill();
        assert!(
            line.contains(&format!("zoetrope jobs resume {id}")),
            "{line}"
        );
        end_the_job(&provider);
        let answer = sandbox.run(["--json", "jobs", "resume", &id]).answer();
        assert_eq!(answer["job"], id.as_str());
        assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
    }
}

/// A process that drives for another one reports no job of the other one. That one does.
#[test]
fn ids_of_many_jobs_that_another_process_submits_are_printed() {
    const JOBS: usize = 12;
    let (provider, sandbox) = slow_provider();
    let driver = sandbox.start(sandbox.command(RUN));
    provider.wait_for(POLL, 1);
    let line = json!({"prompt": "p", "image": "https://p.example/a.png"});
    sandbox.write("lines.jsonl", format!("{line}\n").repeat(JOBS));
    let batch = ["run", "image_to_video_v3", "--batch", "lines.jsonl"];
    let more = ["--out-dir", "clips", "--key", "many", "--json"];
    let mut other = sandbox.start(sandbox.command(batch.iter().chain(&more)));
    let mut ids = Vec::new();
    while ids.len() < JOBS {
        let line = other.error_line();
        ids.extend(accepted_id(&line).map(str::to_owned));
    }
    ids.sort_unstable();
    end_the_job(&provider);
    driver.end().answer();
    other.end().answer();
    let jobs = sandbox.jobs();
    let of_batch = jobs.iter().filter(|job| job["key"] != "order-66");
    let mut expected: Vec<_> = of_batch.filter_map(|job| job["id"].as_str()).collect();
    expected.sort_unstable();
    assert_eq!(ids, expected);
}

#[test]
fn each_job_of_a_batch_has_its_id_printed_once() {
    let (provider, sandbox) = slow_provider();
    let line = json!({"prompt": "p", "image": "https://p.example/a.png"});
    let lines = [line.to_string(), line.to_string()].join("\n");
    sandbox.write("lines.jsonl", lines);
    let accepted = |id: &str| {
        Reply::json(
            201,
            json!({"id": id, "status": "queued", "poll_after_ms": 100}),
        )
    };
    let ended = |id: &str| {
        let output = json!({"video": "{provider}/clips/1.mp4"});
        Reply::json(
            200,
            json!({"id": id, "status": "succeeded", "output": output, "charged": true}),
        )
    };
    provider.script(Script::from([
        (SUBMIT.into(), vec![accepted("j-1"), accepted("j-2")]),
        (POLL.into(), vec![ended("j-1")]),
        ("GET /v1/jobs/j-2".into(), vec![ended("j-2")]),
    ]));
    let batch = ["run", "image_to_video_v3", "--batch", "lines.jsonl"];
    let more = ["--out-dir", "clips", "--key", "many", "--json"];
    let outcome = sandbox.run(batch.iter().chain(&more));
    outcome.answer();
    let mut printed: Vec<_> = outcome.stderr.lines().filter_map(accepted_id).collect();
    printed.sort_unstable();
    let jobs = sandbox.jobs();
    let mut ids: Vec<_> = jobs.iter().filter_map(|job| job["id"].as_str()).collect();
    ids.sort_unstable();
    assert_eq!(printed, ids, "{}", outcome.stderr);
    for key in ["many-1", "many-2"] {
        assert!(
            outcome.stderr.contains(&format!("key {key}")),
            "{}",
            outcome.stderr
        );
    }
}
