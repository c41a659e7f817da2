//! The smallest pack: one node, `echo`, whose provider returns the picture it gets.
//!
//! The provider's protocol: `POST /jobs` with `{"image"}`, a URL, answers `{"id"}`.
//! `GET /jobs/{id}` answers `{"status"}`, one of `running`, `done` (then with the URL of the
//! `image`) and `failed` (then with an `error` of `code` and `message`).

use serde_json::{Map, Value, json};
use zoetrope_node_sdk::bindings::{
    Charge, Connection, ConnectionRequirement, Failure, JobState, MediaKind, NodeError,
    ResultMedia, Settlement, Stage, Started, Success,
};
use zoetrope_node_sdk::field::{Field, Media};
use zoetrope_node_sdk::http::{Reply, Request, request};
use zoetrope_node_sdk::json;
use zoetrope_node_sdk::node::{Next, Node, Pack, Provider};
use zoetrope_node_sdk::options::Reader;
use zoetrope_node_sdk::reply::{
    FaultPointers, IdPlaces, acceptance, document_and_status, progress, reason_of, unrecognized,
};
use zoetrope_node_sdk::schema::violations;
use zoetrope_node_sdk::ticket::Ticket;

/// The table of node types.
pub static PACK: Pack = Pack { nodes: &[&ECHO] };

// The manifest: the pack requests connections of the category `echo`, and nothing else.
zoetrope_node_sdk::export!(
    PACK,
    manifest: br#"{
        "format": 1,
        "name": "echo",
        "version": "1.0.0",
        "description": "Gives a picture back.",
        "connections": ["echo"]
    }"#
);

/// The field `image`, of the input and of the output.
const IMAGE: &[Media] = &[Media {
    pointer: "/image",
    kind: MediaKind::Image,
}];

static ECHO: Node = Node {
    name: "echo",
    version: "1.0.0",
    title: "Echo",
    description: "Gives a picture back.",
    provider: &EchoProvider,
    // A published schema is a file: `include_str!`, and `path` instead of `schema` below.
    input_schema: r#"{"type": "object", "properties": {"image": {"type": "string", "maxLength": 2000}}, "required": ["image"]}"#,
    output_schema: r#"{"type": "object", "properties": {"image": {"type": "string", "pattern": "^https?://"}}, "required": ["image"]}"#,
    // No documentation beyond the schema.
    rules: "{}",
    about: "{}",
    fields: &[Field::text("image")],
    // The picture of the input, and the one of the output, which the host downloads.
    input_media: IMAGE,
    output_media: IMAGE,
    validate_input: |document| violations::of(InputSchema::iter_errors(document)),
    validate_output: |document| violations::of(OutputSchema::iter_errors(document)),
    // The schema has all rules, and no price is published.
    amend: |_, _| Ok(()),
    estimate: None,
};

#[jsonschema::validator(
    schema = r#"{"type": "object", "properties": {"image": {"type": "string", "maxLength": 2000}}, "required": ["image"]}"#
)]
struct InputSchema;

#[jsonschema::validator(
    schema = r#"{"type": "object", "properties": {"image": {"type": "string", "pattern": "^https?://"}}, "required": ["image"]}"#
)]
struct OutputSchema;

struct EchoProvider;

/// The name of the one protocol, which tickets contain.
const WIRE: &str = "echo";

/// The pointers to code and message in the provider's errors.
const ID: IdPlaces<'_> = IdPlaces {
    pointers: &["/id"],
    header: "",
};

const FAULTS: FaultPointers<'_> = FaultPointers {
    code: "/error/code",
    message: "/error/message",
};

impl Provider for EchoProvider {
    fn requirement(&self) -> ConnectionRequirement {
        ConnectionRequirement {
            category: "echo".into(),
            title: "Echo".into(),
            description: "A server that gives pictures back.".into(),
            required: true,
            options_schema: r#"{"type": "object", "additionalProperties": false}"#.into(),
            credential_header: "authorization".into(),
            credential_prefix: "Bearer ".into(),
        }
    }

    fn wire(&self, connection: &Connection) -> Result<String, NodeError> {
        // There are no options, so every option is rejected.
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
            .json(&json!({ "image": input["image"] }))
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
        acceptance(node, connection, WIRE, reply, &document, &ID).map(Started::Accepted)
    }

    fn poll(
        &self,
        connection: &Connection,
        node: &Node,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<JobState>, NodeError> {
        // Without a reply: the request. With a reply: the job's state.
        let Some(reply) = replies.first() else {
            let question = request(connection, "GET", "/jobs/{id}", &ticket.job);
            return Ok(Next::Send(question));
        };
        if let Some(error) = FAULTS.read_error(reply) {
            return Err(error);
        }
        let (document, status) = document_and_status(reply, "/status")?;
        Ok(Next::Done(match status.as_str() {
            "running" => JobState::Waiting(progress(Stage::Running, reply)),
            "done" => JobState::Succeeded(success(node, &document)?),
            "failed" => JobState::Failed(Failure {
                fault: reason_of(&document, FAULTS.code, FAULTS.message, reply),
                settlement: Settlement {
                    charge: Charge::Unknown,
                    cost: None,
                },
            }),
            // Possibly a state of a later version of the provider: keep waiting.
            unknown => {
                let mut progress = progress(Stage::Unrecognized, reply);
                progress.message = Some(unrecognized(unknown));
                JobState::Waiting(progress)
            }
        }))
    }
}

/// The end of a job whose document has the picture's URL.
fn success(node: &Node, document: &Value) -> Result<Success, NodeError> {
    let output = json!({ "image": document["image"] });
    // A result that breaks the published schema is an error.
    if !(node.validate_output)(&output).is_empty() {
        return Err(NodeError::protocol_violation("expected a URL at /image"));
    }
    Ok(Success {
        output: json::text(&output),
        media: vec![ResultMedia {
            pointer: "/image".into(),
            url: output["image"].as_str().unwrap_or_default().into(),
            media_type: None,
            sha256: None,
            expires_at: None,
            needs_credential: false,
        }],
        settlement: Settlement {
            charge: Charge::Yes,
            cost: None,
        },
    })
}
