//! Refusals of the account, and jobs that are submitted again.

use super::*;

fn no_credit() -> Event {
    Event::SubmitFailed {
        error: JobError::new(ErrorKind::AccountRefused, "no credit"),
        failure: SubmitFailure::Permanent,
    }
}

fn refused(charge: Charge) -> Event {
    submit_failed(SubmitFailure::Refused { charge })
}

fn retried(after: u32, again: bool) -> Event {
    Event::Retried {
        after,
        deadline_at: 9_000_000,
        requester: "another".into(),
        again,
    }
}

#[test]
fn job_whose_account_is_refused_stays_queued_without_a_next_time() {
    let (job, _) = after(job(WINDOW), [Event::Due, submit_ready(), no_credit()]);
    assert_eq!(
        (job.state(), job.schedule.next_at, job.charge()),
        (State::Queued, None, Charge::No)
    );
    assert!(job.is_settled() && !job.is_done());
    // The error stays, so that the driver asks with one such job first.
    let (resumed, action) = decide(&job, resumed(9_000_000), 9_000);
    assert_eq!((resumed.schedule.next_at, action), (Some(9_000), Wait));
    assert_eq!(resumed.last_error, job.last_error);
    let (accepted, actions) = after(resumed, [Event::Due, submit_ready(), accepted()]);
    assert_eq!(actions, [Submit, AllowSubmit, Wait]);
    assert_eq!((accepted.last_error, accepted.retries), (None, 0));
}

#[test]
fn refused_account_leaves_an_uncertain_outcome_unknown() {
    let (job, _) = after(
        job(WINDOW),
        [
            Event::Due,
            submit_ready(),
            submit_failed(SubmitFailure::Unknown),
            Event::Due,
            submit_ready(),
            no_credit(),
        ],
    );
    assert_eq!(
        (job.state(), job.schedule.next_at, job.charge()),
        (State::OutcomeUnknown, None, Charge::Unknown)
    );
}

#[test]
fn uncharged_job_is_queued_again_under_another_key_of_the_provider() {
    let (failed, _) = after(
        job(WINDOW),
        [Event::Due, submit_ready(), refused(Charge::No)],
    );
    let (again, _) = decide(&failed, retried(0, false), 9_000);
    assert_eq!(
        (again.state(), again.schedule.next_at, again.charge()),
        (State::Queued, Some(9_000), Charge::No)
    );
    assert_eq!((again.retries, &*again.spec), (1, &*failed.spec));
    assert_eq!(failed.provider_key(), "k");
    let first = again.provider_key().into_owned();
    assert_eq!(first.len(), 64);
    assert_eq!(round_trip(&again), Ok(again.clone()));
    // Another process has the same command: one attempt follows.
    assert_eq!(decide(&again, retried(0, true), 9_001).0, again);
    let (second, _) = after(
        again,
        [
            Event::Due,
            submit_ready(),
            refused(Charge::No),
            retried(1, false),
        ],
    );
    assert_eq!((second.retries, second.submits()), (2, 2));
    assert_ne!(second.provider_key(), first);
    // The digest of the key, a zero byte and the number.
    let text = format!("{}\0{}", second.spec.key, 2);
    let digest = crate::digest::Sha256Digest::of(text.as_bytes());
    assert_eq!(second.provider_key(), digest.to_string());
}

#[test]
fn cancelled_job_is_queued_again_without_its_wish() {
    let (cancelled, _) = after(job(0), [Event::CancelWanted]);
    assert_eq!(cancelled.state(), State::Cancelled);
    let (again, _) = decide(&cancelled, retried(0, false), 9_000);
    assert_eq!(decide(&again, Event::Due, 9_000).1, Submit);
}

#[test]
fn job_that_is_or_may_be_charged_is_queued_again_on_request_and_its_charge_stays() {
    for charge in [Charge::Yes, Charge::Unknown] {
        let ended = Event::Ended {
            cancelled: false,
            error: oops(),
            charge,
            reported: None,
            cost: Some(dollars("0.24")),
        };
        let (failed, _) = after(job(0), [Event::Due, submit_ready(), accepted(), ended]);
        assert_eq!(decide(&failed, retried(0, false), 9_000).0, failed);
        let (again, _) = decide(&failed, retried(0, true), 9_000);
        assert_eq!((again.state(), again.charge()), (State::Queued, charge));
        assert_eq!((again.ticket(), again.cost()), (None, None));
        assert_eq!(round_trip(&again), Ok(again.clone()));
        let (refused, _) = after(again, [Event::Due, submit_ready(), refused(Charge::No)]);
        assert_eq!(
            refused.charge(),
            charge,
            "no attempt makes an earlier one free"
        );
        // The refused attempt itself cost nothing.
        assert_eq!(refused.billing.charge, Charge::No);
        assert_eq!(round_trip(&refused), Ok(refused.clone()));
        let (third, _) = decide(&refused, retried(1, true), 9_100);
        assert_eq!((third.retries, third.charge()), (2, charge));
    }
}

#[test]
fn job_that_has_not_ended_without_a_result_is_not_queued_again() {
    for state in [
        State::Queued,
        State::Submitting,
        State::OutcomeUnknown,
        State::Started,
        State::Succeeded,
    ] {
        let mut job = job(0);
        job.stage = crate::ledger::testing::stage(state, true);
        assert_eq!(decide(&job, retried(0, true), 9_000).0, job, "{state:?}");
    }
}
