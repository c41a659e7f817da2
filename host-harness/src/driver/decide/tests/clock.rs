//! A clock that is set back.

use super::*;
use crate::driver::clock::Time;

/// A job whose submit at this time may have been accepted.
fn uncertain(at: Millis) -> Job {
    let ready = Event::SubmitReady {
        sha256: "s".into(),
        keyed: true,
        account: None,
        path: "/v1/jobs".into(),
    };
    let (submitting, _) = decide(&job(WINDOW), ready, at);
    decide(&submitting, Event::Orphaned, at + 1).0
}

#[test]
fn clock_that_is_set_back_does_not_reopen_the_window_of_a_key() {
    let first = 10 * WINDOW;
    let job = uncertain(first);
    let closed = first + WINDOW;
    assert!(may_submit(&job, closed - 1) && !may_submit(&job, closed));
    for now in [0, first - 1, first, closed - 1] {
        let time = Time {
            now,
            latest: closed,
        };
        assert!(!may_submit(&job, time), "at {now}");
        let (_, action) = decide(&job, Event::Due, time);
        assert_ne!(action, Submit);
    }
}

#[test]
fn clock_that_is_set_back_does_not_close_the_window_of_a_key() {
    let first = 10 * WINDOW;
    let job = uncertain(first);
    let time = Time {
        now: first - WINDOW,
        latest: first + 1,
    };
    assert!(may_submit(&job, time));
}

#[test]
fn clock_that_was_ahead_does_not_prevent_the_repetition_of_a_submit() {
    let ready = Event::SubmitReady {
        sha256: "s".into(),
        keyed: true,
        account: None,
        path: "/v1/jobs".into(),
    };
    let at = |now| Time {
        now,
        latest: now + 10 * WINDOW,
    };
    let (submitting, _) = decide(&job(WINDOW), ready, at(5_000));
    let (unknown, _) = decide(&submitting, Event::Orphaned, at(6_000));
    assert!(unknown.schedule.next_at.is_some(), "it is repeated");
    assert!(may_submit(&unknown, at(5_000 + WINDOW - 1)));
    assert!(!may_submit(&unknown, at(5_000 + WINDOW)));
}
