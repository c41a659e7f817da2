//! A disk that is full while many jobs run, and each way in which a system says so. `ledger` has one
//! job, at each of its steps.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::disk::Disk;
use crate::support::fixture::{Fixture, RESUME, number};
use crate::support::limited::start_by;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

/// The jobs of the batch, unless `ZOETROPE_FULL_DISK_JOBS` says another number.
const JOBS: usize = 400;

/// How long the disk stays full. Nothing depends on it.
const FULL: Duration = Duration::from_secs(1);

/// Writes the lines of a batch whose clips are on the disk. Returns its command.
fn batch(fixture: &mut Fixture, jobs: usize) -> Vec<String> {
    let folder = fixture.sandbox.data_dir().join("batch");
    let width = jobs.to_string().len();
    let mut text = String::new();
    for line in 1..=jobs {
        let image = format!("https://p.example/{line}.png");
        text += &json!({ "prompt": "pan", "image": image }).to_string();
        text.push('\n');
        let clip = folder.join(format!("{line:0width$}.mp4"));
        fixture.targets.insert(format!("full-{line}"), clip);
    }
    fixture.sandbox.write("lines.jsonl", text);
    let words = [
        "--json",
        "run",
        "image_to_video_v3",
        "--batch",
        "lines.jsonl",
    ];
    let more = [
        "--key",
        "full",
        "--out-dir",
        folder.to_str().expect("a path"),
    ];
    words.into_iter().chain(more).map(str::to_owned).collect()
}

#[test]
fn jobs_on_a_full_disk_are_bought_once_and_collected_once_there_is_space() {
    // The provider creates a job for every submit.
    let mut fixture = Fixture::new(false, Duration::from_millis(50), &json!([]));
    let Some(disk) = Disk::mount(&fixture.sandbox.data_dir()) else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    // Compiles the component, whose code is on the other file system.
    assert_eq!(fixture.sandbox.run(["nodes"]).code, 0);
    let jobs = number("ZOETROPE_FULL_DISK_JOBS").unwrap_or(JOBS);
    let mut command = batch(&mut fixture, jobs);
    for share in [8, 4, 2] {
        let mut running = fixture.sandbox.start(fixture.sandbox.command(&command));
        while fixture.provider.billing().jobs.len() < jobs / share && !running.has_ended() {
            std::thread::sleep(Duration::from_millis(5));
        }
        disk.fill();
        std::thread::sleep(FULL);
        disk.free();
        // It ends because of the full disk, or goes on: tickets wait for the space.
        let outcome = running.end();
        assert!([0, 1, 9].contains(&outcome.code), "{outcome:?}");
        if outcome.code == 1 {
            let error = outcome.error("ledger_unavailable");
            let next = error["next"].as_str().expect("the next command");
            assert!(next.starts_with("Free disk space, then run"), "{next}");
        }
        command = RESUME.map(str::to_owned).to_vec();
    }
    for _ in 0..3 {
        if fixture.sandbox.run(&command).code == 0 {
            break;
        }
    }
    let ending = fixture.finish_and_check(None);
    assert_eq!(
        (ending.jobs, ending.created),
        (jobs, jobs),
        "one submit each"
    );
    assert_eq!((ending.unknown, ending.charged), (0, jobs));

    let length = || {
        fs::metadata(fixture.sandbox.data_dir().join("ledger.sqlite3"))
            .expect("the ledger")
            .len()
    };
    let before = length();
    let pruned = ["--json", "jobs", "prune", "--older-than", "0s"];
    let pruned = fixture.sandbox.run(pruned).answer();
    assert_eq!(pruned["deleted"], jobs);
    assert!(length() < before, "{} of {before}", length());
}

const SUBMIT: &str = "POST /v1/jobs";
const RUN: [&str; 9] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--set",
    "prompt=p",
    "--set",
    "image=https://p.example/a.png",
    "--out",
    "clip.mp4",
];

fn fixture() -> (Server, Sandbox) {
    let ended = json!({
        "id": "j-1", "status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true,
    });
    let provider = Server::start(Script::from([
        (SUBMIT.into(), vec![crate::support::cases::accepted()]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]));
    let sandbox = Sandbox::with_provider(&provider);
    (provider, sandbox)
}

/// Whether a process can be traced here.
fn can_trace() -> bool {
    let traced = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output();
    traced.is_ok_and(|output| output.status.success())
}

#[test]
fn full_disk_and_full_quota_have_the_same_error_in_each_call_of_the_system() {
    if !can_trace() {
        println!("skipped: strace cannot be used here");
        return;
    }
    let (provider, sandbox) = fixture();
    for calls in ["pwrite64", "fsync,fdatasync", "pwrite64,ftruncate"] {
        for error in ["ENOSPC", "EDQUOT"] {
            let script = format!(
                "exec strace -f -qq -o /dev/null -e trace={calls} -e inject={calls}:error={error} \"$0\" \"$@\""
            );
            let outcome = start_by(&sandbox, &RUN, &script).end();
            assert_eq!(outcome.code, 1, "{calls} {error}: {outcome:?}");
            let failed = outcome.error("ledger_unavailable");
            assert_eq!(
                failed["next"], "Free disk space, then run the same command again",
                "{calls} {error}"
            );
            assert_eq!(failed["charged"], "no");
            assert_eq!(provider.arrived().len(), 0, "nothing is sent");
        }
    }
    sandbox.run(RUN).answer();
    assert_eq!(provider.counts()[SUBMIT], 1, "the same command, with space");
}

#[test]
fn logs_on_a_full_disk_stop_no_job() {
    let (provider, sandbox) = fixture();
    let script = "export ZOETROPE_LOG=debug; exec \"$0\" \"$@\" 2>/dev/full";
    let answer = start_by(&sandbox, &RUN, script).end().answer();
    assert_eq!(answer["charged"], "yes");
    assert!(sandbox.path("clip.mp4").exists());
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn compiled_code_that_cannot_be_stored_stops_no_command() {
    let (_provider, sandbox) = fixture();
    let data = sandbox.path("other");
    let data = data.to_str().expect("a path");
    let arguments = ["--json", "nodes", "--data-dir", data];
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"";
    let outcome = start_by(&sandbox, &arguments, script).end();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let code = fs::read_dir(sandbox.path("other/code")).map_or(0, Iterator::count);
    assert_eq!(code, 0, "no code is stored");
}

/// The result of `doctor` with this name.
#[track_caller]
fn check_of(checks: &Value, name: &str) -> Value {
    let checks = checks.as_array().expect("the checks");
    let found = checks.iter().find(|check| check["name"] == name);
    found
        .cloned()
        .unwrap_or_else(|| panic!("no {name}: {checks:?}"))
}

#[test]
fn doctor_lists_its_checks_and_exits_with_the_code_of_a_problem() {
    let (_provider, sandbox) = fixture();
    let outcome = sandbox.run(["--json", "doctor"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let checks = outcome.answer()["checks"].clone();
    assert!(check_of(&checks, "data directory")["free_bytes"].as_u64() > Some(0));
    assert_eq!(check_of(&checks, "engine")["wanted"], 64);
    assert_eq!(check_of(&checks, "driver")["held"], false);
    assert_eq!(check_of(&checks, "ledger")["state"], "ok");
    let text = sandbox.run(["doctor"]);
    assert!(
        text.stdout
            .starts_with("ok       program         zoetrope "),
        "{text:?}"
    );

    let file = sandbox.write("file", "");
    let file = file.to_str().expect("a path");
    let outcome = sandbox.run(["--json", "doctor", "--data-dir", file]);
    assert_eq!(outcome.code, 1, "{outcome:?}");
    let error = outcome.error("ledger_unavailable");
    let found = check_of(&error["checks"], "data directory");
    assert_eq!(found["state"], "problem");
    assert!(found.get("free_bytes").is_none(), "{found}");
    let text = sandbox.run(["doctor", "--data-dir", file]);
    assert_eq!(text.code, 1, "{text:?}");
    assert!(
        text.stdout.contains("problem  data directory  "),
        "{text:?}"
    );
    assert_eq!(text.stderr, "", "no second time");
}

#[test]
fn limit_on_the_size_of_files_is_named_whichever_file_of_the_ledger_reaches_it() {
    for blocks in [100, 200, 400] {
        let (_provider, sandbox) = fixture();
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let outcome = start_by(&sandbox, &RUN, &script).end();
        if outcome.code == 1 {
            let error = outcome.error("ledger_unavailable");
            let next = error["next"].as_str().expect("a step");
            assert!(next.starts_with("Raise the limit"), "{blocks}: {error}");
        }
    }
}

#[test]
fn doctor_says_what_a_write_in_the_data_directory_lacks() {
    let (_provider, sandbox) = fixture();
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"";
    let outcome = start_by(&sandbox, &["--json", "doctor"], script).end();
    assert_eq!(outcome.code, 1, "{outcome:?}");
    let error = outcome.error("ledger_unavailable");
    let next = error["next"].as_str().expect("a step");
    let begin = "Raise the limit on the size of files (ulimit -f), then run: zoetrope doctor";
    assert!(next.starts_with(begin), "{next}");
    assert_eq!(
        check_of(&error["checks"], "data directory")["state"],
        "problem"
    );
}

#[test]
fn prune_runs_on_a_disk_without_a_free_byte() {
    let mut fixture = Fixture::new(false, Duration::from_millis(50), &json!([]));
    let Some(disk) = Disk::mount(&fixture.sandbox.data_dir()) else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    let command = batch(&mut fixture, 1);
    assert_eq!(fixture.sandbox.run(command).code, 0);
    let code = fixture.sandbox.data_dir().join("code");
    fs::create_dir_all(&code).expect("a folder");
    let code = code.join("unused.code");
    fs::write(&code, vec![0; 1 << 20]).expect("a file");
    disk.fill();
    let pruned = ["--json", "jobs", "prune", "--older-than", "0s"];
    let pruned = fixture.sandbox.run(pruned).answer();
    assert_eq!(
        (&pruned["deleted"], &pruned["kept"]),
        (&json!(1), &json!(0))
    );
    assert!(!code.exists());
    assert!(
        pruned["freed"]["bytes"].as_u64() >= Some(1 << 20),
        "{pruned}"
    );
}
