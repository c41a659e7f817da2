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
