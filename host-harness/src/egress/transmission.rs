//! What really left, as the host saw it.
//!
//! A component can be wrong, be stopped between request and reply, or lie. The broker
//! notes the moment before the first byte of a request that can cost money is handed to
//! a connection; [`judge`](crate::component::judge) believes that note over everything else.

use std::sync::{Mutex, PoisonError};

use super::error::{Denial, NotSent};
use crate::contract::{ErrorCause, NodeError};

/// Whether bytes of a request that can cost money left this machine during a call.
/// Requests that change nothing by HTTP's own rules (`GET`, `HEAD`, …) do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Certainly none.
    Nothing,
    /// Some, or all; they may have arrived.
    Something,
}

/// One call's notes.
#[derive(Debug, Default)]
pub(crate) struct Transmission {
    submits: Mutex<Submits>,
    reason: Mutex<Option<String>>,
}

#[derive(Debug, Default)]
struct Submits {
    any: bool,
    closed: bool,
}

impl Transmission {
    /// Notes that a request which can cost money is about to leave, or refuses it: a
    /// second one where there may be `only_one`, any once the testimony is given.
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

    /// What left. Nothing leaves afterwards: a request that a component began and did
    /// not wait for may still be on its way to its connection.
    pub(crate) fn close(&self) -> Sent {
        let mut submits = self.submits.lock().unwrap_or_else(PoisonError::into_inner);
        submits.closed = true;
        if submits.any {
            Sent::Something
        } else {
            Sent::Nothing
        }
    }

    /// Notes why a request has no reply, in words that the component does not get.
    pub(crate) fn note_reason(&self, words: String) {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
    }

    /// Puts the host's words where the component only had an error code.
    pub(crate) fn explain(&self, error: &mut NodeError) {
        let reason = self
            .reason
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(reason) = reason else { return };
        match &mut error.cause {
            ErrorCause::Denied(why) | ErrorCause::NotSent(why) => *why = reason,
            ErrorCause::OutcomeUnknown(fault) | ErrorCause::Unavailable(fault)
                if fault.status.is_none() =>
            {
                fault.message = reason;
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
    fn nothing_leaves_once_the_testimony_is_given() {
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
    fn the_hosts_words_replace_the_components() {
        let transmission = Transmission::default();
        transmission.note_reason("`api.example.com` could not be resolved".into());
        let mut error = NodeError {
            cause: ErrorCause::NotSent("no connection".into()),
            charge: Charge::No,
            next: NextStep::Retry,
            retry_after_ms: None,
        };
        transmission.explain(&mut error);
        assert_eq!(
            error.cause,
            ErrorCause::NotSent("`api.example.com` could not be resolved".into())
        );
    }
}
