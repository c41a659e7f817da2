//! `zoetrope jobs` and `jobs show` for people: names of jobs, columns, filters, colours.

use serde_json::{Value, json};

use crate::support::outcome::Outcome;
use crate::support::provider::{Reply, Script};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{POLL, end_the_job, run_until_deadline, slow_provider};

/// Runs a command with this value of `COLUMNS`.
fn run_in(columns: &str, sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let mut command = sandbox.command(arguments);
    command.env("COLUMNS", columns);
    sandbox.start(command).end()
}

/// A sandbox with a job that has its result, and two of a batch that are running.
fn three_jobs() -> (Sandbox, Vec<String>) {
    let (provider, sandbox) = slow_provider();
    run_until_deadline(&sandbox);
    end_the_job(&provider);
    sandbox.run(["--json", "jobs", "resume", "last"]).answer();
    let running = Reply::json(200, json!({"id": "j-1", "status": "running"}));
    provider.script(Script::from([(POLL.into(), vec![running])]));
    sandbox.write(
        "lines.jsonl",
        "{\"prompt\": \"p\", \"image\": \"https://p.example/a.png\"}\n".repeat(2),
    );
    let batch = [
        "--json",
        "run",
        "image_to_video_v3",
        "--batch",
        "lines.jsonl",
    ];
    let rest = ["--out-dir", "clips", "--deadline", "500ms"];
    sandbox.run(batch.iter().chain(&rest));
    let jobs = sandbox.jobs();
    let ids = jobs.iter().map(|job| job["id"].as_str().expect("an id"));
    let ids: Vec<_> = ids.map(str::to_owned).collect();
    assert_eq!(ids.len(), 3, "{jobs:?}");
    (sandbox, ids)
}

#[test]
fn list_is_newest_first_fits_the_columns_and_can_be_filtered() {
    let (sandbox, ids) = three_jobs();
    let listed = sandbox.run(["jobs"]);
    let first_words = |text: &str| {
        let words = text.lines().map(|line| line.split_whitespace().next());
        words
            .map(|word| word.map(str::to_owned))
            .collect::<Vec<_>>()
    };
    let again = sandbox.run(["jobs", "list"]).stdout;
    assert_eq!(first_words(&listed.stdout), first_words(&again));
    let lines: Vec<_> = listed.stdout.lines().collect();
    let headings: Vec<_> = lines[0].split_whitespace().collect();
    assert_eq!(
        headings,
        ["ID", "STATE", "CREATED", "COST", "NODE", "RESULT"]
    );
    let begins = |lines: &[&str], ids: &[&String]| {
        assert_eq!(lines.len(), ids.len(), "{lines:?}");
        for (line, id) in lines.iter().zip(ids) {
            let short = line.split_whitespace().next().expect("an id");
            assert!(short.len() >= 8 && id.starts_with(short), "{line}");
        }
    };
    begins(&lines[1..], &[&ids[2], &ids[1], &ids[0]]);

    let shown = |more: &[&str]| sandbox.run(["jobs"].iter().chain(more));
    let reversed = shown(&["--reverse"]).stdout;
    begins(
        &reversed.lines().skip(1).collect::<Vec<_>>(),
        &[&ids[0], &ids[1], &ids[2]],
    );
    let one = shown(&["--limit", "1"]);
    begins(&one.stdout.lines().skip(1).collect::<Vec<_>>(), &[&ids[2]]);
    assert!(one.stderr.contains("2 older jobs are not shown"), "{one:?}");
    let succeeded = shown(&["--state", "failed,succeeded"]).stdout;
    begins(&succeeded.lines().skip(1).collect::<Vec<_>>(), &[&ids[0]]);
    assert_eq!(shown(&["--since", "1d", "--node", "other"]).stdout, "");
    assert_eq!(shown(&["--since", "2999-01-01"]).stdout, "");
    let json = |more: &[&str]| sandbox.run(["jobs", "--json"].iter().chain(more)).json();
    let in_order = |list: &Value, ids: &[String]| {
        let listed = list.as_array().expect("jobs").iter();
        let listed = listed.map(|job| job["id"].as_str().expect("an id"));
        assert_eq!(listed.collect::<Vec<_>>(), ids);
    };
    in_order(&json(&["--since", "1d", "--reverse"]), &ids);
    in_order(&json(&["--limit", "2"]), &ids[1..]);

    for (columns, width) in [("40", 40), ("80", 80), ("200", 200)] {
        let text = run_in(columns, &sandbox, &["jobs"]).stdout;
        assert_eq!(text.lines().count(), 4, "{text}");
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{line}");
        }
        assert!(
            text.contains(&ids[0][..8]) && text.contains("succeeded"),
            "{text}"
        );
    }
}

#[test]
fn colours_are_a_choice_and_never_in_json() {
    let (_provider, sandbox) = slow_provider();
    run_until_deadline(&sandbox);
    let is_colored = |arguments: &[&str]| sandbox.run(arguments).stdout.contains('\u{1b}');
    assert!(!is_colored(&["jobs"]));
    assert!(!is_colored(&["jobs", "--help"]));
    for command in [
        &["jobs"][..],
        &["jobs", "show", "last"],
        &["jobs", "--help"],
    ] {
        let always = [command, &["--color", "always"]].concat();
        assert!(is_colored(&always), "{command:?}");
        let never = [command, &["--color", "never"]].concat();
        assert!(!is_colored(&never), "{command:?}");
    }
    assert!(!is_colored(&["jobs", "--json", "--color", "always"]));
    let mut forced = sandbox.command(["jobs"]);
    forced.env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR");
    assert!(sandbox.start(forced).end().stdout.contains('\u{1b}'));
    let mut none = sandbox.command(["jobs"]);
    none.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
    assert!(!sandbox.start(none).end().stdout.contains('\u{1b}'));
}

#[test]
fn job_is_named_by_its_beginning_the_providers_id_or_last() {
    let (provider, sandbox) = slow_provider();
    let error = run_until_deadline(&sandbox);
    let id = error["job"].as_str().expect("an id");
    end_the_job(&provider);
    for name in [id, &id[..4], &id[..8].to_uppercase(), "j-1", "last"] {
        let shown = sandbox.run(["--json", "jobs", "show", name]).json();
        assert_eq!(shown["id"], id, "{name}");
        let resumed = sandbox.run(["--json", "jobs", "resume", name]).answer();
        assert_eq!(resumed["job"], id, "{name}");
        let out = format!("{name}.mp4");
        let fetch = ["--json", "jobs", "fetch", name, "--out", &out];
        assert_eq!(sandbox.run(fetch).answer()["job"], id, "{name}");
        let late = sandbox.run(["--json", "jobs", "cancel", name]);
        assert_eq!(late.error("too_late")["job"], id, "{name}");
        let done = sandbox
            .run(["--json", "jobs", "retry", name])
            .error("usage");
        assert_eq!(done["job"], id, "{name}");
        let known = ["--json", "jobs", "resolve", name, "--never-started"];
        assert_eq!(sandbox.run(known).error("usage")["job"], id, "{name}");
    }
    let short = sandbox
        .run(["--json", "jobs", "show", &id[..3]])
        .error("usage");
    let message = short["message"].as_str().expect("words");
    assert!(message.contains("4 characters"), "{message}");
    let typo = format!("{}x", &id[..7]);
    let typo = sandbox
        .run(["--json", "jobs", "show", &typo])
        .error("usage");
    let message = typo["message"].as_str().expect("words");
    assert!(
        message.contains(&format!("did you mean `{id}`?")),
        "{message}"
    );
    assert_eq!(provider.counts()["POST /v1/jobs"], 1);
}

#[test]
fn name_of_two_jobs_lists_both() {
    let (_provider, sandbox) = slow_provider();
    run_until_deadline(&sandbox);
    let again = [
        "--json",
        "run",
        "image_to_video_v3",
        "--input",
        "input.json",
    ];
    let rest = ["--out", "b.mp4", "--deadline", "500ms"];
    sandbox.run(again.iter().chain(&rest)).error("deadline");
    // The provider gives both jobs the same id.
    let error = sandbox
        .run(["--json", "jobs", "cancel", "j-1"])
        .error("usage");
    let message = error["message"].as_str().expect("words");
    for job in sandbox.jobs() {
        assert!(
            message.contains(job["id"].as_str().expect("an id")),
            "{message}"
        );
        assert_eq!(job["state"], "started", "none is cancelled");
    }
    assert!(
        message.contains("(image_to_video_v3, scripted, started, "),
        "{message}"
    );
}

#[test]
fn receipt_says_whether_the_file_is_there() {
    let (provider, sandbox) = slow_provider();
    run_until_deadline(&sandbox);
    end_the_job(&provider);
    sandbox.run(["--json", "jobs", "resume", "last"]).answer();
    let show = || sandbox.run(["jobs", "show", "last"]).stdout;
    let shown = show();
    for words in [
        "Job ",
        "succeeded",
        "the file is there",
        "Charged       yes",
        "History",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    std::fs::write(sandbox.path("clip.mp4"), "mine").expect("another file");
    let shown = show();
    assert!(
        shown.contains("run: zoetrope jobs fetch ") && shown.contains("another file is there now"),
        "{shown}"
    );
    std::fs::remove_file(sandbox.path("clip.mp4")).expect("a file");
    let shown = show();
    assert!(shown.contains("the file is not there any more"), "{shown}");
    assert!(shown.contains("Next: zoetrope jobs resume "), "{shown}");
    let prune = ["--json", "jobs", "prune", "--older-than", "0s"];
    let id = sandbox.jobs()[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(sandbox.run(prune).answer()["deleted"], 1);
    let shown = sandbox.run(["jobs", "show", &id[..8]]).stdout;
    assert!(
        shown.contains(", deleted") && shown.contains("Deleted "),
        "{shown}"
    );
    let shown = sandbox.run(["--json", "jobs", "show", "j-1"]).json();
    assert_eq!(
        (&shown["id"], &shown["charged"]),
        (&json!(id), &json!("yes"))
    );
}
