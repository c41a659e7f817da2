//! Ledgers that cannot be used: full disk, no permission, newer version, damage. Nothing is sent
//! then; if the disk fills after payment, the job stays resumable.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::outcome::Outcome;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::{CANARY_PROMPT, Sandbox};

const SUBMIT: &str = "POST /v1/jobs";
/// Without a key, so that a second run would be another job.
const RUN: [&str; 7] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--input",
    "input.json",
    "--out",
    "clip.mp4",
];

/// A provider whose first poll reports the clip.
fn fixture() -> (Server, Sandbox) {
    let ended = json!({
        "id": "j-1", "status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true,
    });
    let provider = Server::start(Script::from([
        (SUBMIT.into(), vec![accepted()]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]));
    let sandbox = Sandbox::with_provider(&provider);
    let input = json!({"prompt": CANARY_PROMPT, "image": "https://p.example/a.png"});
    sandbox.write("input.json", input.to_string());
    (provider, sandbox)
}

/// The ledger after a finished job, in one file without a journal.
fn used_ledger(provider: &Server, sandbox: &Sandbox) -> PathBuf {
    sandbox.run(RUN).answer();
    assert_eq!(provider.counts()[SUBMIT], 1);
    let path = sandbox.data_dir().join("ledger.sqlite3");
    change(&path, "PRAGMA journal_mode = delete");
    path
}

fn change(ledger: &Path, statements: &str) {
    let connection = Connection::open(ledger).expect("the ledger");
    connection.execute_batch(statements).expect("a change");
    connection.close().expect("its end");
}

/// Asserts an uncharged `ledger_unavailable` with this `next`.
#[track_caller]
fn is_refused(outcome: &Outcome, next: &str) -> Value {
    assert_eq!(outcome.code, 1, "{outcome:?}");
    let error = outcome.error("ledger_unavailable");
    assert_eq!(
        (&error["charged"], &error["phase"]),
        (&json!("no"), &json!("setup"))
    );
    assert_eq!(error["next"], next);
    error
}

const REPAIR: &str = "Fix the permissions of the data directory, or use another --data-dir, then run the same command again";

/// Asserts that every command refuses the ledger and changes no byte of it.
#[track_caller]
fn is_refused_and_unchanged(provider: &Server, sandbox: &Sandbox, ledger: &Path, next: &str) {
    let before = fs::read(ledger).expect("the ledger");
    let arrived = provider.arrived().len();
    let other = RUN.map(|word| {
        if word == "clip.mp4" {
            "other.mp4"
        } else {
            word
        }
    });
    is_refused(&sandbox.run(other), next);
    is_refused(&sandbox.run(["--json", "jobs"]), next);
    is_refused(&sandbox.run(["--json", "jobs", "resume", "--all"]), next);
    assert_eq!(provider.arrived().len(), arrived, "nothing is sent");
    let after = fs::read(ledger).expect("the ledger");
    assert!(before == after, "the ledger was changed");
}

#[test]
fn ledger_of_a_newer_version_is_refused_and_unchanged() {
    let (provider, sandbox) = fixture();
    let ledger = used_ledger(&provider, &sandbox);
    let next = "Use the newer zoetrope, or another --data-dir";
    // The journal mode may differ as well.
    for mode in ["delete", "wal"] {
        change(
            &ledger,
            &format!("PRAGMA user_version = 99; PRAGMA journal_mode = {mode}"),
        );
        is_refused_and_unchanged(&provider, &sandbox, &ledger, next);
    }
}

#[test]
fn damaged_ledger_is_refused_and_unchanged() {
    let (provider, sandbox) = fixture();
    let ledger = used_ledger(&provider, &sandbox);
    change(&ledger, "PRAGMA journal_mode = wal");
    let whole = fs::read(&ledger).expect("the ledger");
    let mut header = whole.clone();
    header[..100].fill(0xa5);
    // The first page has the schema: the file opens, but its tables are unreadable.
    let mut tables = whole.clone();
    tables[4096..].fill(0xa5);
    let next = "Restore the ledger from a backup, or use another --data-dir";
    for damaged in [b"not a database at all\n".repeat(500), header, tables] {
        fs::write(&ledger, damaged).expect("damage");
        is_refused_and_unchanged(&provider, &sandbox, &ledger, next);
    }
    // Restoring a copy, as `next` says, repairs it.
    fs::write(&ledger, whole).expect("the copy");
    assert_eq!(sandbox.jobs()[0]["state"], "succeeded");
}

#[test]
fn damaged_row_reports_its_charge_and_stops_no_other_job() {
    let (provider, sandbox) = fixture();
    let run = |key: &str, out: &str| {
        let mut words = RUN.map(str::to_owned).to_vec();
        *words.last_mut().expect("the file") = out.into();
        words.extend(["--key".into(), key.into()]);
        sandbox.run(words)
    };
    let paid = run("k-1", "clip.mp4").answer();
    let id = paid["job"].as_str().expect("an id");
    let ledger = sandbox.data_dir().join("ledger.sqlite3");
    change(&ledger, "UPDATE jobs SET state = 'started', finalized = 0");

    let resume = ["--json", "jobs", "resume", id];
    let fetch = ["--json", "jobs", "fetch", id, "--out", "again.mp4"];
    for outcome in [
        run("k-1", "clip.mp4"),
        sandbox.run(["--json", "jobs", "show", id]),
        sandbox.run(resume),
        sandbox.run(fetch),
    ] {
        let error = outcome.error("ledger_unavailable");
        assert_eq!(
            (&error["job"], &error["charged"]),
            (&paid["job"], &json!("yes"))
        );
        let next = error["next"].as_str().expect("a next step");
        assert!(next.starts_with("Restore the row"), "{next}");
    }
    assert_eq!(provider.counts()[SUBMIT], 1);

    assert_eq!(run("k-2", "other.mp4").answer()["charged"], "yes");
    let listed = sandbox.run(["--json", "jobs"]);
    assert_eq!(listed.code, 0, "{listed:?}");
    let listed = listed.json();
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    assert_eq!(listed[1]["error"]["kind"], "ledger_unavailable");

    let all = sandbox.run(["--json", "jobs", "resume", "--all"]);
    let error = all.error("ledger_unavailable");
    assert_eq!(error["charged"], "yes");
    let summary = json!({"jobs": 1, "finalized": 0, "charged": 1, "may_be_charged": 0});
    assert_eq!(all.json()["summary"], summary);

    let pruned = sandbox.run(["--json", "jobs", "prune", "--older-than", "0s"]);
    let pruned = pruned.answer();
    assert_eq!(
        (&pruned["deleted"], &pruned["kept"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn run_without_a_writable_data_directory_sends_nothing() {
    let (provider, sandbox) = fixture();
    // No user can create a folder below a file.
    sandbox.write("file", "");
    let name = "Name a data directory: --data-dir DIR, then run the same command again";
    let mut folders = vec![
        (sandbox.path("file"), name),
        (sandbox.path("file/data"), name),
    ];
    if cfg!(target_os = "linux") {
        let next = "Use a data directory on a local disk (--data-dir DIR), then run the same \
                    command again";
        folders.push(("/proc/zoetrope/data".into(), next));
    }
    #[cfg(unix)]
    if !rustix::process::geteuid().is_root() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = sandbox.path("read-only");
        fs::create_dir(&folder).expect("a folder");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).expect("its rights");
        folders.push((folder, REPAIR));
    }
    for (folder, next) in folders {
        let folder = folder.to_str().expect("a path");
        let outcome = sandbox.run(RUN.iter().chain(&["--data-dir", folder]));
        is_refused(&outcome, next);
        assert!(!outcome.stderr.contains("other users"), "{outcome:?}");
    }
    // A ledger that exists and cannot be opened.
    let folder = sandbox.path("taken");
    fs::create_dir_all(folder.join("ledger.sqlite3")).expect("a folder in its place");
    let folder = folder.to_str().expect("a path");
    is_refused(
        &sandbox.run(RUN.iter().chain(&["--data-dir", folder])),
        REPAIR,
    );
    assert_eq!(provider.arrived().len(), 0);
}

/// Full disks, simulated by a limit on the size of files, which needs no privileges.
#[cfg(target_os = "linux")]
mod full {
    use std::io::Write as _;

    use super::*;
    use crate::support::limited::{limit_file_size, start_by, start_with_file_limit as start};
    use crate::support::mp4::short_clip;
    use crate::support::sandbox::Running;
    use crate::support::steps::command_in;

    const POLL: &str = "GET /v1/jobs/j-1";

    /// The limit on files is not a full disk, and the step says so.
    const RAISE_LIMIT: &str =
        "Raise the limit on the size of files (ulimit -f), then run the same command again";

    /// The lines on standard error up to the one with this beginning.
    fn error_lines_until(running: &mut Running<'_>, beginning: &str) -> Vec<String> {
        let mut said = Vec::new();
        while !said
            .last()
            .is_some_and(|line: &String| line.starts_with(beginning))
        {
            said.push(running.error_line());
        }
        said
    }

    #[test]
    fn result_that_cannot_be_printed_is_reported_as_charged() {
        let (provider, sandbox) = fixture();
        let script = "exec \"$0\" \"$@\" >/dev/full";
        let outcome = start_by(&sandbox, &RUN[1..], script).end();
        assert_eq!(outcome.code, 1, "{outcome:?}");
        let id = sandbox.jobs()[0]["id"].clone();
        let next = format!("next: zoetrope jobs show {}", id.as_str().expect("an id"));
        let said = &outcome.stderr;
        assert!(
            said.contains("charged: yes") && said.contains(&next),
            "{said}"
        );
        assert_eq!(provider.counts()[SUBMIT], 1);
    }

    #[test]
    fn run_on_a_full_disk_sends_nothing() {
        let (provider, sandbox) = fixture();
        let input = fs::read(sandbox.path("input.json")).expect("the input");
        let run = RUN.map(|word| if word == "input.json" { "-" } else { word });
        // First without a ledger, then with one that cannot grow.
        for _ in 0..2 {
            let mut running = start(&sandbox, &run);
            let mut stdin = running.stdin();
            // More than a pipe holds: once it is read, the component and its cached code are loaded.
            stdin.write_all(&vec![b' '; 1 << 18]).expect("a pipe");
            limit_file_size(&running, Some(0));
            stdin.write_all(&input).expect("a pipe");
            drop(stdin);
            is_refused(&running.end(), RAISE_LIMIT);
            assert_eq!(provider.arrived().len(), 0);
            assert!(sandbox.jobs().is_empty());
        }
        sandbox.run(RUN).answer();
        assert_eq!(provider.counts()[SUBMIT], 1, "the same command, with room");
    }

    /// A run whose disk fills during its submit. Returns once the ticket is on standard error.
    fn paid_on_full_disk<'a>(provider: &Server, sandbox: &'a Sandbox) -> Running<'a> {
        provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
        let mut running = start(sandbox, &RUN);
        provider.wait_for(SUBMIT, 1);
        limit_file_size(&running, Some(0));
        provider.release(&accepted());
        let said = error_lines_until(&mut running, "ticket: ");
        assert!(said.contains(&"provider job id: j-1".into()), "{said:?}");
        let ticket = said.last().and_then(|line| line.strip_prefix("ticket: "));
        let ticket: Value = serde_json::from_str(ticket.expect("a ticket")).expect("JSON");
        assert_eq!(ticket["job"], "j-1");
        running
    }

    #[test]
    fn disk_full_after_payment_and_freed_in_time_finishes_the_run() {
        let (provider, sandbox) = fixture();
        let running = paid_on_full_disk(&provider, &sandbox);
        limit_file_size(&running, None);
        let answer = running.end().answer();
        assert_eq!(answer["provider_job_id"], "j-1");
        assert!(sandbox.path("clip.mp4").exists());
        assert_eq!(provider.counts()[SUBMIT], 1);
    }

    #[test]
    fn disk_full_after_payment_leaves_the_job_resolvable() {
        let (provider, sandbox) = fixture();
        let mut running = paid_on_full_disk(&provider, &sandbox);
        let lines = error_lines_until(&mut running, "When the ledger can be written again");
        // It waits for space until it is told to end.
        running.interrupt();
        let outcome = running.end();
        assert_eq!(outcome.code, 1, "{outcome:?}");
        let error = outcome.error("ledger_unavailable");
        assert_eq!(
            (&error["charged"], &error["phase"]),
            (&json!("unknown"), &json!("submit"))
        );
        let next = error["next"].as_str().expect("the next commands");
        assert!(!next.contains("same command"), "{next}");
        let jobs = sandbox.jobs();
        assert_eq!(
            (&jobs[0]["id"], &jobs[0]["state"], &jobs[0]["charged"]),
            (&error["job"], &json!("submitting"), &json!("unknown"))
        );

        // With free space again, the command printed during the run and in `next` resolves the job.
        let resolve = command_in(lines.last().expect("a line"));
        assert_eq!(resolve, command_in(next));
        assert_eq!(resolve[..2], ["jobs", "resolve"]);
        let run_next_command = |words: Vec<String>| {
            let words = ["--json".to_owned()].into_iter().chain(words);
            sandbox.run(words).answer()
        };
        assert_eq!(run_next_command(resolve)["state"], "started");
        let (_, resume) = next.split_once(" && ").expect("two commands");
        let answer = run_next_command(command_in(resume));
        assert_eq!(
            (&answer["job"], &answer["charged"]),
            (&error["job"], &json!("yes"))
        );
        assert!(sandbox.path("clip.mp4").exists());
        assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
    }

    #[test]
    fn kill_on_a_full_disk_after_payment_is_an_unknown_outcome_and_no_second_submit() {
        let (provider, sandbox) = fixture();
        paid_on_full_disk(&provider, &sandbox).kill();
        let outcome = sandbox.run(["--json", "jobs", "resume", "--all"]);
        assert_eq!(outcome.code, 8, "{outcome:?}");
        let error = outcome.error("outcome_unknown");
        assert_eq!(error["charged"], "unknown");
        assert_eq!(sandbox.jobs()[0]["state"], "outcome_unknown");
        assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
    }

    #[test]
    fn download_stopped_by_a_full_disk_is_resumed() {
        const ROOM: u64 = 1 << 20;
        let (provider, sandbox) = fixture();
        let running = json!({"id": "j-1", "status": "running", "poll_after_ms": 100});
        let ended = json!({
            "id": "j-1", "status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true,
        });
        let mut clip = short_clip();
        let rest = (0..3 << 20).map(|index: u32| u8::try_from(index % 251).expect("a byte"));
        clip.extend(rest);
        provider.script(Script::from([
            (POLL.into(), vec![Reply::json(200, running)]),
            (
                "GET /1.mp4".into(),
                vec![Reply::of_clip(200, &clip, [].into())],
            ),
        ]));
        let running = start(&sandbox, &RUN);
        provider.wait_for(POLL, 1);
        limit_file_size(&running, Some(ROOM));
        provider.script(Script::from([(POLL.into(), vec![Reply::json(200, ended)])]));
        let outcome = running.end();
        assert_eq!(outcome.code, 9, "{outcome:?}");
        let error = outcome.error("download_failed");
        assert_eq!(error["charged"], "yes");
        let job = error["job"].as_str().expect("an id");
        let part = fs::read(sandbox.path(format!("clip.mp4.{job}.part"))).expect("the part");
        let there = usize::try_from(ROOM).expect("a length");
        assert!(part == clip[..there], "all that there was room for is kept");

        // The remaining bytes, and an overlap that is compared.
        let from = there - (64 << 10);
        let range = format!("bytes {from}-{}/{}", clip.len() - 1, clip.len());
        let reply = Reply::of_clip(206, &clip[from..], [("content-range".into(), range)].into());
        provider.script(Script::from([("GET /1.mp4".into(), vec![reply])]));
        let next = command_in(error["next"].as_str().expect("the next command"));
        let next = ["--json".to_owned()].into_iter().chain(next);
        sandbox.run(next).answer();
        let whole = fs::read(sandbox.path("clip.mp4")).expect("the clip");
        assert!(whole == clip, "the clip is whole");
        let asked = provider.arrived();
        let asked = asked.iter().filter(|request| request.path == "/1.mp4");
        let ranges: Vec<_> = asked.map(|request| request.header("range")).collect();
        assert_eq!(ranges, [None, Some(format!("bytes={from}-").as_str())]);
        assert_eq!(provider.counts()[SUBMIT], 1);
    }
}
