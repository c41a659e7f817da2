//! A pack, its node types, and the providers that run them. A pack's author writes these.

use serde_json::{Map, Value};

use crate::bindings::{
    Artifact, Cancellation, Connection, ConnectionRequirement, JobState, LocalFile, NodeError,
    Started, Step, Upload, Violation,
};
use crate::field::{Field, ListPrice, Media};
use crate::http::{Reply, Request};
use crate::schema::draft::Draft;
use crate::ticket::Ticket;

/// The node types of one component.
pub struct Pack {
    /// In the order in which the catalog lists them; their names are unique.
    pub nodes: &'static [&'static Node],
}

impl Pack {
    /// The node type of this name.
    ///
    /// # Errors
    ///
    /// `unknown-node-type`.
    pub fn find(&self, name: &str) -> Result<&'static Node, NodeError> {
        let node = self.nodes.iter().find(|node| node.name == name);
        node.copied()
            .ok_or_else(|| NodeError::unknown_node_type(name))
    }
}

/// One node type.
///
/// # Which functions are called when
///
/// `validate_input` is called first, on the document as the profile reads it; then `amend`, on
/// every object; defaults are filled in after it, if there are no violations. `validate_output` is for
/// the provider, which must not report a success whose output breaks the published schema.
/// None of them may have a state: `check` and `start` call them in different instances.
pub struct Node {
    /// Its name in workflows.
    pub name: &'static str,
    /// Semantic version of its behaviour.
    pub version: &'static str,
    /// For people.
    pub title: &'static str,
    /// For people: a description.
    pub description: &'static str,
    /// The provider that runs it.
    pub provider: &'static dyn Provider,
    /// As published, byte for byte.
    pub input_schema: &'static str,
    /// As published, byte for byte.
    pub output_schema: &'static str,
    /// JSON Schema of what the provider's documentation demands beyond `input_schema`; `{}` if
    /// nothing. `amend` enforces it: with the default options of a connection, an input is
    /// accepted exactly if it satisfies both.
    pub rules: &'static str,
    /// What the documentation says for people, as the contract's `extensions`: a JSON object;
    /// `{}` if nothing.
    pub about: &'static str,
    /// The properties of the input schema, in its order.
    pub fields: &'static [Field],
    /// The input fields that hold a picture or a clip.
    pub input_media: &'static [Media],
    /// The output fields that hold a picture or a clip.
    pub output_media: &'static [Media],
    /// The violations of `input_schema` by an input.
    pub validate_input: fn(&Value) -> Vec<Violation>,
    /// The violations of `output_schema` by an output.
    pub validate_output: fn(&Value) -> Vec<Violation>,
    /// Applies rules that the schema cannot express: further constraints, aliases, fields that
    /// are not sent to the provider. Some rules depend on the connection; if it is not known,
    /// those of its default options apply.
    ///
    /// The input may violate the schema, so values may have any type, and required fields may be
    /// missing. An error ends the call, and is only for options that cannot be read. Violations
    /// of `rules` are reported through the draft, all of them at once.
    pub amend: fn(&mut Draft, Option<&Connection>) -> Result<(), NodeError>,
    /// The published price, if there is one.
    pub estimate: Option<ListPrice>,
}

/// The protocol of one provider, as pure functions.
///
/// No function sends, waits, remembers or reads a clock: [`job`](crate::job) sends the requests
/// that they return. Each call may be made in another instance, on another machine, than the
/// one before it. The same arguments must give the same answer.
///
/// A function that takes `replies` is called with no reply first, and again with one more
/// reply for each request that it asked for, until it is [`Next::Done`]. After eight requests
/// the call ends with `protocol-violation`.
///
/// An error is a value of the contract, with cause, charge and next step.
/// [`reply::FaultPointers`](crate::reply::FaultPointers) makes one from every HTTP status that
/// is not a success.
pub trait Provider: Sync {
    /// The connection that its nodes need.
    ///
    /// Called for the catalog, and in each call for its `category`. Cannot fail.
    fn requirement(&self) -> ConnectionRequirement;

    /// The name of the protocol that this connection uses; tickets contain it.
    ///
    /// Called by `adopt`, and before each `submit`, `poll` and `cancel`: options that cannot be
    /// read are rejected before anything is sent. A ticket with another name is rejected with
    /// `connection-changed`.
    ///
    /// # Errors
    ///
    /// `connection-unavailable` when the options cannot be read.
    fn wire(&self, connection: &Connection) -> Result<String, NodeError>;

    /// The one request that can cost money: the same bytes for the same arguments.
    ///
    /// Called by `start`, which sends it once, and by `check` for a preview, which sends
    /// nothing. `input` holds the fields that are forwarded. The request must not hold the
    /// connection's headers: they are added when it is sent.
    ///
    /// # Errors
    ///
    /// `connection-unavailable` when the options cannot be read. Nothing was sent, so the
    /// error's charge must be `no`.
    fn submit(
        &self,
        connection: &Connection,
        node: &Node,
        input: &Map<String, Value>,
        idempotency_key: &str,
    ) -> Result<Request, NodeError>;

    /// Reads the reply to [`Provider::submit`].
    ///
    /// Called once for each submit that got a complete reply, whatever its status. A submit
    /// without a reply is reported as `outcome-unknown` or `not-sent` without this call.
    /// [`reply::acceptance`](crate::reply::acceptance) makes the usual answer.
    ///
    /// # Errors
    ///
    /// The provider's refusal; `outcome-unknown` for every reply that is neither a refusal
    /// nor a readable acceptance. Only a clear refusal may have the charge `no`.
    fn submitted(
        &self,
        connection: &Connection,
        node: &Node,
        reply: &Reply,
    ) -> Result<Started, NodeError>;

    /// The state of a job.
    ///
    /// Called for each `poll`, with a ticket of this node, connection and wire. Its requests
    /// must not cost money or change the job. A final state ends the job in the host: it must
    /// not be reported unless the reply has it. A state with an unknown name is
    /// [`Stage::Unrecognized`](crate::bindings::Stage::Unrecognized). Called again after a
    /// success, when the caller needs fresh URLs.
    ///
    /// # Errors
    ///
    /// Why the state could not be read; the job is not affected. The caller polls again
    /// unless the error has another next step; its charge is `unknown`.
    fn poll(
        &self,
        connection: &Connection,
        node: &Node,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<JobState>, NodeError>;

    /// Stops a job.
    ///
    /// Called for each `cancel`, at any time after `start`, also for a job that has ended.
    /// `Cancelled` must not be answered unless the provider confirmed it. Without an
    /// implementation, the answer is that the provider has no cancellation.
    ///
    /// # Errors
    ///
    /// As [`Provider::poll`].
    fn cancel(
        &self,
        _connection: &Connection,
        _ticket: &Ticket,
        _replies: &[Reply],
    ) -> Result<Next<Cancellation>, NodeError> {
        Ok(Next::Done(Cancellation::Unsupported))
    }

    /// Plans the upload of a local file for an input field.
    ///
    /// Called before `start`, only for a field in `input_media` and a file of an image type.
    /// The host moves the bytes; they never enter the component. Without an implementation,
    /// local files are refused.
    ///
    /// # Errors
    ///
    /// `unsupported` for a file that the provider would reject.
    fn plan_upload(
        &self,
        _connection: &Connection,
        _node: &Node,
        _field: &str,
        _file: &LocalFile,
    ) -> Result<Step, NodeError> {
        Err(NodeError::unsupported("local files at this provider"))
    }

    /// Reads the reply to an upload.
    ///
    /// Called after each upload that [`Provider::plan_upload`] asked for, with the reply's
    /// status and body and without its headers. Without an implementation, it is an error.
    ///
    /// # Errors
    ///
    /// The provider's refusal, or `protocol-violation`. An upload costs nothing, so the
    /// error's charge must be `no`.
    fn uploaded(
        &self,
        _connection: &Connection,
        _node: &Node,
        _field: &str,
        _reply: &Reply,
    ) -> Result<Step, NodeError> {
        Err(NodeError::unsupported("uploads to this provider"))
    }

    /// The files that the provider stores under ids, if it has such.
    fn artifacts(&self) -> Option<&dyn Artifacts> {
        None
    }
}

/// The files that a provider stores, as pure functions. All of them are free of charge.
pub trait Artifacts: Sync {
    /// The artifact with this id.
    ///
    /// # Errors
    ///
    /// As [`Provider::poll`].
    fn find(
        &self,
        connection: &Connection,
        id: &str,
        replies: &[Reply],
    ) -> Result<Next<Artifact>, NodeError>;

    /// Plans the upload of a file as an artifact with this role.
    ///
    /// # Errors
    ///
    /// `unsupported` for a file or role that the provider would reject.
    fn plan_upload(
        &self,
        connection: &Connection,
        file: &LocalFile,
        role: &str,
    ) -> Result<Upload, NodeError>;

    /// Reads the reply to an upload.
    ///
    /// # Errors
    ///
    /// As [`Provider::uploaded`].
    fn uploaded(&self, connection: &Connection, reply: &Reply) -> Result<Artifact, NodeError>;
}

/// The next step of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Next<T> {
    /// Send this request, and call again with its reply.
    Send(Request),
    /// The result of the call.
    Done(T),
}
