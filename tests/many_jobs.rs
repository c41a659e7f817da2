//! What is printed of many jobs: where they are, and a line for each that has no result.

use serde_json::json;

use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{SUBMIT, end_the_job, slow_provider};

const BATCH: [&str; 6] = [
    "run",
    "image_to_video_v3",
    "--batch",
    "lines.jsonl",
    "--out-dir",
    "clips",
];

/// A sandbox with a batch of so many lines.
fn batch_of(lines: usize) -> (Server, Sandbox) {
    let (provider, sandbox) = slow_provider();
    sandbox.configure(&provider.connection("requests_per_second = 20"));
    let line = json!({"prompt": "dunes", "image": "https://p.example/a.png"});
    sandbox.write("lines.jsonl", format!("{line}\n").repeat(lines));
    (provider, sandbox)
}

/// Refuses each submit with this status.
fn refuse(provider: &Server, status: u16) {
    let error = json!({"code": "no", "message": "it is refused"});
    let refused = Reply::json(status, json!({ "error": error }));
    provider.script(Script::from([(SUBMIT.into(), vec![refused])]));
}

#[test]
fn accepted_jobs_of_a_batch_are_not_counted_as_to_submit() {
    let (provider, sandbox) = batch_of(3);
    let left = sandbox.run(BATCH.iter().chain(&["--deadline", "2s"]));
    assert_eq!(left.code, 9, "{left:?}");
    assert_eq!(provider.counts()[SUBMIT], 3);
    end_the_job(&provider);
    let done = sandbox.run(["jobs", "resume", "--all"]);
    assert_eq!(done.code, 0, "{done:?}");
    let progress: Vec<_> = done
        .stderr
        .lines()
        .filter(|line| line.contains("of 3 done"))
        .collect();
    assert!(!progress.is_empty(), "{done:?}");
    for line in progress {
        assert!(
            !line.contains("waiting") && !line.contains("submitted"),
            "{line}"
        );
    }
}

#[test]
fn refused_account_is_one_line_and_a_count() {
    let (provider, sandbox) = batch_of(50);
    refuse(&provider, 402);
    let stopped = sandbox.run(BATCH);
    assert_eq!(stopped.code, 6, "{stopped:?}");
    let lines = stopped.stderr.matches("(account_refused)").count();
    assert_eq!(lines, 1, "{stopped:?}");
    let said = "50 of 50 jobs stay queued, ";
    assert!(stopped.stderr.contains(said), "{stopped:?}");
    assert!(stopped.stderr.contains(" of them not sent"), "{stopped:?}");
    let again = sandbox.run(["--json", "jobs", "resume", "--all"]).json();
    let jobs = again["jobs"].as_array().expect("the jobs");
    let steps = jobs.iter().filter(|job| job["next"].is_string());
    assert_eq!(steps.count(), 50, "{again}");
}

#[test]
fn lines_that_are_left_out_are_listed_by_a_command_with_the_same_data_directory() {
    let (provider, sandbox) = batch_of(22);
    refuse(&provider, 422);
    let data_dir = sandbox.path("d");
    let data_dir = data_dir.to_str().expect("a path");
    let failed = sandbox.run(BATCH.iter().chain(&["--data-dir", data_dir]));
    let list = format!("… and 2 more: zoetrope jobs --data-dir {data_dir}");
    assert!(failed.stderr.contains(&list), "{failed:?}");
    // The key of the line was generated, so its number is its name among the others.
    assert_eq!(failed.stderr.matches("line 7, ").count(), 1, "{failed:?}");
}

#[test]
fn folder_or_batch_that_cannot_be_used_is_named_in_the_next_step() {
    let (provider, sandbox) = batch_of(1);
    sandbox.write("file", "");
    let batch = ["--json", "run", "image_to_video_v3", "--batch"];
    for (rest, option) in [
        (
            ["lines.jsonl", "--out-dir", "file"],
            "Use another --out-dir",
        ),
        (["missing.jsonl", "--out-dir", "clips"], "with --batch"),
    ] {
        let outcome = sandbox.run(batch.iter().chain(&rest));
        assert_eq!(outcome.code, 2, "{outcome:?}");
        let error = outcome.error("usage");
        let next = error["next"].as_str().expect("a step");
        assert!(
            next.contains(option) && next.contains("nothing was submitted"),
            "{next}"
        );
    }
    assert_eq!(provider.arrived().len(), 0);
}

#[test]
fn interrupted_fetch_says_that_the_result_moves_and_is_repeated_by_its_next_step() {
    let (provider, sandbox) = slow_provider();
    let input = ["--input", "input.json", "--out", "clip.mp4"];
    let run = ["--json", "run", "image_to_video_v3"]
        .into_iter()
        .chain(input);
    let left = sandbox
        .run(run.chain(["--deadline", "1s"]))
        .error("deadline");
    let job = left["job"].as_str().expect("a job");
    let fetch = [
        "jobs",
        "fetch",
        job,
        "--out",
        "other.mp4",
        "--deadline",
        "1s",
    ];
    let left = sandbox.run(fetch);
    assert_eq!(left.code, 9, "{left:?}");
    let other = sandbox.path("other.mp4");
    let moved = format!(
        "note: the result of this job is written to {}",
        other.display()
    );
    assert!(left.stderr.contains(&moved), "{left:?}");
    let following = format!("following job {job} (");
    assert!(left.stderr.contains(&following), "{left:?}");
    assert!(!left.stderr.contains("submitted ("), "{left:?}");
    let next = format!("next: zoetrope jobs fetch {job} --out {}", other.display());
    assert!(left.stderr.contains(&next), "{left:?}");
    end_the_job(&provider);
    assert_eq!(sandbox.run(fetch).code, 0);
    assert!(other.is_file() && !sandbox.path("clip.mp4").exists());
    assert_eq!(provider.counts()[SUBMIT], 1);
}
