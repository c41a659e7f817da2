//! A wish to cancel is kept in every state, and no new submit is sent while it stands.

use super::*;

/// The job after a submit whose reply was lost.
fn lost(window: Millis) -> Job {
    let lost = [submit_ready(), submit_failed(SubmitFailure::Unknown)];
    after(job(window), lost).0
}

#[test]
fn cancel_of_an_unknown_outcome_finds_the_job_by_its_key_and_cancels_it() {
    let twice = [submit_ready(), submit_failed(SubmitFailure::Unknown)];
    let (job, _) = after(lost(WINDOW), twice);
    let (wanted, actions) = after(job, [Event::CancelWanted, Event::Due]);
    assert!(wanted.schedule.cancel_wanted, "the wish is kept");
    assert_eq!(actions, [Wait, Submit]);
    let (found, actions) = after(wanted, [submit_ready(), accepted(), Event::Due]);
    assert_eq!(actions, [AllowSubmit, Wait, Action::Cancel]);
    assert_eq!(found.schedule.next_at, Some(3_000), "at once");
}

#[test]
fn row_of_a_submit_has_its_path() {
    let (ready, action) = decide(&job(0), submit_ready(), 2_000);
    assert_eq!(action, AllowSubmit);
    assert_eq!(ready.submit_path.as_deref(), Some("/v1/jobs"));
}

#[test]
fn cancel_of_an_outcome_that_no_key_finds_sends_nothing_and_keeps_the_wish() {
    for resumes in [false, true] {
        let (mut job, mut events) = (lost(0), vec![Event::CancelWanted, Event::Due]);
        if resumes {
            events.extend([resumed(9_000_000), Event::Due]);
        }
        for (now, event) in (5_000..).zip(events) {
            let (next, action) = decide(&job, event, now);
            assert_eq!(action, Wait);
            job = next;
        }
        assert_eq!(job.state(), State::OutcomeUnknown);
        assert!(job.schedule.cancel_wanted && job.is_settled());
        assert_eq!(decide(&job, submit_ready(), 9_000).1, Action::AbortSubmit);
        // The user finds it at the provider.
        let (_, actions) = after(job, [adopted(true), Event::Due]);
        assert_eq!(actions, [Wait, Action::Cancel]);
    }
}

#[test]
fn wish_to_cancel_a_running_submit_outlives_its_process() {
    for (window, next) in [(0, Wait), (WINDOW, Submit)] {
        let events = [submit_ready(), Event::CancelWanted, Event::Orphaned];
        let (orphan, _) = after(job(window), events);
        assert_eq!(orphan.state(), State::OutcomeUnknown);
        assert!(orphan.schedule.cancel_wanted);
        let (resumed, actions) = after(orphan, [resumed(9_000_000), Event::Due]);
        assert_eq!(actions, [Wait, next]);
        assert!(resumed.schedule.cancel_wanted);
    }
}

/// A row that was put off or refused before.
#[test]
fn queued_job_that_is_to_be_cancelled_ends_without_a_submit() {
    for failure in [
        SubmitFailure::Retryable {
            after: Some(90_000),
        },
        SubmitFailure::Permanent,
    ] {
        let earlier = [submit_ready(), submit_failed(failure)];
        let (mut queued, _) = after(job(WINDOW), earlier);
        assert_eq!(queued.state(), State::Queued);
        queued.schedule.cancel_wanted = true;
        assert!(!may_submit(&queued, 4_000));
        assert_eq!(
            decide(&queued, submit_ready(), 4_000).1,
            Action::AbortSubmit
        );
        let (ended, actions) = after(queued, [resumed(9_000_000), Event::Due]);
        assert_eq!(actions, [Wait, Wait]);
        assert_eq!((ended.state(), ended.submits()), (State::Cancelled, 1));
    }
}

#[test]
fn deadline_ends_the_search_for_a_job_that_is_to_be_cancelled() {
    let (wanted, _) = after(lost(WINDOW), [Event::CancelWanted]);
    let (late, action) = decide(&wanted, Event::Due, 1_800_000);
    assert_eq!((action, late.schedule.next_at), (Wait, None));
    assert!(late.schedule.cancel_wanted);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_event_sequence_keeps_a_wish_to_cancel_and_sends_no_new_submit(
        window in prop::sample::select(vec![0, WINDOW]),
        before in prop::collection::vec((event(), 0..60_000i64), 0..40),
        later in prop::collection::vec((event(), 0..60_000i64), 1..60),
    ) {
        let mut job = job(window);
        let mut now = 1_000;
        for (event, pause) in before {
            now += pause;
            job = decide(&job, event, now).0;
        }
        job = decide(&job, Event::CancelWanted, now).0;
        for (event, pause) in later {
            now += pause;
            let (next, action) = decide(&job, event.clone(), now);
            if action == AllowSubmit {
                let Stage::OutcomeUnknown { submit } = &job.stage else {
                    panic!("a new submit: {job:?}");
                };
                prop_assert!(submit.attempts.keyed && now - submit.first_at < window);
                prop_assert_eq!(job.submit_sha256(), next.submit_sha256());
            }
            if job.schedule.cancel_wanted && !next.schedule.cancel_wanted {
                // It has ended, or the provider was asked.
                let was_asked = job.state() == State::Started;
                let ended = matches!(next.state(), State::Succeeded | State::Failed | State::Cancelled);
                prop_assert!(was_asked || ended, "the wish is lost: {job:?}, {event:?}");
            }
            prop_assert!(next.state() != State::Queued || !next.schedule.cancel_wanted);
            job = next;
        }
    }
}
