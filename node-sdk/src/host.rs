//! The interface between the SDK's functions and their host.

use crate::bindings::{Connection, ConnectionError};
use crate::http::{Reply, Request};

/// The connection, HTTP, clock and sleep. `wasi` implements it in the component, tests
/// implement it with scripted replies.
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
    /// When no complete reply arrived.
    fn send(&self, request: &Request) -> Result<Reply, SendError>;

    /// Milliseconds on a clock that never goes back.
    fn now_ms(&self) -> u64;

    /// Waits.
    fn sleep_ms(&self, duration: u64);
}

/// Why a request has no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The host's policy denied it; nothing was sent.
    Denied(String),
    /// Nothing was sent.
    NotSent(String),
    /// It may have arrived.
    Lost(String),
}
