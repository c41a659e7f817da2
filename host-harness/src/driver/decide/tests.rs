use proptest::prelude::*;

use super::*;
use crate::contract::Charge;
use crate::download::DownloadFailure;
use crate::driver::event::Action::{AllowSubmit, Download, Finalize, Poll, Submit, Wait};
use crate::driver::event::{PollFailure, SubmitFailure};
use crate::error::ErrorKind;
use crate::ledger::testing::queued;
use crate::ledger::{ClipFile, Cost, JobError, Media, Millis, Stage, State, Target, round_trip};

mod cancel;
mod clock;
mod deadline;
mod ends;
mod grace;
mod no_result;
mod removed;
mod resolve;
mod retry;
mod uploads;

const WINDOW: Millis = 3_600_000;

fn job(idempotency_ms: Millis) -> Job {
    queued(idempotency_ms)
}

fn oops() -> JobError {
    JobError::new(ErrorKind::Unavailable, "oops")
}

fn media() -> Media {
    Media {
        alternatives: Vec::new(),
        others: Vec::new(),
        pointer: "/video".into(),
        url: "https://v.example/1".into(),
        media_type: None,
        sha256: None,
        needs_credential: false,
    }
}

/// Applies the events in order, a second apart; returns the last row and all actions.
fn after(mut job: Job, events: impl IntoIterator<Item = Event>) -> (Job, Vec<Action>) {
    let mut actions = Vec::new();
    for (now, event) in (2_000..).step_by(1_000).zip(events) {
        let (next, action) = decide(&job, event, now);
        job = next;
        actions.push(action);
    }
    (job, actions)
}

fn submit_ready() -> Event {
    Event::SubmitReady {
        sha256: "bytes".into(),
        keyed: true,
        account: None,
        path: "/v1/jobs".into(),
    }
}

fn accepted() -> Event {
    Event::Accepted {
        ticket: "t".into(),
        provider_job_id: "p".into(),
        hint: None,
        cost: Some(dollars("0.24")),
    }
}

fn dollars(amount: &str) -> Cost {
    Cost {
        amount: amount.into(),
        unit: "USD".into(),
    }
}

fn succeeded() -> Event {
    Event::Succeeded {
        ticket: None,
        provider_job_id: None,
        output: "{}".into(),
        media: Some(media()),
        charge: Charge::Yes,
        reported: None,
        cost: None,
    }
}

fn adopted(is_confirmed: bool) -> Event {
    Event::Adopted {
        ticket: "adopted".into(),
        provider_job_id: "p2".into(),
        is_confirmed,
    }
}

fn resumed(deadline_at: Millis) -> Event {
    Event::Resumed {
        deadline_at,
        requester: "another".into(),
    }
}

fn fetched() -> Event {
    Event::Fetched {
        file: ClipFile {
            path: "/clips/j.mp4".into(),
            sha256: "file".into(),
            bytes: 1,
            media_type: "video/mp4".into(),
            others: Vec::new(),
            left_out: Vec::new(),
        },
    }
}

fn submit_failed(failure: SubmitFailure) -> Event {
    Event::SubmitFailed {
        error: oops(),
        failure,
    }
}

#[test]
fn accepted_job_is_polled_downloaded_and_finalized() {
    let (job, actions) = after(
        job(0),
        [
            Event::Due,
            submit_ready(),
            accepted(),
            Event::Due,
            Event::Waiting {
                ticket: None,
                hint: Some(2_000),
                unrecognized: None,
            },
            Event::Due,
            succeeded(),
            Event::Due,
            fetched(),
            Event::Finalized,
        ],
    );
    assert_eq!(
        actions,
        [
            Submit,
            AllowSubmit,
            Wait,
            Poll,
            Wait,
            Poll,
            Wait,
            Download,
            Finalize,
            Wait
        ]
    );
    assert!(job.is_done());
    assert_eq!(
        (job.charge(), job.schedule.next_at, job.submits()),
        (Charge::Yes, None, 1)
    );
}

#[test]
fn unknown_outcome_is_resubmitted_only_under_an_honoured_key() {
    let lost = [
        Event::Due,
        submit_ready(),
        submit_failed(SubmitFailure::Unknown),
    ];
    let (job, _) = after(job(0), lost.clone());
    assert_eq!(
        (job.state(), job.schedule.next_at, job.charge()),
        (State::OutcomeUnknown, None, Charge::Unknown)
    );
    let (resumed, actions) = after(job, [resumed(9_000_000), Event::Due, submit_ready()]);
    assert_eq!(actions, [Action::Wait, Action::Wait, Action::AbortSubmit]);
    assert_eq!(resumed.submits(), 1);

    let (honoured, actions) = after(
        super::tests::job(WINDOW),
        lost.into_iter().chain([Event::Due, submit_ready()]),
    );
    assert_eq!(actions[3..], [Action::Submit, Action::AllowSubmit]);
    let late = 2_000 + 2 * WINDOW;
    let (outcome_uncertain, _) = decide(&honoured, submit_failed(SubmitFailure::Unknown), 9_000);
    assert!(!may_submit(&outcome_uncertain, late));
}

#[test]
fn resubmit_with_other_bytes_is_aborted() {
    let (job, _) = after(
        job(WINDOW),
        [
            Event::Due,
            submit_ready(),
            submit_failed(SubmitFailure::Unknown),
        ],
    );
    let (same, action) = decide(
        &job,
        Event::SubmitReady {
            sha256: "others".into(),
            keyed: true,
            account: None,
            path: "/v1/jobs".into(),
        },
        9_000,
    );
    assert_eq!((same, action), (job, Action::AbortSubmit));
}

/// Also where the connection honours keys: the provider cannot recognize it without one.
#[test]
fn submit_without_its_key_is_never_repeated() {
    let unkeyed = Event::SubmitReady {
        sha256: "bytes".into(),
        keyed: false,
        account: None,
        path: "/v1/jobs".into(),
    };
    let (lost, _) = after(
        job(WINDOW),
        [Event::Due, unkeyed, submit_failed(SubmitFailure::Unknown)],
    );
    assert_eq!(
        (lost.state(), lost.schedule.next_at),
        (State::OutcomeUnknown, None)
    );
    assert!(!may_submit(&lost, 1));
    let (_, action) = decide(&lost, resumed(WINDOW), 1);
    assert_eq!(action, Action::Wait);
    let (row, action) = decide(&lost, submit_ready(), 1);
    assert_eq!((row, action), (lost, Action::AbortSubmit));
}

#[test]
fn refused_second_submit_leaves_the_outcome_unknown() {
    let (job, _) = after(
        job(WINDOW),
        [
            Event::Due,
            submit_ready(),
            submit_failed(SubmitFailure::Unknown),
            Event::Due,
            submit_ready(),
            submit_failed(SubmitFailure::Refused { charge: Charge::No }),
        ],
    );
    assert_eq!(
        (job.state(), job.charge(), job.schedule.next_at),
        (State::OutcomeUnknown, Charge::Unknown, None)
    );
}

#[test]
fn orphaned_submit_is_resumed_only_within_the_key_window() {
    for (window, expected) in [(0, Action::Wait), (WINDOW, Action::Submit)] {
        let (orphan, _) = after(job(window), [Event::Due, submit_ready(), Event::Orphaned]);
        assert_eq!(
            (orphan.state(), orphan.schedule.next_at.is_some()),
            (State::OutcomeUnknown, window > 0)
        );
        let (_, actions) = after(orphan, [resumed(9_000_000), Event::Due]);
        assert_eq!(actions[1], expected);
    }
}

#[test]
fn deadline_suspends_the_job_and_resume_polls_it() {
    let (job, _) = after(job(0), [Event::Due, submit_ready(), accepted()]);
    let (stopped, action) = decide(&job, Event::Due, 1_800_000);
    assert_eq!(
        (stopped.state(), stopped.schedule.next_at, action),
        (State::Started, None, Action::Wait)
    );
    assert_eq!(
        stopped.last_error.as_ref().map(|error| error.kind.as_str()),
        Some("deadline")
    );
    let (resumed, _) = decide(&stopped, resumed(9_000_000), 1_900_000);
    assert_eq!(decide(&resumed, Event::Due, 1_900_001).1, Action::Poll);
}

#[test]
fn poll_with_unreadable_reply_is_retried_for_20_seconds_and_unknown_state_for_10_minutes() {
    let lost = Event::PollFailed {
        error: JobError::new(ErrorKind::JobLost, "gone"),
        failure: PollFailure::Unrecognized,
    };
    let aborted = Event::Waiting {
        ticket: None,
        hint: Some(100),
        unrecognized: Some("aborted".into()),
    };
    for (unrecognized, kind, patience) in [
        (lost, "job_lost", 20_000),
        (aborted, "unavailable", 600_000),
    ] {
        let (mut job, _) = after(job(0), [Event::Due, submit_ready(), accepted()]);
        let mut now = 5_000;
        // Bounded, so that the test ends if the job is polled forever.
        let ended = (0..1_000).any(|_| {
            job = decide(&job, unrecognized.clone(), now).0;
            now = job.schedule.next_at.unwrap_or(now);
            job.schedule.next_at.is_none()
        });
        assert!(ended, "{kind}");
        assert!((patience..patience + 20_000).contains(&(now - 5_000)));
        assert_eq!(
            (job.state(), job.charge()),
            (State::Started, Charge::Unknown)
        );
        let error = job.last_error.as_ref().map(|error| error.kind.as_str());
        assert_eq!(error, Some(kind));
        let (resumed, _) = decide(&job, resumed(now + 9_000_000), now);
        assert_eq!(decide(&resumed, Event::Due, now).1, Action::Poll);
    }
}

#[test]
fn poll_that_fails_permanently_suspends_the_job_at_once() {
    let (job, _) = after(job(0), [Event::Due, submit_ready(), accepted(), Event::Due]);
    let refused = Event::PollFailed {
        error: oops(),
        failure: PollFailure::Permanent,
    };
    let (stopped, _) = decide(&job, refused, 9_000);
    assert_eq!(
        (stopped.state(), stopped.schedule.next_at),
        (State::Started, None)
    );
    assert!(stopped.ticket().is_some());
}

/// A bomb, for example: the same result again each time.
#[test]
fn download_that_is_too_long_each_time_is_suspended_and_stays_collectable() {
    let too_long = || Event::DownloadFailed {
        error: oops(),
        failure: DownloadFailure::UrlExpired,
    };
    let mut events = vec![
        Event::Due,
        submit_ready(),
        accepted(),
        Event::Due,
        succeeded(),
    ];
    for _ in 0..3 {
        events.extend([Event::Due, too_long(), Event::Due, succeeded()]);
    }
    events.extend([Event::Due, too_long()]);
    let (job, actions) = after(job(0), events);
    let downloads = actions.iter().filter(|action| **action == Action::Download);
    assert_eq!(downloads.count(), 4);
    assert_eq!(
        (job.state(), job.schedule.next_at),
        (State::Succeeded, None)
    );
    assert!(job.ticket().is_some());
    assert_eq!(job.submits(), 1);
}

#[test]
fn result_at_a_forbidden_origin_suspends_the_job_which_then_polls_for_a_fresh_url() {
    let forbidden = Event::DownloadFailed {
        error: oops(),
        failure: DownloadFailure::Forbidden,
    };
    let first = [
        Event::Due,
        submit_ready(),
        accepted(),
        Event::Due,
        succeeded(),
        Event::Due,
        forbidden,
    ];
    let (suspended, _) = after(job(0), first);
    assert_eq!(
        (suspended.state(), suspended.schedule.next_at),
        (State::Succeeded, None)
    );
    assert!(suspended.media().is_none() && suspended.ticket().is_some());
    let events = [resumed(9_000_000), Event::Due, succeeded(), Event::Due];
    let (job, actions) = after(suspended, events);
    assert_eq!(actions.last(), Some(&Action::Download));
    assert_eq!(job.submits(), 1);
}

#[test]
fn expired_url_is_polled_again_without_a_new_submit() {
    let stale = Event::DownloadFailed {
        error: oops(),
        failure: DownloadFailure::UrlExpired,
    };
    let (job, actions) = after(
        job(0),
        [
            Event::Due,
            submit_ready(),
            accepted(),
            Event::Due,
            succeeded(),
            Event::Due,
            stale,
            Event::Due,
            succeeded(),
            Event::Due,
        ],
    );
    assert_eq!(
        actions[5..],
        [
            Action::Download,
            Action::Wait,
            Action::Poll,
            Action::Wait,
            Action::Download
        ]
    );
    assert_eq!(job.submits(), 1);
}

fn event() -> impl Strategy<Value = Event> {
    let after = prop::option::of(0..100_000i64);
    prop_oneof![
        8 => Just(Event::Due),
        4 => prop::sample::select(vec!["a", "a", "a", "b"]).prop_map(|sha256| Event::SubmitReady { sha256: sha256.into(), keyed: true, account: None, path: "/v1/jobs".into() }),
        2 => Just(accepted()),
        2 => prop_oneof![
            after.clone().prop_map(|after| SubmitFailure::Retryable { after }),
            Just(SubmitFailure::Refused { charge: Charge::No }),
            Just(SubmitFailure::Permanent),
            Just(SubmitFailure::Unknown),
        ].prop_map(submit_failed),
        1 => Just(Event::Orphaned),
        2 => (after.clone(), prop::option::of(Just("odd".to_owned()))).prop_map(|(hint, unrecognized)| {
            Event::Waiting { ticket: None, hint, unrecognized }
        }),
        2 => Just(succeeded()),
        1 => any::<bool>().prop_map(|cancelled| Event::Ended { cancelled, error: oops(), charge: Charge::No, reported: None, cost: None }),
        2 => prop::sample::select(vec![None, Some("t")]).prop_map(|ticket| Event::NoResult { ticket: ticket.map(Into::into), provider_job_id: None, error: JobError::new(ErrorKind::NoResult, "none"), charge: Charge::Unknown, reported: None, cost: None }),
        2 => prop_oneof![
            after.prop_map(|after| PollFailure::Transient { after }),
            Just(PollFailure::Unrecognized),
            Just(PollFailure::Permanent),
        ].prop_map(|failure| Event::PollFailed { error: oops(), failure }),
        1 => Just(Event::CancelWanted),
        1 => prop::sample::select(vec![Event::CancelAnswered, Event::NoCancellation]),
        1 => Just(fetched()),
        1 => Just(Event::Finalized),
        1 => prop::sample::select(vec![DownloadFailure::UrlExpired, DownloadFailure::Transient, DownloadFailure::Permanent, DownloadFailure::Forbidden])
            .prop_map(|failure| Event::DownloadFailed { error: oops(), failure }),
        2 => (0..4_000_000i64).prop_map(resumed),
        1 => any::<bool>().prop_map(adopted),
        1 => Just(Event::NeverStarted),
        1 => prop::sample::select(vec!["requester", "another"]).prop_map(|requester| Event::Abandoned { requester: requester.into() }),
        1 => (0..4_000_000i64).prop_map(|until| Event::Delayed { until, error: (until % 2 == 0).then(oops) }),
        1 => Just(Event::ConnectionUnavailable { error: oops() }),
        1 => any::<bool>().prop_map(|force| Event::ResultRemoved { force }),
        1 => Just(Event::TargetChanged { target: Target::Stem("/clips/other".into()), force: true }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_event_sequence_pays_once_at_most_and_loses_no_job(
        window in prop::sample::select(vec![0, WINDOW]),
        events in prop::collection::vec((event(), 0..60_000i64), 1..120),
    ) {
        let mut job = job(window);
        let mut now = 1_000;
        // Whether a submit that was sent may have been accepted.
        let mut may_be_accepted = false;
        let mut first_left = None;
        let mut bytes = None;
        for (event, pause) in events {
            now += pause;
            let before = job.clone();
            let (next, action) = decide(&before, event.clone(), now);
            if action == Action::AllowSubmit {
                let Event::SubmitReady { sha256, .. } = &event else { unreachable!("only bytes leave") };
                if may_be_accepted {
                    prop_assert!(first_left.is_some_and(|first| now - first < window), "paid twice: {before:?}");
                    prop_assert_eq!(Some(sha256), bytes.as_ref());
                }
                prop_assert!(before.ticket().is_none(), "submitted after acceptance");
                may_be_accepted = true;
                first_left.get_or_insert(now);
                bytes = Some(sha256.clone());
                prop_assert_eq!(next.state(), State::Submitting);
            }
            let cleared = before.state() == State::Submitting && !matches!(before.stage, Stage::Submitting { uncertain: true, .. }) && matches!(event,
                Event::SubmitFailed { failure: SubmitFailure::Retryable { .. } | SubmitFailure::Refused { .. } | SubmitFailure::Permanent, .. });
            if cleared {
                may_be_accepted = false;
                first_left = None;
            }
            let is_corrected = may_resolve(&before) && matches!(event, Event::Adopted { .. } | Event::NeverStarted);
            prop_assert!(before.ticket().is_none() || next.ticket().is_some() || is_corrected, "a ticket is lost");
            let moved = matches!(event, Event::TargetChanged { .. }) && before.state() == State::Succeeded;
            let moved = moved || is_corrected || before.has_no_result() && next.state() == State::Started;
            let moved = moved || matches!(event, Event::ResultRemoved { .. });
            prop_assert!(!before.is_done() || next.is_done() || moved, "a done job is not done any more");
            prop_assert!(before.charge() != Charge::Yes || next.charge() == Charge::Yes, "a charge is forgotten");
            prop_assert_eq!(&before.spec, &next.spec);
            let has_a_next_step = next.is_done() || next.schedule.next_at.is_some() || next.last_error.is_some()
                || next.state() == State::Submitting;
            prop_assert!(has_a_next_step, "left without a next step: {next:?}");
            prop_assert!(next.charge() != Charge::No || next.billing.cost.is_none(), "nothing was charged, and it cost something");
            prop_assert!(next.state() != State::OutcomeUnknown || next.charge() == Charge::Unknown);
            prop_assert_eq!(round_trip(&next), Ok(next.clone()), "its row reads otherwise");
            job = next;
        }
    }
}
