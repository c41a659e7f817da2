//! The smallest pack: one node, `echo`, whose provider gives a text back.
//!
//! The provider's protocol: `POST /jobs` with `{"text"}` answers `{"id"}`. `GET /jobs/{id}`
//! answers `{"status"}`, one of `running`, `done` (then with the `text`) and `failed` (then
//! with an `error` of `code` and `message`).

use serde_json::{Map, Value, json};
use zoetrope_node_sdk::bindings::{
    Charge, Connection, ConnectionRequirement, Failure, JobState, NodeError, Settlement, Stage,
    Started, Success,
};
use zoetrope_node_sdk::field::Field;
use zoetrope_node_sdk::http::{Reply, Request, request};
use zoetrope_node_sdk::node::{Next, Node, Pack, Provider};
use zoetrope_node_sdk::options::Reader;
use zoetrope_node_sdk::reply::{
    FaultPointers, acceptance, document_and_status, progress, reason, unrecognized,
};
use zoetrope_node_sdk::schema::violations;
use zoetrope_node_sdk::ticket::Ticket;

/// The table of node types.
pub static PACK: Pack = Pack { nodes: &[&ECHO] };

// What the pack asks for: connections of the category `echo`, and nothing else.
zoetrope_node_sdk::export!(
    PACK,
    manifest: br#"{
        "format": 1,
        "name": "echo",
        "version": "1.0.0",
        "description": "Gives a text back.",
        "connections": ["echo"]
    }"#
);

static ECHO: Node = Node {
    name: "echo",
    version: "1.0.0",
    title: "Echo",
    description: "Gives a text back.",
    provider: &EchoProvider,
    // A published schema is a file: `include_str!`, and `path` instead of `schema` below.
    input_schema: r#"{"type": "object", "properties": {"text": {"type": "string", "maxLength": 100}}, "required": ["text"]}"#,
    output_schema: r#"{"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}"#,
    fields: &[Field::text("text")],
    input_media: &[],
    output_media: &[],
    validate_input: |document| violations::of(InputSchema::iter_errors(document)),
    validate_output: |document| violations::of(OutputSchema::iter_errors(document)),
    // The schema says everything, and no price is published.
    amend: |_, _| Ok(()),
    estimate: None,
};

#[jsonschema::validator(
    schema = r#"{"type": "object", "properties": {"text": {"type": "string", "maxLength": 100}}, "required": ["text"]}"#
)]
struct InputSchema;

#[jsonschema::validator(
    schema = r#"{"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}"#
)]
struct OutputSchema;

struct EchoProvider;

/// The one protocol; tickets name it.
const WIRE: &str = "echo";

/// Where the provider's errors have code and message.
const FAULTS: FaultPointers<'_> = FaultPointers {
    code: "/error/code",
    message: "/error/message",
};

impl Provider for EchoProvider {
    fn requirement(&self) -> ConnectionRequirement {
        ConnectionRequirement {
            category: "echo".into(),
            title: "Echo".into(),
            description: "A server that gives texts back.".into(),
            required: true,
            options_schema: r#"{"type": "object", "additionalProperties": false}"#.into(),
            credential_header: "authorization".into(),
            credential_prefix: "Bearer ".into(),
        }
    }

    fn wire(&self, connection: &Connection) -> Result<String, NodeError> {
        // There are no options, so every one that is given is refused.
        Reader::new(connection).finish(connection)?;
        Ok(WIRE.into())
    }

    fn submit(
        &self,
        connection: &Connection,
        _node: &Node,
        input: &Map<String, Value>,
        idempotency_key: &str,
    ) -> Result<Request, NodeError> {
        Ok(request(connection, "POST", "/jobs", "")
            .json(&json!({ "text": input["text"] }))
            .header("idempotency-key", idempotency_key))
    }

    fn submitted(
        &self,
        connection: &Connection,
        node: &Node,
        reply: &Reply,
    ) -> Result<Started, NodeError> {
        if let Some(error) = FAULTS.submit_error(reply) {
            return Err(error);
        }
        let document = reply.json().unwrap_or_default();
        acceptance(node, connection, WIRE, reply, &document, &["/id"]).map(Started::Accepted)
    }

    fn poll(
        &self,
        connection: &Connection,
        node: &Node,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<JobState>, NodeError> {
        // Without a reply yet: what to ask. Then: what the reply says.
        let Some(reply) = replies.first() else {
            let question = request(connection, "GET", "/jobs/{id}", &ticket.job);
            return Ok(Next::Send(question));
        };
        if let Some(error) = FAULTS.read_error(reply) {
            return Err(error);
        }
        let (document, status) = document_and_status(reply, "/status")?;
        let settlement = |charge| Settlement { charge, cost: None };
        Ok(Next::Done(match status.as_str() {
            "running" => JobState::Waiting(progress(Stage::Running, reply)),
            "done" => {
                let output = json!({ "text": document["text"] });
                // A result that breaks the published schema is not passed on.
                if !(node.validate_output)(&output).is_empty() {
                    return Err(NodeError::protocol_violation("expected a text at /text"));
                }
                JobState::Succeeded(Success {
                    output: output.to_string(),
                    media: Vec::new(),
                    settlement: settlement(Charge::Yes),
                })
            }
            "failed" => JobState::Failed(Failure {
                fault: reason(&document, FAULTS.code, FAULTS.message, reply),
                settlement: settlement(Charge::Unknown),
            }),
            // A state that a later version of the provider may have is waited for.
            unknown => {
                let mut progress = progress(Stage::Unrecognized, reply);
                progress.message = Some(unrecognized(unknown));
                JobState::Waiting(progress)
            }
        }))
    }
}
