//! The contract's own types, as `wit/` declares them, and their names in JSON.
//!
//! They are generated from the package `zoetrope:workflow-node`, whose documentation
//! specifies each call.

pub use crate::bindings::exported::artifacts::{Artifact, Location};
pub use crate::bindings::exported::catalog::{
    ConnectionRequirement, MediaField, MediaKind, NodeType,
};
pub use crate::bindings::exported::jobs::{
    Acceptance, Adjustment, Basis, Cancellation, CheckOptions, Completion, Estimate, Failure,
    JobState, Note, Plan, Profile, Progress, ResultMedia, Stage, Started, Success,
};
pub use crate::bindings::exported::media::{Body, LocalFile, Multipart, Step, Upload};
pub use crate::bindings::types::{
    Charge, ErrorCause, NextStep, NodeError, Price, ProviderFault, Settlement, Violation,
};

use crate::error::ErrorKind;

/// The input of `poll` and `cancel`: opaque JSON without credential or address.
pub type Ticket = String;

/// The package that a component must export, without its version.
pub const PACKAGE: &str = "zoetrope:workflow-node";

/// The present version of [`PACKAGE`].
pub const VERSION: &str = "0.2.0";

/// The versions of [`PACKAGE`] that this host supports, the present one first.
pub const VERSIONS: [&str; 2] = [VERSION, "0.1.0"];

impl ErrorCause {
    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownNodeType(_) => ErrorKind::UnknownNodeType,
            Self::InvalidInput(_) => ErrorKind::InvalidInput,
            Self::Unsupported(_) => ErrorKind::Unsupported,
            Self::ConnectionUnavailable(_) => ErrorKind::ConnectionUnavailable,
            Self::ConnectionChanged(_) => ErrorKind::ConnectionChanged,
            Self::BadTicket(_) => ErrorKind::BadTicket,
            Self::Denied(_) => ErrorKind::Denied,
            Self::NotSent(_) => ErrorKind::NotSent,
            Self::Throttled(_) => ErrorKind::Throttled,
            Self::Rejected(_) => ErrorKind::Rejected,
            Self::Unauthorized(_) => ErrorKind::Unauthorized,
            Self::OutcomeUnknown(_) => ErrorKind::OutcomeUnknown,
            Self::Unavailable(_) => ErrorKind::Unavailable,
            Self::JobLost(_) => ErrorKind::JobLost,
            Self::ProtocolViolation(_) => ErrorKind::ProtocolViolation,
        }
    }

    /// The error as a sentence for people. [`violations`](Self::violations) lists each
    /// violation.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::UnknownNodeType(name) => format!("there is no node type `{name}`"),
            Self::InvalidInput(violations) => match violations.as_slice() {
                [] => "the component gives no reason".into(),
                [only] if only.instance_path.is_empty() && only.message.is_empty() => {
                    "the component gives no reason".into()
                }
                [only] if only.instance_path.is_empty() => only.message.clone(),
                [only] => format!("{}: {}", only.instance_path, only.message),
                many => format!("the input has {} violations", many.len()),
            },
            Self::Unsupported(why)
            | Self::ConnectionUnavailable(why)
            | Self::ConnectionChanged(why)
            | Self::BadTicket(why)
            | Self::Denied(why)
            | Self::NotSent(why)
            | Self::ProtocolViolation(why) => why.clone(),
            Self::Throttled(fault)
            | Self::Rejected(fault)
            | Self::Unauthorized(fault)
            | Self::OutcomeUnknown(fault)
            | Self::Unavailable(fault)
            | Self::JobLost(fault) => fault.described(),
        }
    }

    /// Where the input breaks its schema; empty for every other cause.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        match self {
            Self::InvalidInput(violations) => violations,
            _ => &[],
        }
    }

    /// The provider's own error, if it returned one.
    #[must_use]
    pub fn fault(&self) -> Option<&ProviderFault> {
        match self {
            Self::Throttled(fault)
            | Self::Rejected(fault)
            | Self::Unauthorized(fault)
            | Self::OutcomeUnknown(fault)
            | Self::Unavailable(fault)
            | Self::JobLost(fault) => Some(fault),
            _ => None,
        }
    }
}

impl ErrorCause {
    /// The provider's own error, if it returned one.
    pub(crate) fn fault_mut(&mut self) -> Option<&mut ProviderFault> {
        match self {
            Self::Throttled(fault)
            | Self::Rejected(fault)
            | Self::Unauthorized(fault)
            | Self::OutcomeUnknown(fault)
            | Self::Unavailable(fault)
            | Self::JobLost(fault) => Some(fault),
            _ => None,
        }
    }
}

/// Most characters of a provider's code that are shown.
const LONGEST_CODE: usize = 64;

impl ProviderFault {
    /// The provider's message, followed by its HTTP status, if that is an error, and its code:
    /// `the picture is too large (HTTP status 413, code image_too_large)`.
    /// [`About`](crate::catalog::About) finds both in the text again.
    #[must_use]
    pub fn described(&self) -> String {
        let status = self.status.filter(|status| *status >= 300);
        let status = status.map(|status| format!("HTTP status {status}"));
        let status = status.filter(|status| !self.begins_with(status));
        let code = self.code.as_deref().map(|code| {
            // So that a code cannot look like another detail.
            let divides =
                |letter: char| letter.is_whitespace() || matches!(letter, ',' | '(' | ')');
            let code = code.chars().take(LONGEST_CODE);
            let code = code.map(|letter| if divides(letter) { '_' } else { letter });
            format!("code {}", code.collect::<String>())
        });
        let details: Vec<_> = [status, code].into_iter().flatten().collect();
        if details.is_empty() {
            self.message.clone()
        } else {
            format!("{} ({})", self.message, details.join(", "))
        }
    }
}

impl ProviderFault {
    /// Adds a fact of the host to the message.
    pub(crate) fn add(&mut self, fact: &str) {
        self.message = format!("{}; {fact}", self.message);
    }

    /// Whether the message is this text, with facts of the host or without.
    fn begins_with(&self, text: &str) -> bool {
        let rest = self.message.strip_prefix(text);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("; "))
    }
}

impl Charge {
    /// `yes`, `no` or `unknown`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        }
    }
}

impl NextStep {
    /// The step's name in `snake_case`: `retry_same_key`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FixInput => "fix_input",
            Self::FixConnection => "fix_connection",
            Self::Retry => "retry",
            Self::RetrySameKey => "retry_same_key",
            Self::PollAgain => "poll_again",
            Self::AskProvider => "ask_provider",
            Self::Stop => "stop",
        }
    }
}

impl Stage {
    /// `queued`, `running` or `unrecognized`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Unrecognized => "unrecognized",
        }
    }
}

impl Adjustment {
    /// `defaulted`, `coerced`, `dropped`, `not_forwarded` or `advice`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Defaulted => "defaulted",
            Self::Coerced => "coerced",
            Self::Dropped => "dropped",
            Self::NotForwarded => "not_forwarded",
            Self::Advice => "advice",
        }
    }
}

impl Basis {
    /// `per_run` or `per_second_of_video`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PerRun => "per_run",
            Self::PerSecondOfVideo => "per_second_of_video",
        }
    }
}

impl MediaKind {
    /// `image` or `video`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
        }
    }
}
