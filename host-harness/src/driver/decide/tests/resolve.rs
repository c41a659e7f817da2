//! What the user says about a submit can be corrected until a reply of the provider confirms it.

use super::*;

fn lost() -> Job {
    let lost = [submit_ready(), submit_failed(SubmitFailure::Unknown)];
    after(job(0), lost).0
}

fn waiting() -> Event {
    Event::Waiting {
        ticket: None,
        hint: None,
        unrecognized: None,
    }
}

fn other_id() -> Event {
    Event::Adopted {
        ticket: "other".into(),
        provider_job_id: "p3".into(),
        is_confirmed: true,
    }
}

#[test]
fn unconfirmed_id_is_replaced_until_a_poll_shows_its_job() {
    let not_found = Event::PollFailed {
        error: JobError::new(ErrorKind::JobLost, "HTTP status 404"),
        failure: PollFailure::Unrecognized,
    };
    let (forced, _) = after(lost(), [adopted(false), not_found, resumed(9_000_000)]);
    assert!(may_resolve(&forced));
    assert_eq!(round_trip(&forced), Ok(forced.clone()));
    let (corrected, _) = after(forced.clone(), [other_id()]);
    assert_eq!(corrected.provider_job_id(), Some("p3"));
    assert!(!may_resolve(&corrected), "the provider has confirmed it");

    for shown in [waiting(), succeeded()] {
        let (found, _) = after(forced.clone(), [shown, other_id(), Event::NeverStarted]);
        assert_eq!(found.provider_job_id(), Some("p2"));
        assert!(found.ticket().is_some() && !may_resolve(&found));
    }
}

#[test]
fn unrecognized_reply_confirms_no_id() {
    let unrecognized = Event::Waiting {
        ticket: None,
        hint: None,
        unrecognized: Some("what job?".into()),
    };
    let (forced, _) = after(lost(), [adopted(false), unrecognized]);
    assert!(may_resolve(&forced));
}

#[test]
fn job_that_never_started_is_adopted_later_and_costs_what_it_costs() {
    for earlier in [None, Some(adopted(false))] {
        let (never, _) = after(lost(), earlier.into_iter().chain([Event::NeverStarted]));
        assert_eq!((never.state(), never.ticket()), (State::Failed, None));
        assert_eq!(never.charge(), Charge::No);
        let (found, actions) = after(never, [resumed(9_000_000), adopted(true)]);
        assert_eq!(actions, [Wait, Wait]);
        assert_eq!(
            (found.state(), found.charge()),
            (State::Started, Charge::Unknown)
        );
        assert_eq!(found.submitted_at(), lost().submitted_at());
    }
}

#[test]
fn job_whose_outcome_is_known_is_not_resolved() {
    let (started, _) = after(job(0), [submit_ready(), accepted()]);
    let (queued, _) = after(job(0), []);
    for known in [started, queued] {
        let (after, _) = after(known.clone(), [adopted(true), Event::NeverStarted]);
        assert_eq!(after, known);
    }
}
