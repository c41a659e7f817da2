//! A host for tests: prepared replies, recorded requests, and a clock that only sleeping
//! advances.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::bindings::{Connection, ConnectionError};
use crate::host::{Host, SendError};
use crate::http::{Reply, Request};

/// A host with prepared replies.
pub struct Scripted {
    connection: Option<Connection>,
    replies: RefCell<VecDeque<Result<Reply, SendError>>>,
    /// Every request that was sent, in order.
    pub sent: RefCell<Vec<Request>>,
    /// Milliseconds; only [`Host::sleep_ms`] advances it.
    pub clock: Cell<u64>,
}

impl Scripted {
    /// Answers with these statuses and documents.
    pub fn new(replies: impl IntoIterator<Item = (u16, Value)>) -> Self {
        Self::with(
            replies
                .into_iter()
                .map(|(status, body)| Ok(reply(status, &body))),
        )
    }

    /// Answers with these replies or failures.
    pub fn with(replies: impl IntoIterator<Item = Result<Reply, SendError>>) -> Self {
        Self {
            connection: Some(connection(&json!({}))),
            replies: RefCell::new(replies.into_iter().collect()),
            sent: RefCell::new(Vec::new()),
            clock: Cell::new(0),
        }
    }

    /// With this connection instead of [`connection`]'s; with none, it is not configured.
    #[must_use]
    pub fn on(mut self, connection: Option<Connection>) -> Self {
        self.connection = connection;
        self
    }

    /// Method and URL of each request, and its body; null where it has none.
    ///
    /// # Panics
    ///
    /// When a body is not a JSON document.
    pub fn requests(&self) -> Vec<(String, Value)> {
        let sent = self.sent.borrow();
        let shown = sent.iter().map(|request| {
            let body = request.body.as_deref().unwrap_or("null");
            (
                format!("{} {}", request.method, request.url),
                serde_json::from_str(body).expect("a JSON body"),
            )
        });
        shown.collect()
    }
}

/// A connection `desk` to `https://provider.example/api/`, with these options.
#[must_use]
pub fn connection(options: &Value) -> Connection {
    Connection {
        id: "desk".into(),
        base_url: "https://provider.example/api/".into(),
        options: options.to_string(),
        headers: Vec::new(),
    }
}

/// A reply without headers.
#[must_use]
pub fn reply(status: u16, body: &Value) -> Reply {
    Reply {
        url: String::new(),
        status,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    }
}

impl Host for Scripted {
    fn connection(&self, _category: &str) -> Result<Connection, ConnectionError> {
        self.connection
            .clone()
            .ok_or(ConnectionError::NotConfigured)
    }

    /// # Panics
    ///
    /// When there is no reply left.
    fn send(&self, request: &Request) -> Result<Reply, SendError> {
        self.sent.borrow_mut().push(request.clone());
        let next = self.replies.borrow_mut().pop_front();
        next.expect("a request that the script has no reply for")
    }

    fn now_ms(&self) -> u64 {
        self.clock.get()
    }

    fn sleep_ms(&self, duration: u64) {
        self.clock.set(self.clock.get() + duration);
    }
}
