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
    assert_eq!(next, NextStep::LookForCharge { job: "j".into() });
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

fn accepted() -> Event {
    Event::Accepted {
        ticket: "t".into(),
        provider_job_id: "p".into(),
        hint: None,
        cost: None,
    }
}

#[test]
fn job_that_failed_and_is_or_may_be_charged_is_retried_on_request() {
    let job = || "j".to_owned();
    for charge in [Charge::Yes, Charge::Unknown, Charge::No] {
        let failed = |kind| {
            let (mut row, _) = decide(&queued(0), sent(), 2_000);
            row = decide(&row, accepted(), 2_000).0;
            let error = JobError::new(kind, "no");
            let event = Event::Ended {
                cancelled: false,
                error,
                charge,
                reported: None,
                cost: None,
            };
            decide(&row, event, 2_000).0
        };
        let expected = match charge {
            Charge::No => NextStep::Retry { job: job() },
            _ => NextStep::RetryAgain { job: job() },
        };
        let row = failed(ErrorKind::Failed);
        assert_eq!(NextStep::of(&row, 2_000), expected);
        let row = failed(ErrorKind::NoResult);
        assert_eq!(
            NextStep::of(&row, 2_000),
            NextStep::ResumeOrRetry {
                job: job(),
                charged: charge != Charge::No,
            }
        );
    }
}

#[test]
fn removed_job_that_may_be_charged_needs_another_run() {
    let lost = Event::SubmitFailed {
        error: rejected("no", Advice::Stop),
        failure: SubmitFailure::Refused {
            charge: Charge::Unknown,
        },
    };
    let events = [sent(), lost].into_iter();
    let mut job = events.fold(queued(0), |job, event| decide(&job, event, 2_000).0);
    job.schedule.requester = String::new();
    assert_eq!(NextStep::of(&job, 2_000), NextStep::NewRun);
}

#[test]
fn job_without_its_connection_is_resumed_with_the_configuration_that_has_it() {
    let none = crate::config::Config::default();
    let Err(error) = none.select("pixelml", Some("pixelml")) else {
        panic!("a connection");
    };
    let error = JobError::new(
        ErrorKind::ConnectionUnavailable,
        crate::error::chain(&error),
    );
    let resumed = NextStep::ResumeConfigured {
        connection: "pixelml".into(),
        job: "j".into(),
    };
    assert_eq!(after([Event::ConnectionUnavailable { error }]), resumed);
}

#[test]
fn failed_download_is_resumed_after_the_repair_that_its_error_names() {
    for (message, expected) in [
        (
            format!("`a.part` cannot be written: no; {}", Shortage::Space),
            Some(Repair::Space),
        ),
        (
            format!("`a.part` cannot be written: no; {}", Shortage::FileSize),
            Some(Repair::FileSize),
        ),
        (
            "`a.mp4` exists already; the complete file is kept as `a.part`".into(),
            Some(Repair::ExistingFile),
        ),
        ("the download ended early".into(), None),
    ] {
        let mut job = queued(0);
        job.last_error = Some(JobError::new(ErrorKind::DownloadFailed, message));
        assert_eq!(repair_of_download(&job), expected);
    }
}

#[test]
fn destination_is_replaced_only_where_that_helps() {
    let path = || PathBuf::from("/clips/a.mp4");
    let unwritable = |kind: io::ErrorKind| TargetError::Unwritable {
        folder: "/clips".into(),
        source: kind.into(),
    };
    let folder = "/clips".into();
    for (error, expected) in [
        (
            TargetError::Exists { path: path() },
            NextStep::OtherDestination,
        ),
        (
            TargetError::IsAFolder { path: path() },
            NextStep::FreeDestination,
        ),
        (
            TargetError::NotRegular {
                path: path(),
                what: "a device",
            },
            NextStep::FreeDestination,
        ),
        (
            unwritable(io::ErrorKind::NotFound),
            NextStep::CreateFolder { folder },
        ),
        (
            unwritable(io::ErrorKind::PermissionDenied),
            NextStep::WritableFolder,
        ),
        (
            unwritable(io::ErrorKind::ReadOnlyFilesystem),
            NextStep::WritableFolder,
        ),
        (
            unwritable(io::ErrorKind::StorageFull),
            NextStep::repeat(Repair::Space),
        ),
    ] {
        assert_eq!(NextStep::of_target(&error), expected, "{error:?}");
    }
}
