//! `jobs prune`: what it deletes, what it keeps for others, and how it is interrupted.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use image::ImageFormat;
use rusqlite::Connection;
use serde_json::json;

use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{RUN, SUBMIT, end_the_job, slow_provider};

const PRUNE: [&str; 5] = ["--json", "jobs", "prune", "--older-than", "0s"];

const UPLOAD: &str = "POST /v1/files";

const OLD: Duration = Duration::from_hours(48);

fn make_old(path: &Path) {
    let file = File::options().append(true).open(path).expect("a file");
    file.set_modified(SystemTime::now() - OLD).expect("a time");
}

fn ledger(sandbox: &Sandbox) -> Connection {
    let ledger = Connection::open(sandbox.data_dir().join("ledger.sqlite3")).expect("the ledger");
    ledger
        .busy_timeout(Duration::from_secs(30))
        .expect("a timeout");
    ledger
}

fn count(ledger: &Connection) -> i64 {
    let count = ledger.query_row("SELECT count(*) FROM jobs", [], |row| row.get(0));
    count.expect("a count")
}

/// Copies the ledger's one job until there are this many.
fn fill(ledger: &Connection, jobs: i64) {
    let columns: Vec<String> = ledger
        .prepare("SELECT name FROM pragma_table_info('jobs')")
        .and_then(|mut names| names.query_map([], |row| row.get(0))?.collect())
        .expect("the columns");
    let values = columns.iter().map(|name| match name.as_str() {
        "id" | "key" => "'j' || n",
        name => name,
    });
    let values: Vec<_> = values.collect();
    let fill = format!(
        "WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
        INSERT INTO jobs ({}) SELECT {} FROM jobs, numbers",
        columns.join(", "),
        values.join(", ")
    );
    ledger.execute(&fill, [jobs]).expect("rows");
    assert_eq!(count(ledger), jobs);
}

#[test]
fn killed_prune_of_20_000_jobs_is_continued_by_the_same_command() {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    sandbox.run(RUN).answer();
    let ledger = ledger(&sandbox);
    fill(&ledger, 20_000);
    let mut running = sandbox.start(sandbox.command(PRUNE));
    let line = running.error_line();
    assert!(line.starts_with("deleting jobs"), "{line}");
    running.kill();
    let left = count(&ledger);
    assert_eq!((20_000 - left) % 500, 0, "whole transactions");
    let pruned = sandbox.run(PRUNE).answer();
    assert_eq!(
        (&pruned["deleted"], &pruned["kept"]),
        (&json!(left), &json!(0))
    );
    let orphans = "SELECT count(*) FROM history WHERE job NOT IN (SELECT id FROM jobs)";
    let orphans = ledger.query_row(orphans, [], |row| row.get::<_, i64>(0));
    assert_eq!(orphans.expect("a count"), 0);
    // The connection of this test keeps the file; otherwise the last process removes it.
    let log = fs::metadata(sandbox.data_dir().join("ledger.sqlite3-wal"));
    assert_eq!(log.expect("the log").len(), 0);
}

#[cfg(unix)]
#[test]
fn interrupted_prune_says_how_many_jobs_it_deleted() {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    sandbox.run(RUN).answer();
    let ledger = ledger(&sandbox);
    fill(&ledger, 20_000);
    let mut running = sandbox.start(sandbox.command(PRUNE));
    let line = running.error_line();
    assert!(line.starts_with("deleting jobs"), "{line}");
    running.interrupt();
    let outcome = running.end();
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let error = outcome.error("interrupted");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("of 20000 jobs were deleted"), "{message}");
    assert!(count(&ledger) < 20_000);
    let pruned = sandbox.run(PRUNE).answer();
    assert_eq!(pruned["kept"], 0);
}

#[test]
fn pictures_of_jobs_that_are_not_done_are_not_pruned() {
    let (provider, sandbox) = slow_provider();
    provider.script(Script::from([(UPLOAD.into(), vec![Reply::hang()])]));
    sandbox.write("a.png", picture(ImageFormat::Png));
    let image = format!("data:image/png;base64,{}", "iVBORw0KGgo".repeat(2000));
    let lines = [
        json!({"prompt": "p", "image": image}),
        json!({"prompt": "p", "image": "file:a.png"}),
    ];
    sandbox.write(
        "lines.jsonl",
        lines.map(|line| format!("{line}\n")).concat(),
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
    let running = sandbox.start(sandbox.command(batch));
    provider.wait_for(UPLOAD, 1);
    // The picture in base64, and the copy of the local one.
    let stored: Vec<PathBuf> = fs::read_dir(sandbox.data_dir().join("pictures"))
        .expect("the folder")
        .map(|entry| entry.expect("a file").path())
        .collect();
    assert_eq!(stored.len(), 2);
    for path in &stored {
        make_old(path);
    }
    sandbox.run(PRUNE).answer();
    assert!(stored.iter().all(|path| path.exists()), "rows name them");
    end_the_job(&provider);
    provider.release(&Reply::json(200, json!({"url": "https://files.example/1"})));
    let answer = running.end().answer();
    assert_eq!(answer["summary"]["finalized"], 2, "{answer}");
    let sent: Vec<_> = provider
        .arrived()
        .iter()
        .filter(|request| request.line() == SUBMIT)
        .map(|request| request.json()["input"]["image"].clone())
        .collect();
    assert!(
        sent.contains(&json!(image)),
        "the first line's picture is sent"
    );
    assert!(sandbox.run(PRUNE).answer()["freed"]["files"].as_u64() >= Some(1));
    assert!(!stored.iter().any(|path| path.exists()));
}

#[test]
fn prune_removes_files_that_no_job_needs_and_says_how_many() {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    let id = sandbox.run(RUN).answer()["job"].take();
    let id = id.as_str().expect("an id");
    let data = sandbox.data_dir();
    let old = [
        sandbox.path(format!("clip.mp4.{id}.part")),
        data.join("clips/a.mp4.01900000-0000-7000-8000-000000000000.part"),
        data.join("components")
            .join(format!("{}.wasm", "0".repeat(64))),
        data.join("code/.tmpcrash"),
        data.join("requesters/01900000"),
    ];
    for path in &old {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, "12345").expect("a file");
        make_old(path);
    }
    let pruned = sandbox.run(PRUNE).answer();
    assert_eq!(
        (&pruned["deleted"], &pruned["kept"]),
        (&json!(1), &json!(0))
    );
    for path in &old {
        assert!(!path.exists(), "{}", path.display());
    }
    assert!(sandbox.path("clip.mp4").exists(), "a result is kept");
    // With them, the component of the job.
    assert!(pruned["freed"]["files"].as_u64() > Some(5), "{pruned}");
    assert!(pruned["freed"]["bytes"].as_u64() > Some(25), "{pruned}");
    let again = sandbox.run(&PRUNE[1..]);
    assert_eq!(
        again.stdout,
        "deleted jobs: 0, kept: 0\nremoved files that no job needs: 0, freed: 0 B\n"
    );
    // The next job stores its component again.
    let more = ["--force", "--key", "order-67"];
    sandbox.run(RUN[..7].iter().chain(&more)).answer();
}

#[test]
fn key_of_a_removed_job_does_not_buy_again_and_the_file_is_named() {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    let bought = sandbox.run(RUN).answer();
    sandbox.run(PRUNE).answer();
    assert!(sandbox.jobs().is_empty());
    let again = sandbox.run(RUN).answer();
    for fact in [
        "job",
        "key",
        "provider_job_id",
        "file",
        "sha256",
        "bytes",
        "charged",
    ] {
        assert_eq!(again[fact], bought[fact], "{fact}");
    }
    assert_eq!(provider.counts()[SUBMIT], 1, "bought once");
    let id = bought["job"].as_str().expect("an id");
    // Another path gets a copy.
    let other = RUN.map(|word| {
        if word == "clip.mp4" {
            "other.mp4"
        } else {
            word
        }
    });
    let elsewhere = sandbox.run(other).answer();
    let copy = sandbox.path("other.mp4");
    assert_eq!(elsewhere["file"], copy.to_str().expect("a path"));
    let clips = [&copy, &sandbox.path("clip.mp4")].map(|path| fs::read(path).expect("a clip"));
    assert_eq!(clips[0], clips[1]);
    let shown = sandbox.run(["--json", "jobs", "show", &id[..20]]).json();
    assert_eq!(
        (&shown["id"], &shown["state"]),
        (&bought["job"], &json!("succeeded"))
    );
    assert!(
        shown["removed_at"].is_string() && shown["ticket"].is_object(),
        "{shown}"
    );
    // The same key with another input.
    sandbox.write(
        "input.json",
        json!({"prompt": "p", "image": "https://p.example/a.png"}).to_string(),
    );
    assert_eq!(sandbox.run(RUN).error("key_conflict")["charged"], "no");
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn result_of_a_removed_job_whose_file_is_gone_is_fetched_again_without_a_submit() {
    for command in ["resume", "fetch"] {
        let (provider, sandbox) = slow_provider();
        end_the_job(&provider);
        let bought = sandbox.run(RUN).answer();
        sandbox.run(PRUNE).answer();
        fs::remove_file(sandbox.path("clip.mp4")).expect("the clip");
        let outcome = sandbox.run(RUN);
        assert_eq!(outcome.code, 9, "{outcome:?}");
        let error = outcome.error("download_failed");
        assert_eq!(
            (&error["job"], &error["charged"]),
            (&bought["job"], &json!("yes"))
        );
        let id = bought["job"].as_str().expect("an id");
        let next = error["next"].as_str().expect("the next command");
        assert!(
            next.contains(&format!("zoetrope jobs {command} {id}")),
            "{next}"
        );
        let mut arguments = vec!["--json", "jobs", command, id];
        if command == "fetch" {
            arguments.extend(["--out", "other.mp4"]);
        }
        let answer = sandbox.run(arguments).answer();
        let name = if command == "fetch" {
            "other.mp4"
        } else {
            "clip.mp4"
        };
        assert_eq!(answer["file"], sandbox.path(name).to_str().expect("a path"));
        assert_eq!(answer["sha256"], bought["sha256"]);
        assert_eq!(provider.counts()[SUBMIT], 1, "bought once");
        assert_eq!(sandbox.jobs().len(), 1, "the job is back");
        sandbox.run(RUN).answer();
        assert_eq!(provider.counts()[SUBMIT], 1);
    }
}

#[test]
fn lines_of_a_batch_whose_jobs_were_removed_are_not_bought_again() {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    let line = |prompt: &str| json!({"prompt": prompt, "image": "https://p.example/a.png"});
    let lines = [line("one"), line("two"), line("three")].map(|line| format!("{line}\n"));
    let batch = [
        "--json",
        "run",
        "image_to_video_v3",
        "--batch",
        "lines.jsonl",
        "--out-dir",
        "clips",
        "--key",
        "b",
    ];
    sandbox.write("lines.jsonl", lines[..2].concat());
    let first = sandbox.run(batch).answer();
    assert_eq!(first["summary"]["finalized"], 2, "{first}");
    sandbox.run(PRUNE).answer();
    sandbox.write("lines.jsonl", lines.concat());
    let second = sandbox.run(batch).answer();
    assert_eq!(second["summary"]["finalized"], 3, "{second}");
    assert_eq!(second["summary"]["charged"], 3, "{second}");
    assert_eq!(provider.counts()[SUBMIT], 3, "one for each line");
    for index in 0..2 {
        assert_eq!(second["jobs"][index]["id"], first["jobs"][index]["id"]);
    }
}

#[test]
fn prune_of_keys_says_what_it_means_and_the_same_key_buys_again() {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    sandbox.run(RUN).answer();
    sandbox.run(PRUNE).answer();
    let help = sandbox.run(["jobs", "prune", "--help"]).stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let help = help.to_lowercase();
    assert!(
        help.contains("the same command with the same key buys again"),
        "{help}"
    );
    let forget = PRUNE.iter().chain(&["--keys"]);
    let pruned = sandbox.run(forget).answer();
    assert_eq!(pruned["forgotten_keys"], 1, "{pruned}");
    sandbox.run(RUN.iter().chain(&["--force"])).answer();
    assert_eq!(provider.counts()[SUBMIT], 2);
}

#[test]
fn key_of_a_removed_job_that_was_refused_without_a_charge_may_be_used_again() {
    let (provider, sandbox) = slow_provider();
    let refused = Reply::json(422, json!({"error": {"message": "too dark"}}));
    provider.script(Script::from([(SUBMIT.into(), vec![refused])]));
    let error = sandbox.run(RUN).error("rejected");
    assert_eq!(error["charged"], "no");
    sandbox.run(PRUNE).answer();
    let accepted = json!({"id": "j-1", "status": "queued", "poll_after_ms": 100});
    provider.script(Script::from([(
        SUBMIT.into(),
        vec![Reply::json(201, accepted)],
    )]));
    end_the_job(&provider);
    let answer = sandbox.run(RUN).answer();
    assert_ne!(answer["job"], error["job"]);
    assert_eq!(provider.counts()[SUBMIT], 2);
}

#[test]
fn removed_job_that_failed_with_a_charge_is_reported_and_not_bought_again() {
    let (provider, sandbox) = slow_provider();
    let failed =
        json!({"id": "j-1", "status": "failed", "charged": true, "error": {"message": "too dark"}});
    provider.script(Script::from([(
        "GET /v1/jobs/j-1".into(),
        vec![Reply::json(200, failed)],
    )]));
    let failure = sandbox.run(RUN).error("failed");
    sandbox.run(PRUNE).answer();
    let error = sandbox.run(RUN).error("failed");
    assert_eq!(
        (&error["job"], &error["charged"]),
        (&failure["job"], &json!("yes"))
    );
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.contains("was removed from the ledger") && message.contains("nothing was sent"),
        "{message}"
    );
    // It cannot be submitted again under its row.
    for more in [&["--retry-failed"][..], &["--retry-failed", "--again"]] {
        let error = sandbox.run(RUN.iter().chain(more)).error("usage");
        assert_eq!(
            (&error["job"], &error["charged"]),
            (&failure["job"], &json!("yes"))
        );
        let next = error["next"].as_str().expect("a step");
        assert!(next.contains("another --key"), "{next}");
    }
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn damaged_rows_stop_neither_prune_nor_the_resumption_of_all_jobs() {
    for damage in [
        "raw_input = CAST(x'ff' AS TEXT) || '$picture'",
        "local_pictures = CAST(x'ff' AS TEXT)",
        "target = CAST(x'ff' AS TEXT)",
        "connection = CAST(x'ff' AS TEXT)",
        "component = CAST(x'ff' AS TEXT)",
        "id = CAST(x'ff' AS TEXT)",
        "revision = 9223372036854775807",
    ] {
        let (provider, sandbox) = slow_provider();
        let first = sandbox.run(RUN.iter().chain(&["--deadline", "500ms"]));
        let id = first.error("deadline")["job"].take();
        let ledger = ledger(&sandbox);
        ledger
            .execute_batch("PRAGMA foreign_keys = OFF")
            .expect("a setting");
        ledger
            .execute(&format!("UPDATE jobs SET {damage}"), [])
            .expect("damage");
        let mut second = RUN.to_vec();
        (second[6], second[8]) = ("second.mp4", "order-67");
        let second = sandbox.run(second.iter().chain(&["--deadline", "500ms"]));
        assert_ne!(second.error("deadline")["job"], id);
        end_the_job(&provider);
        drop(sandbox.run(["--json", "jobs", "resume", "--all"]));
        assert!(sandbox.path("second.mp4").exists(), "{damage}");
        let pruned = sandbox.run(PRUNE).answer();
        assert_eq!(pruned["deleted"], 1, "{damage}: {pruned}");
        assert_eq!(provider.counts()[SUBMIT], 2, "{damage}");
    }
}

#[test]
fn id_of_another_job_at_the_provider_settles_no_second_job() {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    let owner = sandbox.run(RUN).answer()["job"].take();
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::close()])]));
    let mut second = RUN.to_vec();
    (second[6], second[8]) = ("second.mp4", "order-67");
    let lost = sandbox.run(&second).error("outcome_unknown")["job"].take();
    let resolve = [
        "--json",
        "jobs",
        "resolve",
        lost.as_str().expect("an id"),
        "--provider-job-id",
        "j-1",
    ];
    for is_removed in [false, true] {
        if is_removed {
            sandbox.run(PRUNE).answer();
        }
        let error = sandbox.run(resolve).error("usage");
        let message = error["message"].as_str().expect("a message");
        assert!(
            message.contains(owner.as_str().expect("an id")),
            "{message}"
        );
        assert_eq!(
            sandbox.jobs().last().expect("a job")["state"],
            "outcome_unknown"
        );
    }
}
