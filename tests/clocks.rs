//! A wall clock that is set while the program runs, or between two of its runs.

use crate::support::cases::accepted;
use crate::support::provider::{Reply, Script};
use crate::support::slow_server::{POLL, RUN, SUBMIT, end_the_job, slow_provider};
use crate::support::wall_clock::{command, library, set_clock};

const HOUR: i64 = 3_600;

#[test]
fn clock_that_is_set_ends_no_wait_and_delays_no_poll() {
    let Some(library) = library() else { return };
    // Also by less than a pause between two polls may be.
    for shift in [HOUR, -HOUR, -60, -5 * 60, -9 * 60] {
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
fn deadline_passes_after_the_clock_was_set_back_by_less_than_ten_minutes() {
    let Some(library) = library() else { return };
    for shift in [-4 * 60, -9 * 60] {
        let (provider, sandbox) = slow_provider();
        set_clock(&sandbox, 0);
        let run: Vec<_> = RUN.into_iter().chain(["--deadline", "3s"]).collect();
        let running = sandbox.start(command(&sandbox, &library, &run));
        provider.wait_for(POLL, 1);
        set_clock(&sandbox, shift);
        let outcome = running.end();
        assert_eq!(outcome.code, 9, "{outcome:?}");
    }
}

#[test]
fn job_that_is_made_after_the_clock_was_set_has_its_whole_deadline() {
    let Some(library) = library() else { return };
    for shift in [HOUR, -HOUR] {
        let (provider, sandbox) = slow_provider();
        set_clock(&sandbox, 0);
        let driver = sandbox.start(command(&sandbox, &library, RUN));
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
    let running = sandbox.start(command(&sandbox, &library, RUN));
    provider.wait_for(SUBMIT, 1);
    running.kill();
    provider.script(Script::from([(SUBMIT.into(), vec![accepted()])]));
    // The provider has forgotten the key.
    let resume = ["--json", "jobs", "resume", "--all"];
    for shift in [2 * HOUR, 0] {
        set_clock(&sandbox, shift);
        let outcome = sandbox.start(command(&sandbox, &library, resume)).end();
        assert_eq!(outcome.code, 8, "{outcome:?}");
        assert_eq!(provider.counts()[SUBMIT], 1, "at {shift} s");
    }
}

#[test]
fn rows_from_before_the_clock_was_set_back_are_worked_on_at_once() {
    let Some(library) = library() else { return };
    let (provider, sandbox) = slow_provider();
    set_clock(&sandbox, 3 * HOUR);
    let running = sandbox.start(command(&sandbox, &library, RUN));
    provider.wait_for(POLL, 1);
    running.kill();
    end_the_job(&provider);
    set_clock(&sandbox, 0);
    let resume = ["--json", "jobs", "resume", "--all", "--deadline", "1m"];
    sandbox
        .start(command(&sandbox, &library, resume))
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
        .start(command(&sandbox, &library, RUN))
        .end()
        .answer();
    set_clock(&sandbox, 0);
    let prune = ["--json", "jobs", "prune", "--older-than", "1h"];
    let pruned = sandbox.start(command(&sandbox, &library, prune)).end();
    assert_eq!(pruned.code, 0, "{pruned:?}");
    assert_eq!(sandbox.jobs().len(), 1);
}
