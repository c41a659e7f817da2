//! The outcome of a `start`: the component's answer, corrected by what the host sent.

use super::error::CallError;
use crate::contract::{Charge, ErrorCause, NextStep, NodeError, ProviderFault, Started};
use crate::egress::Sent;

/// Corrects the component's outcome of a `start` by the host's record of what was sent.
///
/// - [`Sent::Nothing`]: every error has the charge `no`. An unknown outcome becomes
///   `not-sent`. A trap stays a trap.
/// - [`Sent::Something`]: a trap, a fault of the host, and every error that claims or
///   implies that nothing was sent become `outcome-unknown` with the charge `unknown`. Only
///   answers that come from the provider (accepted, rejected, throttled, unauthorized) are
///   kept.
///
/// # Errors
///
/// [`CallError::Node`] with the outcome; [`CallError::Trap`] and [`CallError::Host`] only
/// where nothing was sent.
pub fn judge(outcome: Result<Started, CallError>, sent: Sent) -> Result<Started, CallError> {
    let error = match outcome {
        Ok(started) => return Ok(started),
        Err(error) => error,
    };
    Err(match (sent, error) {
        (Sent::Nothing, CallError::Node(error)) => CallError::Node(with_nothing_sent(error)),
        (Sent::Nothing, error) => error,
        (Sent::Something, CallError::Node(error)) => CallError::Node(with_something_sent(error)),
        (Sent::Something, CallError::Trap(trap)) => CallError::Node(unknown(format!(
            "the component was stopped after its request was sent: {trap}"
        ))),
        (Sent::Something, CallError::Host(fault)) => CallError::Node(unknown(format!(
            "the host failed after the request was sent: {fault}"
        ))),
    })
}

fn with_nothing_sent(mut error: NodeError) -> NodeError {
    error.charge = Charge::No;
    if let ErrorCause::OutcomeUnknown(fault) = error.cause {
        error.cause = ErrorCause::NotSent(fault.message);
        error.next = NextStep::Retry;
    }
    error
}

fn with_something_sent(error: NodeError) -> NodeError {
    match error.cause {
        ErrorCause::Throttled(_)
        | ErrorCause::Rejected(_)
        | ErrorCause::Unauthorized(_)
        | ErrorCause::OutcomeUnknown(_) => error,
        cause => NodeError {
            retry_after_ms: error.retry_after_ms,
            ..unknown(format!(
                "a request was sent, but the component reported `{}`: {}",
                cause.kind(),
                cause.message()
            ))
        },
    }
}

fn unknown(message: String) -> NodeError {
    NodeError {
        cause: ErrorCause::OutcomeUnknown(ProviderFault {
            status: None,
            code: None,
            message,
        }),
        charge: Charge::Unknown,
        next: NextStep::RetrySameKey,
        retry_after_ms: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::{Trap, TrapKind};
    use crate::contract::Acceptance;

    fn fault() -> ProviderFault {
        ProviderFault {
            status: None,
            code: None,
            message: "the connection broke".into(),
        }
    }

    fn reported(cause: ErrorCause, charge: Charge) -> Result<Started, CallError> {
        Err(CallError::Node(NodeError {
            cause,
            charge,
            next: NextStep::Stop,
            retry_after_ms: Some(7),
        }))
    }

    fn trap() -> Result<Started, CallError> {
        Err(CallError::Trap(Trap {
            kind: TrapKind::OutOfTime,
            message: "out of time".into(),
        }))
    }

    fn judged(outcome: Result<Started, CallError>, sent: Sent) -> (&'static str, Charge) {
        match judge(outcome, sent) {
            Ok(_) => ("started", Charge::Yes),
            Err(CallError::Node(error)) => (error.cause.kind().as_str(), error.charge),
            Err(CallError::Trap(_)) => ("trap", Charge::No),
            Err(CallError::Host(_)) => ("host", Charge::No),
        }
    }

    #[test]
    fn outcome_with_nothing_sent_is_never_charged() {
        let sent = Sent::Nothing;
        let outcome = reported(ErrorCause::OutcomeUnknown(fault()), Charge::Unknown);
        assert_eq!(judged(outcome, sent), ("not_sent", Charge::No));
        let outcome = reported(ErrorCause::Rejected(fault()), Charge::Yes);
        assert_eq!(judged(outcome, sent), ("rejected", Charge::No));
        let outcome = reported(ErrorCause::Denied("policy".into()), Charge::No);
        assert_eq!(judged(outcome, sent), ("denied", Charge::No));
        assert_eq!(judged(trap(), sent), ("trap", Charge::No));
    }

    #[test]
    fn outcome_with_a_sent_request_is_unknown_unless_the_provider_answered() {
        let sent = Sent::Something;
        let unknown = ("outcome_unknown", Charge::Unknown);
        for cause in [
            ErrorCause::NotSent("no".into()),
            ErrorCause::Denied("no".into()),
            ErrorCause::InvalidInput(Vec::new()),
            ErrorCause::ProtocolViolation("odd".into()),
            ErrorCause::Unavailable(fault()),
        ] {
            assert_eq!(judged(reported(cause, Charge::No), sent), unknown);
        }
        assert_eq!(judged(trap(), sent), unknown);
        for (cause, kind) in [
            (ErrorCause::Rejected(fault()), "rejected"),
            (ErrorCause::Throttled(fault()), "throttled"),
            (ErrorCause::Unauthorized(fault()), "unauthorized"),
        ] {
            assert_eq!(
                judged(reported(cause, Charge::No), sent),
                (kind, Charge::No)
            );
        }
    }

    #[test]
    fn acceptance_is_kept_unchanged() {
        let accepted = || {
            Ok(Started::Accepted(Acceptance {
                ticket: "{}".into(),
                provider_job_id: "1".into(),
                poll_after_ms: 0,
                cost: None,
            }))
        };
        for sent in [Sent::Nothing, Sent::Something] {
            assert_eq!(judged(accepted(), sent).0, "started");
        }
    }
}
