//! Requests that are open at the same time: the order of their bodies and replies is instructed.

use std::collections::BTreeMap;
use std::mem::forget;

use wasip2::http::types::{FutureIncomingResponse, OutgoingBody};

use crate::instructions::Sending;
use crate::requests::{end, finish, hand_over, prepare, wait_for, write};
use crate::text::Seen;

/// The open requests of a call, by name.
#[derive(Default)]
pub struct Opened {
    requests: BTreeMap<String, Open>,
}

struct Open {
    sending: Sending,
    body: Option<OutgoingBody>,
    is_written: bool,
    response: FutureIncomingResponse,
}

impl Opened {
    /// Hands a request to the host and keeps its body open, with or without its content.
    pub fn open(&mut self, name: &str, sending: &Sending, is_written: bool, seen: &mut Seen) {
        let Some((request, body)) = prepare(sending, seen) else {
            return;
        };
        let Some(response) = hand_over(request, seen) else {
            return;
        };
        if is_written {
            write(&body, sending, seen);
        }
        let open = Open {
            sending: sending.clone(),
            body: Some(body),
            is_written,
            response,
        };
        self.requests.insert(name.to_owned(), open);
    }

    /// Ends a body that was held back.
    pub fn end(&mut self, name: &str, seen: &mut Seen) {
        let Some(open) = self.requests.get_mut(name) else {
            return;
        };
        match open.body.take() {
            Some(body) if open.is_written => finish(body, &open.sending, seen),
            Some(body) => end(body, &open.sending, seen),
            None => {}
        }
    }

    /// Waits for the reply to a request.
    pub fn wait_for(&mut self, name: &str, seen: &mut Seen) {
        if let Some(open) = self.requests.get(name) {
            wait_for(&open.response, open.sending.unread, seen);
        }
    }

    /// Drops a request.
    pub fn drop(&mut self, name: &str) {
        self.requests.remove(name);
    }

    /// Leaves all that is open to the host.
    pub fn leave(self) {
        forget(self);
    }
}
