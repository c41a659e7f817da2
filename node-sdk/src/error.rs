//! Constructors of the contract's errors, with the charge and next step of each.

use crate::bindings::{Charge, ErrorCause, NextStep, NodeError, ProviderFault, Violation};

impl NodeError {
    fn new(cause: ErrorCause, charge: Charge, next: NextStep) -> Self {
        Self {
            cause,
            charge,
            next,
            retry_after_ms: None,
        }
    }

    /// No node type of this name.
    #[must_use]
    pub fn unknown_node_type(name: &str) -> Self {
        Self::new(
            ErrorCause::UnknownNodeType(name.into()),
            Charge::No,
            NextStep::Stop,
        )
    }

    /// The input breaks its schema.
    #[must_use]
    pub fn invalid_input(violations: Vec<Violation>) -> Self {
        Self::new(
            ErrorCause::InvalidInput(violations),
            Charge::No,
            NextStep::FixInput,
        )
    }

    /// The node does not support the call.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::new(
            ErrorCause::Unsupported(what.into()),
            Charge::No,
            NextStep::FixInput,
        )
    }

    /// No connection, or one that cannot be used.
    pub fn connection_unavailable(why: impl Into<String>) -> Self {
        let cause = ErrorCause::ConnectionUnavailable(why.into());
        Self::new(cause, Charge::No, NextStep::FixConnection)
    }

    /// The ticket is for another connection, where its job continues.
    pub fn connection_changed(why: impl Into<String>) -> Self {
        let cause = ErrorCause::ConnectionChanged(why.into());
        Self::new(cause, Charge::Unknown, NextStep::FixConnection)
    }

    /// Not a ticket that this component can read.
    pub fn bad_ticket(why: impl Into<String>) -> Self {
        Self::new(
            ErrorCause::BadTicket(why.into()),
            Charge::Unknown,
            NextStep::Stop,
        )
    }

    /// The host refused to send a request.
    pub fn denied(why: impl Into<String>, charge: Charge) -> Self {
        Self::new(
            ErrorCause::Denied(why.into()),
            charge,
            NextStep::FixConnection,
        )
    }

    /// A submit that was not sent.
    pub fn not_sent(why: impl Into<String>) -> Self {
        Self::new(ErrorCause::NotSent(why.into()), Charge::No, NextStep::Retry)
    }

    /// A reply to a read that breaks the provider's protocol.
    pub fn protocol_violation(expected: impl Into<String>) -> Self {
        let cause = ErrorCause::ProtocolViolation(expected.into());
        Self::new(cause, Charge::Unknown, NextStep::PollAgain)
    }

    /// The provider limited the rate of requests; nothing was done.
    #[must_use]
    pub fn throttled(fault: ProviderFault, charge: Charge, next: NextStep) -> Self {
        Self::new(ErrorCause::Throttled(fault), charge, next)
    }

    /// The provider refused.
    #[must_use]
    pub fn rejected(fault: ProviderFault, charge: Charge, next: NextStep) -> Self {
        Self::new(ErrorCause::Rejected(fault), charge, next)
    }

    /// The provider refused the credential.
    #[must_use]
    pub fn unauthorized(fault: ProviderFault, charge: Charge) -> Self {
        Self::new(
            ErrorCause::Unauthorized(fault),
            charge,
            NextStep::FixConnection,
        )
    }

    /// A submit that may or may not have been accepted.
    #[must_use]
    pub fn outcome_unknown(fault: ProviderFault) -> Self {
        let cause = ErrorCause::OutcomeUnknown(fault);
        Self::new(cause, Charge::Unknown, NextStep::RetrySameKey)
    }

    /// A read that failed temporarily.
    #[must_use]
    pub fn unavailable(fault: ProviderFault) -> Self {
        Self::new(
            ErrorCause::Unavailable(fault),
            Charge::Unknown,
            NextStep::PollAgain,
        )
    }

    /// The provider does not have the job.
    #[must_use]
    pub fn job_lost(fault: ProviderFault) -> Self {
        Self::new(
            ErrorCause::JobLost(fault),
            Charge::Unknown,
            NextStep::AskProvider,
        )
    }

    /// With the delay from the reply.
    #[must_use]
    pub fn after(mut self, retry_after_ms: Option<u64>) -> Self {
        self.retry_after_ms = retry_after_ms;
        self
    }
}

impl ProviderFault {
    /// A fault without a code of the provider.
    pub fn new(status: Option<u16>, message: impl Into<String>) -> Self {
        Self {
            status,
            code: None,
            message: message.into(),
        }
    }
}
