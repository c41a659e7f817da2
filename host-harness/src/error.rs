//! What all errors have in common: their kinds, and how one is shown with its causes.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// The kind of a failure, as rows, JSON and exit codes name it; `docs/reference/exit-codes.md` explains
/// each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A fault of this program.
    Internal,
    /// The component was stopped.
    ComponentTrap,
    /// The ledger cannot be used.
    LedgerUnavailable,
    /// The command line is wrong.
    Usage,
    /// The configuration cannot be read.
    BadConfig,
    /// The file is no component that this host can run.
    BadComponent,
    /// The component has no such node type.
    UnknownNodeType,
    /// The component cannot read the ticket.
    BadTicket,
    /// Another input has the idempotency key.
    KeyConflict,
    /// The input breaks the node's schema.
    InvalidInput,
    /// The node or its provider cannot do this.
    Unsupported,
    /// No usable connection.
    ConnectionUnavailable,
    /// The connection leads elsewhere than when the job was made.
    ConnectionChanged,
    /// The provider refused the credential.
    Unauthorized,
    /// The request did not leave.
    NotSent,
    /// The host's policy refused it.
    Denied,
    /// The provider asked to slow down.
    Throttled,
    /// The provider refused the request.
    Rejected,
    /// The provider gave up on the job.
    Failed,
    /// The job was cancelled.
    Cancelled,
    /// The provider does not know the job.
    JobLost,
    /// The provider never had the job.
    NeverStarted,
    /// The job had ended before it could be cancelled.
    TooLate,
    /// It is unknown whether the provider accepted the job.
    OutcomeUnknown,
    /// The deadline passed.
    Deadline,
    /// Interrupted before the job ended.
    Interrupted,
    /// The provider does not answer, or not usefully.
    Unavailable,
    /// The result is not on the disk.
    DownloadFailed,
    /// The provider's reply cannot be read.
    ProtocolViolation,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 29] = [
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
        Self::Throttled,
        Self::Rejected,
        Self::Failed,
        Self::Cancelled,
        Self::JobLost,
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
            Self::Throttled => "throttled",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::JobLost => "job_lost",
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

/// Not the name of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no kind of error")]
pub struct NoErrorKind;

impl FromStr for ErrorKind {
    type Err = NoErrorKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or(NoErrorKind)
    }
}

/// An error and its causes, as one sentence. A cause whose text the error above it ends
/// with already is not repeated.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !words.ends_with(&said) {
            words = format!("{words}: {said}");
        }
        cause = error.source();
    }
    words
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
    fn every_kind_is_read_as_it_is_written() {
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
