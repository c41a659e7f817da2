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
            reported: None,
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
fn charge_that_a_component_reports_is_kept_beside_the_charge() {
    let ended = Event::Ended {
        cancelled: false,
        error: oops(),
        charge: Charge::Unknown,
        reported: Some(Charge::No),
        cost: None,
    };
    let mut finished = succeeded();
    if let Event::Succeeded {
        charge, reported, ..
    } = &mut finished
    {
        (*charge, *reported) = (Charge::Unknown, Some(Charge::No));
    }
    for event in [ended, finished] {
        let (job, _) = after(job(0), [submit_ready(), accepted(), event]);
        let expected = (Charge::Unknown, Some(Charge::No));
        assert_eq!((job.charge(), job.billing.reported), expected);
        assert_eq!(job.billing.cost, Some(dollars("0.24")));
    }
}

#[test]
fn cancel_of_a_queued_job_sends_no_request() {
    let (job, actions) = after(job(0), [Event::CancelWanted, Event::Due]);
    assert_eq!((job.state(), job.charge()), (State::Cancelled, Charge::No));
    assert_eq!(actions, [Action::Wait, Action::Wait]);
}

#[test]
fn job_with_uploads_is_never_without_charge() {
    let refused = Event::SubmitFailed {
        error: oops(),
        failure: SubmitFailure::Refused { charge: Charge::No },
    };
    let put_off = Event::SubmitFailed {
        error: oops(),
        failure: SubmitFailure::Retryable { after: None },
    };
    for events in [
        vec![Event::CancelWanted],
        vec![submit_ready(), refused.clone()],
        vec![refused],
        vec![submit_ready(), put_off],
    ] {
        for (has_uploads, expected) in [(true, Charge::Unknown), (false, Charge::No)] {
            let mut job = job(0);
            job.billing.has_uploads = has_uploads;
            let (job, _) = after(job, events.clone());
            assert_eq!(job.charge(), expected, "{:?}", job.state());
        }
    }
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

fn poll_failed() -> Event {
    Event::PollFailed {
        error: oops(),
        failure: PollFailure::Transient { after: None },
    }
}

#[test]
fn cancellation_that_was_sent_is_followed_by_polls() {
    let wanted = [submit_ready(), accepted(), Event::CancelWanted, Event::Due];
    let (wanted, _) = after(job(0), wanted);
    let ready = [Event::CancelReady, Event::CancelReady];
    let (sent, actions) = after(wanted.clone(), ready);
    assert_eq!(actions, [Action::AllowCancel, Wait], "one request is sent");
    assert_eq!(sent.schedule.cancel_sent_at, Some(2_000));
    let (polled, actions) = after(sent, [poll_failed(), Event::Due]);
    assert_eq!(actions, [Wait, Poll]);
    assert!(!polled.schedule.cancel_wanted && polled.schedule.cancel_sent_at.is_some());

    // A request that was not sent is tried three times.
    let unsent = [Event::CancelReady, Event::CancelRepeatable, poll_failed()];
    let (again, _) = after(wanted, unsent);
    assert_eq!(again.schedule.cancel_sent_at, None);
    let (again, actions) = after(
        again,
        [Event::Due, poll_failed(), Event::Due, poll_failed()],
    );
    assert_eq!(actions, [Action::Cancel, Wait, Action::Cancel, Wait]);
    assert!(!again.schedule.cancel_wanted);
}

#[test]
fn second_command_to_cancel_tells_when_the_request_was_sent() {
    let events = [
        submit_ready(),
        accepted(),
        Event::CancelWanted,
        Event::CancelReady,
        poll_failed(),
        Event::CancelWanted,
        Event::CancelSpent,
    ];
    let (job, _) = after(job(0), events);
    let error = job.last_error.as_ref().expect("an error");
    assert!(error.message.contains("1970-01-01T00:00:05Z"), "{error:?}");
    assert!(job.is_settled() && !job.schedule.cancel_wanted);
    assert_eq!(job.schedule.cancel_sent_at, Some(5_000));
    let (_, actions) = after(job, [resumed(1_800_000), Event::Due]);
    assert_eq!(actions, [Wait, Poll]);
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
