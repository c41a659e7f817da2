//! A file system whose locks do not exclude other machines: a small library answers every `flock` with
//! success.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use zoetrope_host::ledger::Ledger;

use crate::support::cases::accepted;
use crate::support::preload;
use crate::support::provider::{Reply, Script};
use crate::support::sandbox::{Running, Sandbox};
use crate::support::slow_server::{POLL, RUN, SUBMIT, end_the_job, slow_provider};

/// Every lock fails with the error in `LOCK_ERROR`.
const REFUSE: &str = "#include <errno.h>\n#include <stdlib.h>\nint flock(int file, int operation) \
                      { errno = atoi(getenv(\"LOCK_ERROR\")); return -1; }";

const LIE: &str = "int flock(int file, int operation) { return 0; }";

/// A run whose locks are granted in any case, and which logs whether it drives.
fn run(sandbox: &Sandbox, more: &[&str]) -> Option<Command> {
    let library = preload::library("lie", LIE)?;
    let mut command = sandbox.command(RUN.iter().chain(more));
    command
        .env("LD_PRELOAD", library)
        .env("ZOETROPE_LOG", "info");
    Some(command)
}

fn signal(running: &Running<'_>, signal: Signal) {
    let id = i32::try_from(running.id()).ok().and_then(Pid::from_raw);
    kill_process(id.expect("an id"), signal).expect("a signal");
}

#[test]
fn second_process_does_not_drive_beside_a_live_one_that_does() {
    let (provider, sandbox) = slow_provider();
    let Some(first) = run(&sandbox, &[]) else {
        return;
    };
    let first = sandbox.start(first);
    provider.wait_for(POLL, 1);
    let Some(second) = run(&sandbox, &[]) else {
        return;
    };
    let second = sandbox.start(second);
    // The second process has resumed the job once its polls go on after it.
    sleep(Duration::from_secs(3));
    let polls = provider.counts()[POLL];
    provider.wait_for(POLL, polls + 3);
    // Once the first one has ended, the second one may drive.
    let ledger = Ledger::open(&sandbox.data_dir()).expect("the ledger");
    let driver = ledger.driving_process().expect("the row of the driver");
    assert_eq!(driver.expect("a driver").process, first.id());
    end_the_job(&provider);
    let outcomes = [first, second].map(Running::end);
    assert_eq!(outcomes.map(|outcome| outcome.code), [0, 0]);
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn driver_that_lost_its_term_submits_nothing_more() {
    let (provider, sandbox) = slow_provider();
    // The submit of the first process is under way when it is stopped.
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
    let Some(first) = run(&sandbox, &[]) else {
        return;
    };
    let first = sandbox.start(first);
    provider.wait_for(SUBMIT, 1);
    signal(&first, Signal::STOP);
    // The second one drives once the row of the first one has not changed for a while.
    let Some(second) = run(&sandbox, &[]) else {
        return;
    };
    let second = sandbox.start(second).end();
    // Without a key that the provider honours, the job is not submitted a second time.
    assert_eq!(second.code, 8, "{second:?}");
    end_the_job(&provider);
    provider.release(&accepted());
    signal(&first, Signal::CONT);
    // The answer is still recorded.
    first.end();
    let resumed = sandbox.run(["--json", "jobs", "resume", "--all"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert!(sandbox.path("clip.mp4").is_file());
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn error_of_a_lock_is_that_of_the_file_system_whatever_its_number() {
    let (provider, sandbox) = slow_provider();
    let Some(library) = preload::library("refuse", REFUSE) else {
        return;
    };
    // ENOLCK, EPERM, EIO, EINVAL.
    for code in ["37", "1", "5", "22"] {
        let mut command = sandbox.command(RUN);
        command.env("LD_PRELOAD", &library).env("LOCK_ERROR", code);
        let outcome = sandbox.start(command).end();
        let error = outcome.error("ledger_unavailable");
        assert_eq!(error["charged"], "no", "{code}");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("without locks"), "{code}: {message}");
        let next = error["next"].as_str().expect("a next step");
        assert!(next.contains("local disk"), "{code}: {next}");
    }
    assert!(!provider.counts().contains_key(SUBMIT), "nothing was sent");
}
