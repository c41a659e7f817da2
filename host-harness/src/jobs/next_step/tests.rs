use super::*;
use crate::contract::NextStep as Advice;
use crate::driver::pure::{Event, PollFailure, SubmitFailure, decide};
use crate::ledger::JobError;
use crate::ledger::testing::queued;

/// The next step after these events.
fn after(events: impl IntoIterator<Item = Event>) -> NextStep {
    let job = events
        .into_iter()
        .fold(queued(0), |job, event| decide(&job, event, 2_000).0);
    assert!(job.is_settled(), "{job:?}");
    NextStep::of(&job, 2_000)
}

fn sent() -> Event {
    Event::SubmitReady {
        sha256: "bytes".into(),
        keyed: true,
        account: None,
        path: "/v1/jobs".into(),
    }
}

fn rejected(message: &str, advice: Advice) -> JobError {
    JobError::new(ErrorKind::Rejected, message).advised(advice)
}

#[test]
fn refused_submit_is_followed_by_the_step_of_its_cause() {
    let (connection, node) = ("pixelml".to_owned(), "image_to_video".to_owned());
    let base_url = NextStep::OtherBaseUrl { connection };
    let job = || "j".to_owned();
    let credit = NextStep::AddCredit { job: job() };
    let input = NextStep::OtherInput { node, job: job() };
    for (message, advice, expected) in [
        ("no (HTTP status 301)", Advice::FixConnection, &base_url),
        ("no (HTTP status 404)", Advice::FixConnection, &base_url),
        ("no (HTTP status 402)", Advice::Stop, &credit),
        ("the quota is used up", Advice::FixInput, &credit),
        ("no (HTTP status 422)", Advice::FixInput, &input),
    ] {
        let refused = Event::SubmitFailed {
            error: rejected(message, advice),
            failure: SubmitFailure::Refused { charge: Charge::No },
        };
        assert_eq!(after([sent(), refused]), *expected, "{message}");
    }
}

#[test]
fn refusal_with_an_unknown_charge_is_followed_by_a_look_for_the_charge() {
    let refused = |charge| Event::SubmitFailed {
        error: rejected("no", Advice::Stop),
        failure: SubmitFailure::Refused { charge },
    };
    let next = after([sent(), refused(Charge::Unknown)]);
    assert_eq!(next, NextStep::LookForCharge);
    let node = "image_to_video".to_owned();
    assert_eq!(
        after([sent(), refused(Charge::No)]),
        NextStep::OtherInput {
            node,
            job: "j".into(),
        }
    );
}

#[test]
fn redirected_poll_is_resumed_with_another_base_url() {
    let accepted = Event::Accepted {
        ticket: "t".into(),
        provider_job_id: "p".into(),
        hint: None,
        cost: None,
    };
    let failed = |error| Event::PollFailed {
        error,
        failure: PollFailure::Permanent,
    };
    let redirected = failed(rejected("no (HTTP status 302)", Advice::FixConnection));
    let resumed = NextStep::ResumeWithBaseUrl {
        connection: "pixelml".into(),
        job: "j".into(),
    };
    assert_eq!(after([sent(), accepted.clone(), redirected]), resumed);
    let unauthorized = JobError::new(ErrorKind::Unauthorized, "no");
    let unauthorized = failed(unauthorized.advised(Advice::FixConnection));
    let resumed = NextStep::Resume { job: "j".into() };
    assert_eq!(after([sent(), accepted, unauthorized]), resumed);
}

#[test]
fn next_step_of_a_busy_ledger_names_the_other_process() {
    let busy = LedgerError::Busy {
        path: "ledger.sqlite3".into(),
        source: rusqlite::Error::InvalidQuery,
    };
    assert!(busy.to_string().contains("another process"), "{busy}");
    let step = NextStep::of_ledger(&busy);
    assert_eq!(step, NextStep::repeat(Repair::OtherProcess));
}

#[test]
fn unknown_outcome_of_another_account_is_looked_up_and_not_submitted_again() {
    let failed = |kind, failure| Event::SubmitFailed {
        error: JobError::new(kind, "no"),
        failure,
    };
    let lost = failed(ErrorKind::OutcomeUnknown, SubmitFailure::Unknown);
    let events = [sent(), lost].into_iter();
    let job = events.fold(queued(60_000), |job, event| decide(&job, event, 2_000).0);
    assert!(matches!(
        NextStep::of(&job, 2_000),
        NextStep::ResumeOnce { .. }
    ));
    let changed = failed(ErrorKind::ConnectionChanged, SubmitFailure::Permanent);
    let (job, _) = decide(&job, changed, 2_000);
    assert_eq!(
        NextStep::of(&job, 2_000),
        NextStep::Resolve {
            job: "j".into(),
            key: Some("k".into()),
        }
    );
}
