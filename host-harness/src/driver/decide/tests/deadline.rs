//! The last problem in the error of a deadline.

use super::*;
use crate::ledger::Failures;

const DEADLINE: Millis = 1_800_000;

fn poll_failed(kind: ErrorKind, message: &str) -> Event {
    Event::PollFailed {
        error: JobError::new(kind, message),
        failure: PollFailure::Transient { after: None },
    }
}

fn waiting(unrecognized: Option<&str>) -> Event {
    Event::Waiting {
        ticket: None,
        hint: None,
        unrecognized: unrecognized.map(Into::into),
    }
}

/// The error of the job once its deadline has passed.
#[track_caller]
fn at_deadline(job: &Job) -> JobError {
    let (late, action) = decide(job, Event::Due, DEADLINE);
    assert_eq!(action, Wait);
    assert!(late.is_settled(), "{late:?}");
    assert_eq!(round_trip(&late), Ok(late.clone()));
    late.last_error.expect("an error")
}

fn failures(times: u32, since: Millis) -> Failures {
    Failures { times, since }
}

#[test]
fn deadline_gives_the_last_of_several_failed_polls_and_their_number() {
    let events = [
        submit_ready(),
        accepted(),
        // At 4 s, 5 s and 6 s.
        poll_failed(ErrorKind::Unavailable, "HTTP status 503"),
        waiting(Some("the provider reports the state `odd`")),
        poll_failed(ErrorKind::NotSent, "no route"),
    ];
    let (job, _) = after(job(0), events);
    assert_eq!(
        job.last_error.as_ref().and_then(|error| error.failures),
        Some(failures(3, 4_000))
    );
    let error = at_deadline(&job);
    assert_eq!(error.kind, ErrorKind::Deadline);
    let problem = error.last_problem.as_deref().expect("a problem");
    assert_eq!(problem.kind, ErrorKind::NotSent);
    assert_eq!(problem.failures, Some(failures(3, 4_000)));
    assert!(error.described().starts_with("no route, 3 times in a row"));
}

#[test]
fn problem_that_a_poll_overcame_is_not_in_the_error_of_the_deadline() {
    let events = [
        submit_ready(),
        accepted(),
        poll_failed(ErrorKind::Unavailable, "HTTP status 503"),
        waiting(None),
    ];
    let (overcome, _) = after(job(0), events);
    assert_eq!(at_deadline(&overcome).last_problem, None);
    // The number begins again.
    let again = poll_failed(ErrorKind::Unavailable, "HTTP status 502");
    let (job, _) = decide(&overcome, again, 9_000);
    let problem = at_deadline(&job).last_problem.expect("a problem");
    assert_eq!(problem.failures, Some(failures(1, 9_000)));
}

#[test]
fn unreadable_polls_and_unknown_states_are_problems() {
    let unreadable = Event::PollFailed {
        error: JobError::new(ErrorKind::ProtocolViolation, "no JSON"),
        failure: PollFailure::Unrecognized,
    };
    for event in [unreadable, waiting(Some("an odd state"))] {
        let (job, _) = after(job(0), [submit_ready(), accepted(), event.clone(), event]);
        let problem = at_deadline(&job).last_problem.expect("a problem");
        assert_eq!(problem.failures, Some(failures(2, 4_000)));
    }
}

#[test]
fn submits_that_failed_until_the_deadline_are_problems() {
    let after_days = SubmitFailure::Retryable {
        after: Some(86_400_000),
    };
    for (failure, state) in [
        (SubmitFailure::Retryable { after: None }, State::Queued),
        (after_days, State::Queued),
        (SubmitFailure::Unknown, State::OutcomeUnknown),
    ] {
        let once = [submit_ready(), submit_failed(failure)];
        let (job, _) = after(job(WINDOW), once.clone().into_iter().chain(once));
        assert_eq!(job.state(), state);
        assert!(job.schedule.next_at.is_some_and(|next| next <= DEADLINE));
        let problem = at_deadline(&job).last_problem.expect("a problem");
        assert_eq!(problem.message, "oops");
        assert_eq!(problem.failures, Some(failures(2, 3_000)));
    }
}

#[test]
fn downloads_that_failed_until_the_deadline_stay_a_failed_download() {
    let failed = |failure| Event::DownloadFailed {
        error: JobError::new(ErrorKind::DownloadFailed, "HTTP status 404"),
        failure,
    };
    // A poll that returns a URL does not overcome a file that is missing.
    let events = [
        submit_ready(),
        accepted(),
        succeeded(),
        failed(DownloadFailure::UrlExpired),
        succeeded(),
        failed(DownloadFailure::Transient),
    ];
    let (job, _) = after(job(0), events);
    let error = at_deadline(&job);
    assert_eq!(error.kind, ErrorKind::DownloadFailed);
    let problem = error.last_problem.expect("a problem");
    assert_eq!(problem.failures, Some(failures(2, 5_000)));
    let (done, _) = after(job, [fetched(), Event::Finalized]);
    assert_eq!((done.is_done(), done.last_error), (true, None));
}

#[test]
fn result_without_a_failed_download_is_downloaded_after_the_deadline() {
    let failing = poll_failed(ErrorKind::Unavailable, "HTTP status 503");
    let (job, _) = after(
        job(0),
        [submit_ready(), accepted(), failing.clone(), succeeded()],
    );
    assert_eq!(decide(&job, Event::Due, DEADLINE).1, Download);
    // Polls for a new URL failed, and then one had it.
    let (resumed, _) = after(job, [resumed(DEADLINE), failing, succeeded()]);
    assert_eq!(decide(&resumed, Event::Due, DEADLINE).1, Download);
}

#[test]
fn resumed_job_counts_its_failures_from_the_resume() {
    let failing = || poll_failed(ErrorKind::Unavailable, "HTTP status 503");
    let (job, _) = after(job(0), [submit_ready(), accepted(), failing(), failing()]);
    let (late, _) = decide(&job, Event::Due, DEADLINE);
    let (job, _) = decide(&late, resumed(2 * DEADLINE), DEADLINE + 1_000);
    let (job, _) = decide(&job, failing(), DEADLINE + 2_000);
    let (late, _) = decide(&job, Event::Due, 2 * DEADLINE);
    let problem = late.last_error.and_then(|error| error.last_problem);
    assert_eq!(
        problem.and_then(|problem| problem.failures),
        Some(failures(1, DEADLINE + 2_000))
    );
}

#[test]
fn error_of_a_deadline_is_no_problem_of_the_next_one() {
    let failing = poll_failed(ErrorKind::Unavailable, "HTTP status 503");
    let (job, _) = after(job(0), [submit_ready(), accepted(), failing]);
    let (late, _) = decide(&job, Event::Due, DEADLINE);
    // A cancellation that the provider answers, without a resume.
    let (wanted, _) = decide(&late, Event::CancelWanted, DEADLINE + 1_000);
    let (answered, _) = decide(&wanted, Event::CancelAnswered, DEADLINE + 2_000);
    let (again, _) = decide(&answered, Event::Due, DEADLINE + 3_000);
    let error = again.last_error.expect("an error");
    assert_eq!(
        (error.kind, error.last_problem),
        (ErrorKind::Deadline, None)
    );
}

#[test]
fn error_for_which_a_submit_waits_is_the_problem_of_the_deadline() {
    let delayed = |error| Event::Delayed {
        until: DEADLINE + 1_000,
        error,
    };
    let throttled = JobError::new(ErrorKind::Throttled, "too many jobs");
    let (job, _) = after(job(0), [delayed(Some(throttled))]);
    assert_eq!(job.schedule.next_at, Some(DEADLINE));
    let error = at_deadline(&job);
    assert!(error.described().starts_with("too many jobs; then the"));
    // The job's own error says more, and an acceptance overcomes it.
    let own = [
        submit_ready(),
        submit_failed(SubmitFailure::Retryable { after: None }),
    ];
    let (failed, _) = after(job.clone(), own);
    assert_eq!(
        failed.last_error.map(|error| error.message).as_deref(),
        Some("oops")
    );
    let (started, _) = after(job, [submit_ready(), accepted()]);
    assert_eq!(at_deadline(&started).last_problem, None);
}
