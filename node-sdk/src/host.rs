//! What the core asks of the world around it.

use crate::bindings::{Connection, ConnectionError};
use crate::http::{Reply, Request};

/// Everything that is not a pure function. `wasi` implements it in the component,
/// tests implement it with scripted replies.
pub trait Host {
    /// The connection of this category that the call may use.
    ///
    /// # Errors
    ///
    /// As the contract's `connections.get`.
    fn connection(&self, category: &str) -> Result<Connection, ConnectionError>;

    /// Sends one request and reads the whole reply, whatever its status.
    ///
    /// # Errors
    ///
    /// When no whole reply arrived.
    fn send(&self, request: &Request) -> Result<Reply, SendError>;

    /// Milliseconds on a clock that never goes back.
    fn now_ms(&self) -> u64;

    /// Waits.
    fn sleep_ms(&self, duration: u64);
}

/// Why a request has no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The host's policy refused it; nothing left.
    Denied(String),
    /// Nothing left.
    NotSent(String),
    /// It may have arrived.
    Lost(String),
}
