//! Processes that are stopped for a while (`SIGSTOP`, as by Ctrl-Z or a frozen container): the ones
//! that continue, and the ones that wait for them.

use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::cases::accepted;
use crate::support::provider::{Reply, Script};
use crate::support::sandbox::{Running, Sandbox, TIMEOUT};
use crate::support::slow_server::{
    CANCEL, POLL, RUN, SUBMIT, end_the_job, run_next_command, run_until_deadline, slow_provider,
};

/// Longer than the limits of the reply to a submit and of a call.
const LONG_STOP: Duration = Duration::from_secs(65);

fn signal(running: &Running<'_>, signal: Signal) {
    let id = i32::try_from(running.id()).ok().and_then(Pid::from_raw);
    kill_process(id.expect("an id"), signal).expect("a signal");
}

/// Another run than [`RUN`], with this deadline.
fn other_run<'a>(sandbox: &'a Sandbox, deadline: &str) -> Running<'a> {
    let run = [
        "--json",
        "run",
        "image_to_video_v3",
        "--input",
        "input.json",
        "--out",
        "other.mp4",
        "--key",
        "order-67",
        "--deadline",
        deadline,
    ];
    sandbox.start(sandbox.command(run))
}

#[test]
fn reply_that_arrives_while_the_process_is_stopped_is_read() {
    let (provider, sandbox) = slow_provider();
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
    let running = sandbox.start(sandbox.command(RUN));
    provider.wait_for(SUBMIT, 1);
    signal(&running, Signal::STOP);
    end_the_job(&provider);
    provider.release(&accepted());
    sleep(LONG_STOP);
    signal(&running, Signal::CONT);
    let answer = running.end().answer();
    assert_eq!(answer["charged"], "yes");
    assert!(sandbox.path("clip.mp4").is_file());
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn deadline_that_passes_while_the_process_is_stopped_is_no_end_without_a_look() {
    let (provider, sandbox) = slow_provider();
    let run = RUN.into_iter().chain(["--deadline", "5s"]);
    let running = sandbox.start(sandbox.command(run));
    provider.wait_for(POLL, 1);
    signal(&running, Signal::STOP);
    end_the_job(&provider);
    sleep(Duration::from_secs(8));
    signal(&running, Signal::CONT);
    running.end().answer();
    assert!(sandbox.path("clip.mp4").is_file());
}

#[test]
fn waiting_process_keeps_its_deadline_while_the_driver_is_stopped_and_names_it() {
    let (provider, sandbox) = slow_provider();
    let driver = sandbox.start(sandbox.command(RUN));
    provider.wait_for(POLL, 1);
    signal(&driver, Signal::STOP);
    let id = driver.id();
    let mut waiting = other_run(&sandbox, "8s");
    let notice = loop {
        let line = waiting.error_line();
        if line.starts_with("Still waiting") {
            break line;
        }
    };
    assert!(notice.contains(&format!("process {id} on ")), "{notice}");
    assert!(notice.contains(&format!("kill -CONT {id}")), "{notice}");
    let outcome = waiting.end();
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let error = outcome.error("deadline");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains(&format!("process {id} on ")), "{message}");
    assert!(message.contains(&format!("kill -CONT {id}")), "{message}");
    assert_eq!(error["charged"], "no", "{error}");
    assert_eq!(provider.counts()[SUBMIT], 1, "nothing was submitted for it");

    // The commands that only read work, and nothing was taken over.
    let jobs = sandbox.jobs();
    assert_eq!(jobs.len(), 2);
    let shown = jobs[0]["id"].as_str().expect("an id");
    let shown = sandbox.run(["--json", "jobs", "show", shown]);
    assert_eq!(shown.code, 0, "{shown:?}");

    end_the_job(&provider);
    signal(&driver, Signal::CONT);
    driver.end().answer();
    run_next_command(&sandbox, &error).answer();
    assert!(sandbox.path("other.mp4").is_file());
    assert_eq!(provider.counts()[SUBMIT], 2, "each job once");
}

#[test]
fn job_of_a_stopped_driver_is_submitted_once_though_another_process_gave_up_waiting() {
    let (provider, sandbox) = slow_provider();
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
    let driver = sandbox.start(sandbox.command(RUN));
    provider.wait_for(SUBMIT, 1);
    signal(&driver, Signal::STOP);
    // The same job, requested by a second process: its submit is under way in the first one.
    let run = RUN.into_iter().chain(["--deadline", "1s"]);
    let outcome = sandbox.start(sandbox.command(run)).end();
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let error = outcome.error("deadline");
    assert_eq!(error["charged"], "unknown", "{error}");
    let id = driver.id();
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains(&format!("process {id} on ")), "{message}");
    end_the_job(&provider);
    provider.release(&accepted());
    signal(&driver, Signal::CONT);
    driver.end();
    let resumed = sandbox.run(["--json", "jobs", "resume", "--all"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert!(sandbox.path("clip.mp4").is_file());
    assert_eq!(provider.counts()[SUBMIT], 1);
}

/// `jobs resume` of the only job.
fn resume<'a>(sandbox: &'a Sandbox, id: &str, deadline: &str) -> Running<'a> {
    sandbox.start(sandbox.command(["--json", "jobs", "resume", id, "--deadline", deadline]))
}

/// Of two processes that wait for a job, whose row has the deadline of the later one.
#[test]
fn each_waiting_process_keeps_its_own_deadline_and_the_driver_too() {
    for (first, second) in [("5s", "10m"), ("10m", "3s")] {
        let (provider, sandbox) = slow_provider();
        let driver = sandbox.start(sandbox.command(RUN));
        provider.wait_for(POLL, 1);
        signal(&driver, Signal::STOP);
        let job = sandbox.jobs()[0]["id"].as_str().expect("an id").to_owned();
        let first_process = resume(&sandbox, &job, first);
        sleep(Duration::from_millis(1500));
        let second_process = resume(&sandbox, &job, second);
        let (short, mut long) = match first {
            "5s" => (first_process, second_process),
            _ => (second_process, first_process),
        };
        let outcome = short.end();
        assert_eq!(outcome.code, 9, "{outcome:?}");
        let error = outcome.error("deadline");
        let id = driver.id();
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains(&format!("process {id} on ")), "{message}");
        sleep(Duration::from_secs(8));
        assert!(!long.has_ended(), "{second}: it has minutes left");
        // The driver has them too, and no row names it.
        signal(&driver, Signal::CONT);
        provider.wait_for(POLL, provider.counts()[POLL] + 3);
        let shown = sandbox.run(["--json", "jobs", "show", &job]);
        assert!(!shown.stdout.contains("kill -CONT"), "{shown:?}");
        end_the_job(&provider);
        driver.end().answer();
        long.end().answer();
        assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
    }
}

#[test]
fn cancellation_beside_a_stopped_driver_is_recorded_and_says_so() {
    let (provider, sandbox) = slow_provider();
    let driver = sandbox.start(sandbox.command(RUN));
    provider.wait_for(POLL, 1);
    signal(&driver, Signal::STOP);
    let job = sandbox.jobs()[0]["id"].as_str().expect("an id").to_owned();
    let cancelling = sandbox.run(["--json", "jobs", "cancel", &job]);
    assert_eq!(cancelling.code, 9, "{cancelling:?}");
    let error = cancelling.error("deadline");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("the cancellation is recorded"),
        "{message}"
    );
    assert!(
        message.contains(&format!("kill -CONT {}", driver.id())),
        "{message}"
    );
    let next = error["next"].as_str().unwrap_or_default();
    assert!(
        next.starts_with(&format!("zoetrope jobs cancel {job}")),
        "{next}"
    );
    let cancelled = json!({"id": "j-1", "status": "cancelled", "charged": false});
    provider.script(Script::from([
        (CANCEL.into(), vec![Reply::json(200, cancelled.clone())]),
        (POLL.into(), vec![Reply::json(200, cancelled)]),
    ]));
    signal(&driver, Signal::CONT);
    provider.wait_for(CANCEL, 1);
    driver.end();
    let again = sandbox.run(["--json", "jobs", "cancel", &job]);
    assert_eq!(again.code, 0, "{again:?}");
}

/// As a process that is stopped in the middle of a transaction.
#[test]
fn deadline_holds_while_another_process_holds_the_write_lock() {
    let (provider, sandbox) = slow_provider();
    let run = RUN.into_iter().chain(["--deadline", "3s"]);
    let running = sandbox.start(sandbox.command(run));
    provider.wait_for(POLL, 1);
    let path = sandbox.data_dir().join("ledger.sqlite3");
    let other = rusqlite::Connection::open(path).expect("the ledger");
    other
        .busy_timeout(Duration::from_secs(10))
        .expect("a setting");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let outcome = running.end();
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let error = outcome.error("deadline");
    assert_eq!(error["charged"], "unknown", "{error}");
    other.execute_batch("COMMIT").expect("its end");
    end_the_job(&provider);
    let resumed = sandbox.run(["--json", "jobs", "resume", "--all"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!(provider.counts()[SUBMIT], 1);
}

/// The same for commands that are not recorded yet.
#[test]
fn deadline_and_signal_end_a_command_that_waits_to_be_recorded() {
    let (provider, sandbox) = slow_provider();
    let error = run_until_deadline(&sandbox);
    let job = error["job"].as_str().expect("an id");
    let path = sandbox.data_dir().join("ledger.sqlite3");
    let other = rusqlite::Connection::open(path).expect("the ledger");
    other
        .busy_timeout(Duration::from_secs(10))
        .expect("a setting");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let mut started = [
        (other_run(&sandbox, "3s"), None),
        (resume(&sandbox, job, "3s"), None),
        (other_run(&sandbox, "10m"), Some(Signal::TERM)),
        (resume(&sandbox, job, "10m"), Some(Signal::HUP)),
        (
            sandbox.start(sandbox.command(["--json", "jobs", "cancel", job])),
            Some(Signal::INT),
        ),
    ];
    sleep(Duration::from_secs(4));
    for (running, signalled) in &started {
        if let Some(one) = signalled {
            signal(running, *one);
        }
    }
    // `end` reads the files of the sandbox, which releases the locks of this process on them.
    for (running, _) in &mut started {
        let begun = Instant::now();
        while !running.has_ended() {
            assert!(begun.elapsed() < TIMEOUT, "it does not end");
            sleep(Duration::from_millis(10));
        }
    }
    for (running, signalled) in started {
        let outcome = running.end();
        assert_eq!(outcome.code, 9, "{outcome:?}");
        let kind = signalled.map_or("deadline", |_| "interrupted");
        let error = outcome.error(kind);
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains("nothing was sent"), "{message}");
    }
    other.execute_batch("COMMIT").expect("its end");
    assert_eq!(provider.counts()[SUBMIT], 1);
}

/// A network file system without a lock service, by errors that `strace` injects.
#[cfg(target_os = "linux")]
#[test]
fn file_system_without_locks_is_named_before_anything_is_bought() {
    use std::process::Command;
    let (provider, sandbox) = slow_provider();
    let probe = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output();
    if !probe.is_ok_and(|output| output.status.success()) {
        println!("skipped: strace cannot trace here");
        return;
    }
    for error in ["ENOLCK", "ENOSYS", "EOPNOTSUPP"] {
        let traced = sandbox.command(RUN);
        let mut command = Command::new("strace");
        command
            .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=flock", "-e"])
            .arg(format!("inject=flock:error={error}"))
            .arg(traced.get_program())
            .args(traced.get_args())
            .env_clear();
        if let Some(folder) = traced.get_current_dir() {
            command.current_dir(folder);
        }
        for (name, value) in traced.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        let failed = command.output().expect("strace");
        let stdout: serde_json::Value =
            serde_json::from_slice(&failed.stdout).unwrap_or(serde_json::Value::Null);
        let error = &stdout["error"];
        assert_eq!(error["kind"], "ledger_unavailable", "{failed:?}");
        assert_eq!(error["charged"], "no");
        let next = error["next"].as_str().unwrap_or_default();
        assert!(next.contains("--data-dir"), "{next}");
    }
    assert!(!provider.counts().contains_key(SUBMIT));
}
