//! A wall clock that is set while the program runs, or between two of its runs.
//!
//! A small library between the program and libc shifts the wall clock by the seconds in a file, and
//! leaves the monotonic clock alone. It is compiled when a test needs it, with `cc`; without that,
//! the tests are skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::cases::accepted;
use crate::support::preload;
use crate::support::provider::{Reply, Script};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{POLL, RUN, SUBMIT, end_the_job, slow_provider};

const SHIFT: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long shift(void) {
    const char *path = getenv("CLOCK_SHIFT");
    long seconds = 0;
    FILE *file = path ? fopen(path, "r") : NULL;
    if (file) {
        if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
        fclose(file);
    }
    return seconds;
}
int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, time);
    if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += shift();
    return result;
}
int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void) zone;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *seconds) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (seconds) *seconds = now.tv_sec;
    return now.tv_sec;
}
"#;

const HOUR: i64 = 3_600;

/// The library; `None` if it cannot be compiled.
fn library() -> Option<PathBuf> {
    preload::library("shift", SHIFT)
}

/// Sets the clock of the commands of a sandbox.
fn set_clock(sandbox: &Sandbox, seconds: i64) {
    // Renamed, so that no command reads half of it.
    let new = sandbox.write("new-shift", seconds.to_string());
    fs::rename(new, sandbox.path("shift")).expect("a file");
}

/// A command whose clock [`set_clock`] sets.
fn command(sandbox: &Sandbox, library: &Path, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(arguments);
    command
        .env("LD_PRELOAD", library)
        .env("CLOCK_SHIFT", sandbox.path("shift"));
    command
}

#[test]
fn clock_that_is_set_ends_no_wait_and_delays_no_poll() {
    let Some(library) = library() else { return };
    for shift in [HOUR, -HOUR] {
        let (provider, sandbox) = slow_provider();
        set_clock(&sandbox, 0);
        let run: Vec<_> = RUN.into_iter().chain(["--deadline", "10m"]).collect();
        let running = sandbox.start(command(&sandbox, &library, &run));
        provider.wait_for(POLL, 1);
        set_clock(&sandbox, shift);
        let polls = provider.counts()[POLL];
        provider.wait_for(POLL, polls + 3);
        end_the_job(&provider);
        running.end().answer();
        assert!(sandbox.path("clip.mp4").is_file(), "shifted by {shift} s");
        assert_eq!(provider.counts()[SUBMIT], 1);
    }
}

#[test]
fn job_that_is_made_after_the_clock_was_set_has_its_whole_deadline() {
    let Some(library) = library() else { return };
    for shift in [HOUR, -HOUR] {
        let (provider, sandbox) = slow_provider();
        set_clock(&sandbox, 0);
        let driver = sandbox.start(command(&sandbox, &library, &RUN));
        provider.wait_for(POLL, 1);
        set_clock(&sandbox, shift);
        let other = [
            "--out",
            "other.mp4",
            "--key",
            "order-67",
            "--deadline",
            "10m",
        ];
        let run: Vec<_> = RUN[..5].iter().copied().chain(other).collect();
        let waiting = sandbox.start(command(&sandbox, &library, &run));
        provider.wait_for(SUBMIT, 2);
        end_the_job(&provider);
        driver.end().answer();
        waiting.end().answer();
        assert!(sandbox.path("other.mp4").is_file(), "shifted by {shift} s");
    }
}

#[test]
fn clock_that_is_set_back_does_not_reopen_the_window_of_a_key() {
    let Some(library) = library() else { return };
    let (provider, sandbox) = slow_provider();
    sandbox.configure(&provider.connection("idempotency = \"1h\""));
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
    set_clock(&sandbox, 0);
    let running = sandbox.start(command(&sandbox, &library, &RUN));
    provider.wait_for(SUBMIT, 1);
    running.kill();
    provider.script(Script::from([(SUBMIT.into(), vec![accepted()])]));
    // The provider has forgotten the key.
    let resume = ["--json", "jobs", "resume", "--all"];
    for shift in [2 * HOUR, 0] {
        set_clock(&sandbox, shift);
        let outcome = sandbox.start(command(&sandbox, &library, &resume)).end();
        assert_eq!(outcome.code, 8, "{outcome:?}");
        assert_eq!(provider.counts()[SUBMIT], 1, "at {shift} s");
    }
}

#[test]
fn rows_from_before_the_clock_was_set_back_are_worked_on_at_once() {
    let Some(library) = library() else { return };
    let (provider, sandbox) = slow_provider();
    set_clock(&sandbox, 3 * HOUR);
    let running = sandbox.start(command(&sandbox, &library, &RUN));
    provider.wait_for(POLL, 1);
    running.kill();
    end_the_job(&provider);
    set_clock(&sandbox, 0);
    let resume = ["--json", "jobs", "resume", "--all", "--deadline", "1m"];
    sandbox
        .start(command(&sandbox, &library, &resume))
        .end()
        .answer();
    assert!(sandbox.path("clip.mp4").is_file());
    assert_eq!(provider.counts()[SUBMIT], 1);
}

/// What is new by the clock of its process is not old by a clock that was set back.
#[test]
fn prune_removes_nothing_that_is_new_after_the_clock_was_set_back() {
    let Some(library) = library() else { return };
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    set_clock(&sandbox, 24 * HOUR);
    sandbox
        .start(command(&sandbox, &library, &RUN))
        .end()
        .answer();
    set_clock(&sandbox, 0);
    let prune = ["--json", "jobs", "prune", "--older-than", "1h"];
    let pruned = sandbox.start(command(&sandbox, &library, &prune)).end();
    assert_eq!(pruned.code, 0, "{pruned:?}");
    assert_eq!(sandbox.jobs().len(), 1);
}
