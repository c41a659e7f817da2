//! Jobs that end on request, and their cost.

use super::*;

#[test]
fn announced_cost_is_kept_unless_nothing_was_charged() {
    for (charge, reported, expected) in [
        (Charge::Yes, None, Some("0.24")),
        (Charge::Yes, Some("0.12"), Some("0.12")),
        (Charge::Unknown, None, Some("0.24")),
        (Charge::No, None, None),
        (Charge::No, Some("0.12"), None),
    ] {
        let ended = Event::Ended {
            cancelled: false,
            error: oops(),
            charge,
            cost: reported.map(dollars),
        };
        let (job, _) = after(job(0), [submit_ready(), accepted(), ended]);
        assert_eq!(
            job.billing.cost,
            expected.map(dollars),
            "{charge:?}, {reported:?}"
        );
    }
}

#[test]
fn cancel_of_a_queued_job_sends_no_request() {
    let (job, actions) = after(job(0), [Event::CancelWanted, Event::Due]);
    assert_eq!((job.state(), job.charge()), (State::Cancelled, Charge::No));
    assert_eq!(actions, [Action::Wait, Action::Wait]);
}

#[test]
fn job_without_cancellation_is_suspended_until_resumed() {
    let events = [submit_ready(), accepted(), Event::CancelWanted, Event::Due];
    let (job, actions) = after(job(0), events);
    assert_eq!(actions.last(), Some(&Action::Cancel));
    let (job, _) = after(job, [Event::NoCancellation]);
    assert_eq!(
        (job.state(), job.charge()),
        (State::Started, Charge::Unknown)
    );
    assert!(job.is_settled() && !job.is_done());
    assert_eq!(
        job.last_error.as_ref().expect("an error").kind,
        ErrorKind::Unsupported
    );
    let (job, actions) = after(job, [resumed(1_800_000), Event::Due]);
    assert_eq!(actions, [Wait, Poll]);
    assert_eq!(job.last_error, None);
}

#[test]
fn job_with_cancel_wanted_is_not_submitted_again() {
    for (failure, state) in [
        (SubmitFailure::Retryable { after: None }, State::Cancelled),
        (SubmitFailure::Permanent, State::Cancelled),
        (SubmitFailure::Refused { charge: Charge::No }, State::Failed),
        // The provider may have accepted it: its outcome is found first, then it is cancelled.
        (SubmitFailure::Unknown, State::OutcomeUnknown),
    ] {
        let events = [submit_ready(), Event::CancelWanted, submit_failed(failure)];
        let (job, _) = after(job(WINDOW), events);
        assert_eq!(job.state(), state, "{failure:?}");
        assert_eq!(
            job.schedule.next_at.is_some(),
            !job.is_done(),
            "{failure:?}"
        );
    }
}
