//! The providers, one file each, as pure functions of requests and replies: no file
//! here sends, waits or remembers. `job` carries out what they say.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::bindings::{
    Cancellation, Connection, ConnectionRequirement, JobState, LocalFile, NodeError, Started, Step,
};
use crate::http::{Reply, Request};
use crate::nodes::Node;
use crate::ticket::Ticket;

pub mod options;
pub mod pixelml;
pub mod popiart;
pub mod reply;
pub mod shortapi;

/// The protocol of one provider.
///
/// A function that takes `replies` is called again with one more reply for each
/// request that it asked for, until it is [`Next::Done`].
pub trait Provider: Sync {
    /// The connection that its nodes need.
    fn requirement(&self) -> ConnectionRequirement;

    /// The wire that this connection speaks, for the ticket.
    ///
    /// # Errors
    ///
    /// `connection-unavailable` when the options cannot be read.
    fn wire(&self, connection: &Connection) -> Result<String, NodeError>;

    /// The one request that can cost money: the same bytes for the same arguments.
    /// `input` holds the fields that are forwarded.
    ///
    /// # Errors
    ///
    /// `connection-unavailable` when the options cannot be read.
    fn submit(
        &self,
        connection: &Connection,
        node: &Node,
        input: &Map<String, Value>,
        idempotency_key: &str,
    ) -> Result<Request, NodeError>;

    /// Reads the reply to [`Provider::submit`].
    ///
    /// # Errors
    ///
    /// The provider's refusal; `outcome-unknown` for whatever is neither a refusal
    /// nor a readable acceptance.
    fn submitted(
        &self,
        connection: &Connection,
        node: &Node,
        reply: &Reply,
    ) -> Result<Started, NodeError>;

    /// Where a job stands.
    ///
    /// # Errors
    ///
    /// What stands in the way of knowing; the job itself is untouched.
    fn poll(
        &self,
        connection: &Connection,
        node: &Node,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<JobState>, NodeError>;

    /// Stops a job.
    ///
    /// # Errors
    ///
    /// As [`Provider::poll`].
    fn cancel(
        &self,
        connection: &Connection,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<Cancellation>, NodeError>;

    /// How a local file is handed over for an input field.
    ///
    /// # Errors
    ///
    /// `unsupported` for a file that the provider would refuse.
    fn plan_upload(
        &self,
        connection: &Connection,
        node: &Node,
        field: &str,
        file: &LocalFile,
    ) -> Result<Step, NodeError>;

    /// Reads the reply to an upload.
    ///
    /// # Errors
    ///
    /// The provider's refusal, or `protocol-violation`.
    fn uploaded(
        &self,
        connection: &Connection,
        node: &Node,
        field: &str,
        reply: &Reply,
    ) -> Result<Step, NodeError>;
}

/// What a provider needs to go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Next<T> {
    /// This request's reply.
    Send(Request),
    /// Nothing more.
    Done(T),
}

/// An id is one segment of a path or one value of a query, whatever the provider put into
/// it.
const ID: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A request to `path`, below the connection's base URL; `{id}` in it becomes `id`.
pub(crate) fn request(connection: &Connection, method: &str, path: &str, id: &str) -> Request {
    Request::new(method, url(connection, path, id))
}

/// The URL of `path`, below the connection's base URL; `{id}` in it becomes `id`.
pub(crate) fn url(connection: &Connection, path: &str, id: &str) -> String {
    let base = connection.base_url.trim_end_matches('/');
    let id = utf8_percent_encode(id, ID).to_string();
    format!("{base}{}", path.replace("{id}", &id))
}
