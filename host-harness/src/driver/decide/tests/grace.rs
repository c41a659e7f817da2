//! The two periods for which polls without a known state are repeated count apart.

use super::*;

const NOT_FOUND: &str = "job_lost";

fn started() -> Job {
    after(job(0), [Event::Due, submit_ready(), accepted()]).0
}

fn not_found() -> Event {
    Event::PollFailed {
        error: JobError::new(ErrorKind::JobLost, "HTTP status 404"),
        failure: PollFailure::Unrecognized,
    }
}

fn unknown_status() -> Event {
    Event::Waiting {
        ticket: None,
        hint: None,
        unrecognized: Some("odd".into()),
    }
}

/// The row after these events at these times.
fn at(job: &Job, events: impl IntoIterator<Item = (Millis, Event)>) -> Job {
    let mut job = job.clone();
    for (now, event) in events {
        job = decide(&job, event, now).0;
        assert_eq!(round_trip(&job), Ok(job.clone()));
    }
    job
}

#[test]
fn one_404_after_20_seconds_of_an_unknown_status_does_not_lose_the_job() {
    let unknown = [(5_000, unknown_status()), (30_000, unknown_status())];
    let job = at(&started(), unknown);
    let job = at(&job, [(31_000, not_found())]);
    assert!(job.schedule.next_at.is_some(), "it is polled again");
    // Its own 20 seconds count from the 404.
    let early = at(&job, [(50_999, not_found())]);
    assert!(early.schedule.next_at.is_some());
    let lost = at(&job, [(51_000, not_found())]);
    let kind = lost.last_error.as_ref().map(|error| error.kind.as_str());
    assert_eq!((lost.schedule.next_at, kind), (None, Some(NOT_FOUND)));
}

#[test]
fn unknown_status_shows_that_the_job_is_found() {
    let events = [
        (5_000, not_found()),
        (10_000, unknown_status()),
        (60_000, not_found()),
    ];
    let job = at(&started(), events);
    assert!(job.schedule.next_at.is_some());
}

#[test]
fn replies_that_alternate_do_not_prolong_the_ten_minutes() {
    let mut events = Vec::new();
    for time in (10_000..600_000).step_by(30_000) {
        events.extend([(time, unknown_status()), (time + 15_000, not_found())]);
    }
    let job = at(&started(), events);
    assert!(job.schedule.next_at.is_some());
    let job = at(&job, [(610_000, unknown_status())]);
    assert_eq!(job.schedule.next_at, None);
}

#[test]
fn known_status_and_resume_begin_both_periods_anew() {
    let known = Event::Waiting {
        ticket: None,
        hint: None,
        unrecognized: None,
    };
    for cleared in [known, resumed(9_000_000)] {
        let troubles = [(5_000, unknown_status()), (6_000, not_found())];
        let job = at(&started(), troubles);
        let job = at(&job, [(7_000, cleared), (700_000, not_found())]);
        assert!(job.schedule.next_at.is_some());
        let job = at(&job, [(710_000, unknown_status())]);
        assert!(job.schedule.next_at.is_some());
    }
}

#[test]
fn result_that_is_no_longer_offered_and_a_lost_job_count_apart() {
    let gone = || Event::Waiting {
        ticket: None,
        hint: None,
        unrecognized: None,
    };
    let job = at(&started(), [(5_000, succeeded())]);
    let job = at(
        &job,
        [(6_000, gone()), (25_000, gone()), (26_500, not_found())],
    );
    assert!(job.schedule.next_at.is_some());
}
