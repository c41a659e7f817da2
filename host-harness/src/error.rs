//! The kinds of errors, and an error's text with its causes.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// The kind of a failure, as rows, JSON and exit codes name it; `docs/reference/exit-codes.md` explains
/// each.
///
/// # Example
///
/// ```
/// use zoetrope_host::error::ErrorKind;
///
/// assert_eq!(ErrorKind::OutcomeUnknown.as_str(), "outcome_unknown");
/// assert_eq!("outcome_unknown".parse(), Ok(ErrorKind::OutcomeUnknown));
/// assert!("no_such_kind".parse::<ErrorKind>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A fault of this program.
    Internal,
    /// The component trapped, or was stopped at a limit.
    ComponentTrap,
    /// The ledger cannot be used.
    LedgerUnavailable,
    /// The command line is wrong.
    Usage,
    /// The configuration cannot be read.
    BadConfig,
    /// The file is not a component that this host can run.
    BadComponent,
    /// The component has no such node type.
    UnknownNodeType,
    /// The component cannot read the ticket.
    BadTicket,
    /// The idempotency key belongs to a job with another input.
    KeyConflict,
    /// The input does not satisfy the node's schema.
    InvalidInput,
    /// The node or its provider cannot do this.
    Unsupported,
    /// No usable connection.
    ConnectionUnavailable,
    /// The connection leads to another provider than when the job was made.
    ConnectionChanged,
    /// The provider refused the credential.
    Unauthorized,
    /// The request was not sent.
    NotSent,
    /// The host's policy refused the request or the component.
    Denied,
    /// The run may cost more than the user allows, or its cost has no known upper bound.
    OverMaxCost,
    /// The provider asked to slow down.
    Throttled,
    /// The provider refused the request.
    Rejected,
    /// The provider refused every request of the account: no credit, a used quota, a suspension.
    AccountRefused,
    /// The job failed at the provider.
    Failed,
    /// The job was cancelled.
    Cancelled,
    /// The provider does not find the job.
    JobLost,
    /// The provider reports success without a result.
    NoResult,
    /// The provider never had the job.
    NeverStarted,
    /// The job had ended before it could be cancelled.
    TooLate,
    /// It is unknown whether the provider accepted the job.
    OutcomeUnknown,
    /// The deadline passed.
    Deadline,
    /// The command, or the process that waited for the job, ended before the job.
    Interrupted,
    /// The provider did not answer, or answered with a server error.
    Unavailable,
    /// The result was not downloaded.
    DownloadFailed,
    /// The provider's reply cannot be read.
    ProtocolViolation,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 32] = [
        Self::Internal,
        Self::ComponentTrap,
        Self::LedgerUnavailable,
        Self::Usage,
        Self::BadConfig,
        Self::BadComponent,
        Self::UnknownNodeType,
        Self::BadTicket,
        Self::KeyConflict,
        Self::InvalidInput,
        Self::Unsupported,
        Self::ConnectionUnavailable,
        Self::ConnectionChanged,
        Self::Unauthorized,
        Self::NotSent,
        Self::Denied,
        Self::OverMaxCost,
        Self::Throttled,
        Self::Rejected,
        Self::AccountRefused,
        Self::Failed,
        Self::Cancelled,
        Self::JobLost,
        Self::NoResult,
        Self::NeverStarted,
        Self::TooLate,
        Self::OutcomeUnknown,
        Self::Deadline,
        Self::Interrupted,
        Self::Unavailable,
        Self::DownloadFailed,
        Self::ProtocolViolation,
    ];

    /// The kind's name in `snake_case`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::ComponentTrap => "component_trap",
            Self::LedgerUnavailable => "ledger_unavailable",
            Self::Usage => "usage",
            Self::BadConfig => "bad_config",
            Self::BadComponent => "bad_component",
            Self::UnknownNodeType => "unknown_node_type",
            Self::BadTicket => "bad_ticket",
            Self::KeyConflict => "key_conflict",
            Self::InvalidInput => "invalid_input",
            Self::Unsupported => "unsupported",
            Self::ConnectionUnavailable => "connection_unavailable",
            Self::ConnectionChanged => "connection_changed",
            Self::Unauthorized => "unauthorized",
            Self::NotSent => "not_sent",
            Self::Denied => "denied",
            Self::OverMaxCost => "over_max_cost",
            Self::Throttled => "throttled",
            Self::Rejected => "rejected",
            Self::AccountRefused => "account_refused",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::JobLost => "job_lost",
            Self::NoResult => "no_result",
            Self::NeverStarted => "never_started",
            Self::TooLate => "too_late",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Deadline => "deadline",
            Self::Interrupted => "interrupted",
            Self::Unavailable => "unavailable",
            Self::DownloadFailed => "download_failed",
            Self::ProtocolViolation => "protocol_violation",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is not the name of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the name of an error kind")]
pub struct NoErrorKind;

impl FromStr for ErrorKind {
    type Err = NoErrorKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or(NoErrorKind)
    }
}

/// An error and its causes, joined by colons. A cause is left out if the text before it ends
/// with it already.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the file cannot be read")]
    struct Unreadable(#[source] io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("no key: {0}")]
    struct NoKey(#[source] Unreadable);

    #[test]
    fn error_kinds_round_trip_through_text() {
        for kind in ErrorKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!("other".parse::<ErrorKind>(), Err(NoErrorKind));
    }

    #[test]
    fn chain_names_each_cause_once() {
        let inner = Unreadable(io::Error::other("disk full"));
        assert_eq!(chain(&inner), "the file cannot be read: disk full");
        let outer = NoKey(inner);
        assert_eq!(chain(&outer), "no key: the file cannot be read: disk full");
    }
}
