//! Tracks the one request of a call that can cost money: whether it may be sent, whether bytes of
//! it were sent, and the status of its reply.
//!
//! A component can be wrong, be stopped between request and reply, or lie. The broker records
//! such a request before its first byte is passed to a connection.
//! [`judge`](crate::component::judge) gives this record precedence over the component's answer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::{Denial, EgressError, NotSent, ReplyLost};
use crate::contract::{ErrorCause, NodeError};
use crate::error::chain;

/// Whether bytes of a request that can cost money were sent during a call.
/// Requests that change nothing by HTTP's own rules (`GET`, `HEAD`, …) do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// None were sent.
    Nothing,
    /// Some or all may have been sent, and may have arrived; no header of a reply came.
    Unanswered,
    /// They were sent, and the header of a reply came.
    Answered(SubmitReply),
}

/// The header of the reply to a request that can cost money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubmitReply {
    /// HTTP status.
    pub status: u16,
    /// Whether the reply has the header `Retry-After`.
    pub retry_after: bool,
}

/// The record of one call.
#[derive(Debug, Default)]
pub(crate) struct Transmission {
    submit: Mutex<Submit>,
    refused_change: Mutex<Option<String>>,
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
struct Submit {
    claimed: bool,
    left: bool,
    closed: bool,
    reply: Option<SubmitReply>,
}

impl Transmission {
    /// Gives the caller the call's one request that can cost money, or denies it: to every caller
    /// after the first, and after [`close`](Self::close). It is not given back: what becomes of a
    /// claimed request is not always known.
    pub(crate) fn claim(&self) -> Result<(), NotSent> {
        let mut submit = self.submit();
        if submit.closed {
            return Err(NotSent::denied(Denial::CallEnded));
        }
        if std::mem::replace(&mut submit.claimed, true) {
            return Err(NotSent::denied(Denial::SecondSubmit));
        }
        Ok(())
    }

    /// Whether the one request is claimed.
    pub(crate) fn is_claimed(&self) -> bool {
        self.submit().claimed
    }

    /// Records that the first byte of a request that can cost money is about to be sent, or denies
    /// it after [`close`](Self::close): a request that a component began and did not wait for may
    /// not have reached a connection yet.
    pub(crate) fn leave(&self) -> Result<(), NotSent> {
        let mut submit = self.submit();
        if submit.closed {
            return Err(NotSent::denied(Denial::CallEnded));
        }
        submit.left = true;
        Ok(())
    }

    /// Takes back that bytes were sent: they were the header of a request whose body was withheld,
    /// which no provider can carry out. The claim stays. After [`close`](Self::close) the record
    /// does not change.
    pub(crate) fn take_back(&self) {
        let mut submit = self.submit();
        if !submit.closed {
            submit.left = false;
        }
    }

    /// Whether bytes of a request that can cost money may have been sent.
    pub(crate) fn has_left(&self) -> bool {
        self.submit().left
    }

    /// Records the header of the reply to the claimed request.
    pub(crate) fn note_reply(&self, reply: SubmitReply) {
        self.submit().reply = Some(reply);
    }

    /// What was sent. Nothing more is sent after it.
    pub(crate) fn close(&self) -> Sent {
        let mut submit = self.submit();
        submit.closed = true;
        match (submit.left, submit.reply) {
            (false, _) => Sent::Nothing,
            (true, None) => Sent::Unanswered,
            (true, Some(reply)) => Sent::Answered(reply),
        }
    }

    fn submit(&self) -> MutexGuard<'_, Submit> {
        self.submit.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Records that the policy denied a request that changes something; the first one counts.
    pub(crate) fn note_refused_change(&self, error: &EgressError) {
        let EgressError::NotSent(NotSent::Denied(denial)) = error else {
            return;
        };
        if matches!(
            denial,
            Denial::SecondSubmit | Denial::CallEnded | Denial::HeldBack
        ) {
            return;
        }
        let mut refused = self
            .refused_change
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        refused.get_or_insert_with(|| chain(error));
    }

    /// Why the policy denied a request that changes something, if it did.
    pub(crate) fn refused_change(&self) -> Option<String> {
        let refused = self
            .refused_change
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        refused.clone()
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
    fn one_request_is_claimed_and_none_is_sent_after_the_end() {
        let transmission = Transmission::default();
        assert!(transmission.claim().is_ok());
        assert!(transmission.claim().is_err(), "claimed, though not sent");
        assert!(transmission.leave().is_ok());
        let reply = SubmitReply {
            status: 202,
            retry_after: false,
        };
        transmission.note_reply(reply);
        assert!(transmission.claim().is_err());
        assert_eq!(transmission.close(), Sent::Answered(reply));
        assert!(transmission.leave().is_err());
        let transmission = Transmission::default();
        assert!(transmission.claim().is_ok());
        assert_eq!(transmission.close(), Sent::Nothing);
        assert!(transmission.leave().is_err() && transmission.claim().is_err());
    }

    #[test]
    fn request_without_its_body_counts_as_not_sent_and_can_leave_again() {
        let transmission = Transmission::default();
        assert!(transmission.claim().is_ok() && transmission.leave().is_ok());
        transmission.take_back();
        assert!(!transmission.has_left());
        assert!(transmission.claim().is_err(), "it is the same submit");
        assert!(transmission.leave().is_ok());
        assert_eq!(transmission.close(), Sent::Unanswered);
        transmission.take_back();
        assert_eq!(transmission.close(), Sent::Unanswered);
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
