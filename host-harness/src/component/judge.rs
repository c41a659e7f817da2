//! The outcome of a `start`: the component's answer, corrected by what the host sent and by the
//! status of the reply that the host saw.

use super::error::CallError;
use crate::contract::{Charge, ErrorCause, NextStep, NodeError, ProviderFault, Started};
use crate::egress::{Sent, SubmitReply};
use crate::policy::Permissions;

/// Which refusals of a submit are believed where the status of the reply says nothing of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusals {
    /// All: the pack is bundled with the program, and its providers refuse in replies of 2xx.
    Believed,
    /// Those after 2xx, of a pack with the grant `refusals_in_2xx`: the submit is not repeated, and
    /// the charge is unknown.
    Granted,
    /// None: the outcome is unknown.
    NotBelieved,
}

impl Refusals {
    /// Those of a pack with these permissions.
    #[must_use]
    pub fn of(permissions: &Permissions) -> Self {
        if permissions.is_trusted() {
            Self::Believed
        } else if permissions.refusals_in_2xx() {
            Self::Granted
        } else {
            Self::NotBelieved
        }
    }
}

/// Corrects the component's outcome of a `start` by the host's record of what was sent and
/// answered.
///
/// - [`Sent::Nothing`]: every error has the charge `no`. An unknown outcome becomes
///   `not-sent`. A trap stays a trap.
/// - [`Sent::Unanswered`]: every error becomes `outcome-unknown` with the charge `unknown`.
/// - [`Sent::Answered`]: `throttled`, `rejected` and `unauthorized` are kept, with the charge
///   `no`, only if the status says the same: `throttled` after 429, and after 503 with
///   `Retry-After`; the others after 4xx without 408, whose request arrived in part. A `throttled`
///   after another 4xx is a `rejected`. What becomes of a refusal after another status is in
///   [`Refusals`]. Every other error becomes `outcome-unknown`.
///
/// An acceptance is always kept: its ticket leads to a job that may be paid for.
///
/// # Errors
///
/// [`CallError::Node`] with the outcome; [`CallError::Trap`] and [`CallError::Host`] only
/// where nothing was sent.
pub fn judge(
    outcome: Result<Started, CallError>,
    sent: Sent,
    refusals: Refusals,
) -> Result<Started, CallError> {
    let error = match outcome {
        Ok(started) => return Ok(started),
        Err(error) => error,
    };
    Err(match (sent, error) {
        (Sent::Nothing, CallError::Node(error)) => CallError::Node(with_nothing_sent(error)),
        (Sent::Nothing, error) => error,
        (Sent::Unanswered, CallError::Node(error)) => CallError::Node(without_a_reply(error)),
        (Sent::Answered(reply), CallError::Node(error)) => {
            CallError::Node(after_a_reply(error, reply, refusals))
        }
        (_, CallError::Trap(trap)) => CallError::Node(unknown(format!(
            "the component was stopped after its request was sent: {trap}"
        ))),
        (_, CallError::Host(fault)) => CallError::Node(unknown(format!(
            "the host failed after the request was sent: {fault}"
        ))),
    })
}

/// Whether the component reports a refusal after a reply with a status of 2xx.
pub(super) fn is_refusal_in_2xx(outcome: &Result<Started, CallError>, sent: Sent) -> bool {
    let Sent::Answered(reply) = sent else {
        return false;
    };
    let Err(CallError::Node(error)) = outcome else {
        return false;
    };
    Meaning::of(reply) == Meaning::Accepted
        && matches!(
            error.cause,
            ErrorCause::Throttled(_) | ErrorCause::Rejected(_) | ErrorCause::Unauthorized(_)
        )
}

/// An unknown outcome with the advice at the end of its message.
pub(super) fn with_advice(mut error: CallError, advice: &str) -> CallError {
    if let CallError::Node(NodeError {
        cause: ErrorCause::OutcomeUnknown(fault),
        ..
    }) = &mut error
    {
        fault.message = format!("{}; {advice}", fault.message);
    }
    error
}

fn with_nothing_sent(mut error: NodeError) -> NodeError {
    error.charge = Charge::No;
    if let ErrorCause::OutcomeUnknown(fault) = error.cause {
        error.cause = ErrorCause::NotSent(fault.message);
        error.next = NextStep::Retry;
    }
    error
}

fn without_a_reply(error: NodeError) -> NodeError {
    match error.cause {
        ErrorCause::OutcomeUnknown(_) => uncharged(error),
        cause => unlike("a request was sent and no reply came", &cause),
    }
}

/// What the status of a reply to a submit means.
#[derive(Clone, Copy, PartialEq)]
enum Meaning {
    /// The provider put the request off.
    PutOff,
    /// The provider refused it.
    Refused,
    /// A redirect, which leads elsewhere and is not followed.
    Redirected,
    /// The provider accepted it, or says so in the body.
    Accepted,
    /// Nothing about the request.
    Nothing,
}

impl Meaning {
    fn of(reply: SubmitReply) -> Self {
        match reply.status {
            200..=299 => Self::Accepted,
            // 303 follows a request that was carried out.
            300..=302 | 304..=399 => Self::Redirected,
            429 => Self::PutOff,
            503 if reply.retry_after => Self::PutOff,
            400..=407 | 409..=499 => Self::Refused,
            _ => Self::Nothing,
        }
    }
}

fn after_a_reply(mut error: NodeError, reply: SubmitReply, refusals: Refusals) -> NodeError {
    let (is_throttled, is_refusal) = match &error.cause {
        ErrorCause::Throttled(_) => (true, true),
        ErrorCause::Rejected(_) | ErrorCause::Unauthorized(_) => (false, true),
        ErrorCause::OutcomeUnknown(_) => return uncharged(error),
        _ => (false, false),
    };
    let answered = format!("the provider answered with the status {}", reply.status);
    if !is_refusal {
        return unlike(&answered, &error.cause);
    }
    match (Meaning::of(reply), refusals) {
        (Meaning::Refused, _) if is_throttled => {
            error = rejected(error);
            error.charge = Charge::No;
            note_payment_required(&mut error, reply);
        }
        (Meaning::PutOff | Meaning::Refused, _) => {
            error.charge = Charge::No;
            note_payment_required(&mut error, reply);
        }
        (Meaning::Redirected | Meaning::Accepted, Refusals::Believed) => {}
        (Meaning::Accepted, Refusals::Granted) => {
            error = rejected(error);
            error.charge = Charge::Unknown;
        }
        _ => return unlike(&answered, &error.cause),
    }
    error
}

/// Names the status 402, with which a provider refuses the account, whatever the component says.
fn note_payment_required(error: &mut NodeError, reply: SubmitReply) {
    if let Some(fault) = error.cause.fault_mut()
        && reply.status == 402
    {
        fault.status = Some(reply.status);
    }
}

/// A refusal that is not repeated.
fn rejected(mut error: NodeError) -> NodeError {
    if let ErrorCause::Throttled(fault) | ErrorCause::Unauthorized(fault) = error.cause {
        error.cause = ErrorCause::Rejected(fault);
        error.next = NextStep::Stop;
        error.retry_after_ms = None;
    }
    error
}

/// An unknown outcome, whatever the component says of the charge.
fn uncharged(mut error: NodeError) -> NodeError {
    error.charge = Charge::Unknown;
    error
}

fn unlike(seen: &str, cause: &ErrorCause) -> NodeError {
    unknown(format!(
        "{seen}, but the component reported `{}`: {}",
        cause.kind(),
        cause.message()
    ))
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
        judged_of(outcome, sent, Refusals::NotBelieved)
    }

    fn judged_of(
        outcome: Result<Started, CallError>,
        sent: Sent,
        refusals: Refusals,
    ) -> (&'static str, Charge) {
        match judge(outcome, sent, refusals) {
            Ok(_) => ("started", Charge::Yes),
            Err(CallError::Node(error)) => (error.cause.kind().as_str(), error.charge),
            Err(CallError::Trap(_)) => ("trap", Charge::No),
            Err(CallError::Host(_)) => ("host", Charge::No),
        }
    }

    fn answered(status: u16) -> Sent {
        Sent::Answered(SubmitReply {
            status,
            retry_after: false,
        })
    }

    fn refusals() -> [(ErrorCause, &'static str); 3] {
        [
            (ErrorCause::Rejected(fault()), "rejected"),
            (ErrorCause::Throttled(fault()), "throttled"),
            (ErrorCause::Unauthorized(fault()), "unauthorized"),
        ]
    }

    const UNKNOWN: (&str, Charge) = ("outcome_unknown", Charge::Unknown);

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
    fn error_that_denies_the_sent_request_is_an_unknown_outcome_after_any_status() {
        let statuses = (200..600).map(answered);
        for sent in statuses.chain([Sent::Unanswered]) {
            for cause in [
                ErrorCause::NotSent("no".into()),
                ErrorCause::Denied("no".into()),
                ErrorCause::InvalidInput(Vec::new()),
                ErrorCause::ProtocolViolation("odd".into()),
                ErrorCause::Unavailable(fault()),
                ErrorCause::OutcomeUnknown(fault()),
            ] {
                let cause = || reported(cause.clone(), Charge::No);
                for refusals in [Refusals::Believed, Refusals::Granted, Refusals::NotBelieved] {
                    assert_eq!(judged_of(cause(), sent, refusals), UNKNOWN, "{sent:?}");
                }
            }
            assert_eq!(judged(trap(), sent), UNKNOWN);
        }
    }

    #[test]
    fn refusal_without_a_reply_is_an_unknown_outcome_for_every_pack() {
        for (cause, _) in refusals() {
            for believed in [Refusals::Believed, Refusals::Granted, Refusals::NotBelieved] {
                let outcome = reported(cause.clone(), Charge::No);
                assert_eq!(judged_of(outcome, Sent::Unanswered, believed), UNKNOWN);
            }
        }
    }

    #[test]
    fn refusal_is_believed_if_the_status_says_the_same() {
        for status in 200..600 {
            for (cause, kind) in refusals() {
                let outcome = reported(cause, Charge::Yes);
                let expected = match status {
                    429 => (kind, Charge::No),
                    400..=407 | 409..=499 if kind == "throttled" => ("rejected", Charge::No),
                    400..=407 | 409..=499 => (kind, Charge::No),
                    _ => UNKNOWN,
                };
                assert_eq!(
                    judged(outcome, answered(status)),
                    expected,
                    "{kind} {status}"
                );
            }
        }
        let put_off = Sent::Answered(SubmitReply {
            status: 503,
            retry_after: true,
        });
        let throttled = reported(ErrorCause::Throttled(fault()), Charge::Unknown);
        assert_eq!(judged(throttled, put_off), ("throttled", Charge::No));
    }

    #[test]
    fn payment_required_is_named_whatever_the_component_says() {
        for (status, expected) in [(402, Some(402)), (400, None)] {
            for (cause, _) in refusals() {
                let outcome = reported(cause, Charge::No);
                let judged = judge(outcome, answered(status), Refusals::NotBelieved);
                let Err(CallError::Node(error)) = judged else {
                    panic!("no error of the component");
                };
                let named = error.cause.fault().and_then(|fault| fault.status);
                assert_eq!(named, expected);
            }
        }
    }

    #[test]
    fn refusal_in_2xx_is_believed_of_the_bundled_pack_and_never_repeated_of_a_granted_one() {
        for (cause, kind) in refusals() {
            let outcome = || reported(cause.clone(), Charge::No);
            let believed = judged_of(outcome(), answered(200), Refusals::Believed);
            assert_eq!(believed, (kind, Charge::No));
            let granted = judged_of(outcome(), answered(200), Refusals::Granted);
            assert_eq!(granted, ("rejected", Charge::Unknown));
            assert_eq!(judged(outcome(), answered(200)), UNKNOWN);
            for status in [303, 408, 500, 503] {
                let believed = judged_of(outcome(), answered(status), Refusals::Believed);
                assert_eq!(believed, UNKNOWN, "{status}");
            }
        }
    }

    #[test]
    fn unbelieved_refusal_in_2xx_is_followed_by_the_missing_line() {
        let missing = "under [packs.0] in zoetrope.toml: refusals_in_2xx = true";
        for (cause, _) in refusals() {
            let outcome = reported(cause.clone(), Charge::No);
            assert!(is_refusal_in_2xx(&outcome, answered(202)));
            assert!(!is_refusal_in_2xx(&outcome, answered(500)));
            assert!(!is_refusal_in_2xx(&outcome, Sent::Unanswered));
            let judged = judge(outcome, answered(202), Refusals::NotBelieved);
            let error = with_advice(judged.map(drop).expect_err("an error"), missing);
            assert!(error.to_string().ends_with(&format!("; {missing}")));
        }
        let other = reported(ErrorCause::NotSent("no".into()), Charge::No);
        assert!(!is_refusal_in_2xx(&other, answered(202)));
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
        for sent in [
            Sent::Nothing,
            Sent::Unanswered,
            answered(202),
            answered(429),
        ] {
            assert_eq!(judged(accepted(), sent).0, "started");
        }
    }
}
