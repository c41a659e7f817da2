use super::*;
use crate::contract::{Completion, Settlement};

fn settlement(charge: Charge) -> Settlement {
    Settlement { charge, cost: None }
}

fn failed(code: Option<&str>) -> Event {
    of_poll(Ok(JobState::Failed(Failure {
        fault: ProviderFault {
            status: Some(200),
            code: code.map(Into::into),
            message: "removed by a filter".into(),
        },
        settlement: settlement(Charge::No),
    })))
}

#[test]
fn failure_with_the_code_no_result_is_a_success_without_a_result() {
    let Event::NoResult { error, charge, .. } = failed(Some("no_result")) else {
        panic!("another event");
    };
    assert_eq!(
        error.message,
        "the provider reports success without a result: removed by a filter"
    );
    assert_eq!((error.kind, charge), (ErrorKind::NoResult, Charge::No));
    for code in [None, Some("nsfw")] {
        assert!(matches!(failed(code), Event::Ended { .. }), "{code:?}");
    }
}

#[test]
fn quota_of_a_minute_in_a_refusal_is_waited_for() {
    let refused = |charge, message: &str| {
        of_start(Err(CallError::Node(NodeError {
            cause: ErrorCause::Rejected(ProviderFault {
                status: Some(200),
                code: Some("RESOURCE_EXHAUSTED".into()),
                message: message.into(),
            }),
            charge,
            next: crate::contract::NextStep::Stop,
            retry_after_ms: None,
        })))
    };
    let of_a_minute = "Quota exceeded for quota metric Generate requests per minute";
    for (charge, message, expected) in [
        (Charge::No, of_a_minute, ErrorKind::Throttled),
        (Charge::Unknown, of_a_minute, ErrorKind::Rejected),
        (Charge::No, "Quota exceeded", ErrorKind::AccountRefused),
        (Charge::No, "a bad picture", ErrorKind::Rejected),
    ] {
        let Event::SubmitFailed { error, failure } = refused(charge, message) else {
            panic!("another event");
        };
        assert_eq!(error.kind, expected, "{message}");
        let is_retried = matches!(failure, SubmitFailure::Retryable { .. });
        assert_eq!(is_retried, expected == ErrorKind::Throttled, "{message}");
    }
}

#[test]
fn success_that_names_no_file_is_one_without_a_result_of_a_node_with_files() {
    let finished = of_start(Ok(Started::Finished(Completion {
        ticket: "t".into(),
        provider_job_id: Some("p".into()),
        success: Success {
            output: "{}".into(),
            media: Vec::new(),
            settlement: settlement(Charge::Yes),
        },
    })));
    assert!(matches!(finished, Event::Succeeded { media: None, .. }));
    let Event::NoResult {
        ticket,
        provider_job_id,
        charge,
        ..
    } = with_files(finished)
    else {
        panic!("another event");
    };
    assert_eq!(
        (ticket.as_deref(), provider_job_id.as_deref()),
        (Some("t"), Some("p"))
    );
    assert_eq!(charge, Charge::Yes);
}
