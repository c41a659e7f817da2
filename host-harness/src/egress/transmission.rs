//! Tracks whether request bytes were sent, and overrides the component's outcome when they
//! disagree.
//!
//! A component can be wrong, be stopped between request and reply, or lie. The broker records
//! a request that can cost money before its first byte is passed to a connection.
//! [`judge`](crate::component::judge) gives this record precedence.

use std::sync::{Mutex, PoisonError};

use super::error::{Denial, EgressError, NotSent, ReplyLost};
use crate::contract::{ErrorCause, NodeError};
use crate::error::chain;

/// Whether bytes of a request that can cost money were sent during a call.
/// Requests that change nothing by HTTP's own rules (`GET`, `HEAD`, …) do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// None were sent.
    Nothing,
    /// Some or all may have been sent, and may have arrived.
    Something,
}

/// The record of one call.
#[derive(Debug, Default)]
pub(crate) struct Transmission {
    submits: Mutex<Submits>,
    reason: Mutex<Option<Reason>>,
    too_large: Mutex<Option<u64>>,
}

#[derive(Debug)]
struct Reason {
    text: String,
    /// Whether the same request would get no better reply.
    is_lasting: bool,
}

#[derive(Debug, Default)]
struct Submits {
    any: bool,
    closed: bool,
}

impl Transmission {
    /// Records that a request which can cost money is about to be sent, or denies it: a
    /// second one if `only_one` is set, and any after [`close`](Self::close).
    pub(crate) fn note_submit(&self, only_one: bool) -> Result<(), NotSent> {
        let mut submits = self.submits.lock().unwrap_or_else(PoisonError::into_inner);
        if submits.closed {
            return Err(NotSent::denied(Denial::CallEnded));
        }
        if only_one && submits.any {
            return Err(NotSent::denied(Denial::SecondSubmit));
        }
        submits.any = true;
        Ok(())
    }

    pub(crate) fn has_submitted(&self) -> bool {
        let submits = self.submits.lock().unwrap_or_else(PoisonError::into_inner);
        submits.any
    }

    /// Whether something was sent. Later submits are denied: a request that a component began
    /// and did not wait for may not have reached a connection yet.
    pub(crate) fn close(&self) -> Sent {
        let mut submits = self.submits.lock().unwrap_or_else(PoisonError::into_inner);
        submits.closed = true;
        if submits.any {
            Sent::Something
        } else {
            Sent::Nothing
        }
    }

    /// Records why a request has no reply, in a text that the component does not get.
    pub(crate) fn note_reason(&self, error: &EgressError) {
        let reason = Reason {
            text: chain(error),
            is_lasting: matches!(
                error,
                EgressError::ReplyLost(
                    ReplyLost::HeaderTooLong { .. }
                        | ReplyLost::BodyTooLong { .. }
                        | ReplyLost::ClipTooLong { .. }
                        | ReplyLost::Encoded { .. }
                )
            ),
        };
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// Records the length of a body that was answered 413.
    pub(crate) fn note_too_large(&self, length: u64) {
        let mut too_large = self
            .too_large
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *too_large = Some(length);
    }

    /// The length of the last body that was answered 413.
    pub(crate) fn too_large(&self) -> Option<u64> {
        let too_large = self
            .too_large
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *too_large
    }

    /// Replaces the component's message, made from an error code, by the host's reason. A reply
    /// that will be as unreadable the next time breaks the protocol.
    pub(crate) fn explain(&self, error: &mut NodeError) {
        let reason = self
            .reason
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(Reason { text, is_lasting }) = reason else {
            return;
        };
        match &mut error.cause {
            ErrorCause::Unavailable(fault) if is_lasting && fault.status.is_none() => {
                error.cause = ErrorCause::ProtocolViolation(text);
            }
            ErrorCause::Denied(why) | ErrorCause::NotSent(why) => *why = text,
            ErrorCause::OutcomeUnknown(fault) | ErrorCause::Unavailable(fault)
                if fault.status.is_none() =>
            {
                fault.message = text;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Charge, NextStep};

    #[test]
    fn submit_after_close_is_denied() {
        let transmission = Transmission::default();
        assert!(transmission.note_submit(true).is_ok());
        assert!(transmission.note_submit(false).is_ok());
        assert!(transmission.note_submit(true).is_err());
        assert_eq!(transmission.close(), Sent::Something);
        assert!(transmission.note_submit(false).is_err());
        let transmission = Transmission::default();
        assert_eq!(transmission.close(), Sent::Nothing);
        assert!(transmission.note_submit(true).is_err());
    }

    #[test]
    fn reason_of_the_host_replaces_the_components_message() {
        let transmission = Transmission::default();
        let unresolved = NotSent::Resolve {
            host: "api.example.com".into(),
            source: std::io::ErrorKind::NotFound.into(),
        };
        transmission.note_reason(&unresolved.into());
        let mut error = NodeError {
            cause: ErrorCause::NotSent("no connection".into()),
            charge: Charge::No,
            next: NextStep::Retry,
            retry_after_ms: None,
        };
        transmission.explain(&mut error);
        assert!(matches!(&error.cause, ErrorCause::NotSent(why)
            if why.starts_with("`api.example.com` could not be resolved")));
    }
}
