//! A wall clock that a test sets while the program runs, or between two of its runs.
//!
//! A small library between the program and libc shifts the wall clock by the seconds in a file, and
//! leaves the monotonic clock alone. It is compiled when a test needs it, with `cc`; without that,
//! the tests are skipped.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::preload;
use super::sandbox::Sandbox;

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

/// The library; `None` if it cannot be compiled.
pub(crate) fn library() -> Option<PathBuf> {
    preload::library("shift", SHIFT)
}

/// Sets the clock of the commands of a sandbox.
pub(crate) fn set_clock(sandbox: &Sandbox, seconds: i64) {
    // Renamed, so that no command reads half of it.
    let new = sandbox.write("new-shift", seconds.to_string());
    fs::rename(new, sandbox.path("shift")).expect("a file");
}

/// A command whose clock [`set_clock`] sets.
pub(crate) fn command<A: AsRef<OsStr>>(
    sandbox: &Sandbox,
    library: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    let mut command = sandbox.command(arguments);
    command
        .env("LD_PRELOAD", library)
        .env("CLOCK_SHIFT", sandbox.path("shift"));
    command
}
