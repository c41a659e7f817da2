//! PixelML. What its replies mean is the wire's that the connection's options choose; what
//! the wires have in common is here.

mod agenticflow;
mod jobs;
mod options;

use serde_json::{Map, Value};

use self::options::Wire;
use super::reply::id_at;
use super::{Next, Provider};
use crate::bindings::{
    Cancellation, Connection, ConnectionRequirement, JobState, LocalFile, NodeError, ProviderFault,
    ResultMedia, Settlement, Started, Step, Success,
};
use crate::http::{Reply, Request};
use crate::json;
use crate::nodes::Node;
use crate::ticket::Ticket;

/// The provider of both image-to-video nodes.
pub static PIXELML: PixelMl = PixelMl;

/// See [`PIXELML`].
pub struct PixelMl;

impl Provider for PixelMl {
    fn requirement(&self) -> ConnectionRequirement {
        ConnectionRequirement {
            category: "pixelml".into(),
            title: "PixelML Connection".into(),
            description: "The PixelML connection to call PixelML API.".into(),
            required: true,
            options_schema: options::SCHEMA.into(),
            credential_header: "authorization".into(),
            credential_prefix: "Bearer ".into(),
        }
    }

    fn wire(&self, connection: &Connection) -> Result<String, NodeError> {
        Wire::read(connection).map(|wire| wire.name().into())
    }

    fn submit(
        &self,
        connection: &Connection,
        node: &Node,
        input: &Map<String, Value>,
        idempotency_key: &str,
    ) -> Result<Request, NodeError> {
        match Wire::read(connection)? {
            Wire::Jobs(jobs) => jobs.submit(connection, node, input, idempotency_key),
            Wire::AgenticFlow(runs) => Ok(runs.submit(connection, input)),
        }
    }

    fn submitted(
        &self,
        connection: &Connection,
        node: &Node,
        reply: &Reply,
    ) -> Result<Started, NodeError> {
        match Wire::read(connection)? {
            Wire::Jobs(jobs) => jobs.submitted(connection, node, reply),
            Wire::AgenticFlow(runs) => runs.submitted(connection, node, reply),
        }
    }

    fn poll(
        &self,
        connection: &Connection,
        node: &Node,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<JobState>, NodeError> {
        match Wire::read(connection)? {
            Wire::Jobs(jobs) => jobs.poll(connection, node, ticket, replies),
            Wire::AgenticFlow(runs) => runs.poll(connection, node, ticket, replies),
        }
    }

    fn cancel(
        &self,
        connection: &Connection,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<Cancellation>, NodeError> {
        match Wire::read(connection)? {
            Wire::Jobs(jobs) => jobs.cancel(connection, ticket, replies),
            Wire::AgenticFlow(_) => Ok(Next::Done(Cancellation::Unsupported)),
        }
    }

    fn plan_upload(
        &self,
        connection: &Connection,
        _node: &Node,
        _field: &str,
        _file: &LocalFile,
    ) -> Result<Step, NodeError> {
        match Wire::read(connection)? {
            Wire::Jobs(jobs) => jobs.plan_upload(),
            Wire::AgenticFlow(_) => Err(no_local_files()),
        }
    }

    fn uploaded(
        &self,
        connection: &Connection,
        _node: &Node,
        _field: &str,
        reply: &Reply,
    ) -> Result<Step, NodeError> {
        match Wire::read(connection)? {
            Wire::Jobs(jobs) => jobs.uploaded(reply),
            Wire::AgenticFlow(_) => Err(no_local_files()),
        }
    }
}

/// The reply to a submit, and the job's id in it.
fn document_and_id(reply: &Reply, pointer: &str) -> Result<(Value, String), NodeError> {
    let read = || {
        let document = reply.json()?;
        let id = id_at(&document, pointer)?;
        Some((document, id))
    };
    read().ok_or_else(|| {
        let message = format!("expected a JSON document with the job's id at {pointer}");
        NodeError::outcome_unknown(ProviderFault::new(Some(reply.status), message))
    })
}

/// The reply to a poll, and the word in it for the job's state.
fn document_and_status(reply: &Reply, pointer: &str) -> Result<(Value, String), NodeError> {
    let read = || {
        let document = reply.json()?;
        let word = document.pointer(pointer)?.as_str()?.into();
        Some((document, word))
    };
    read().ok_or_else(|| {
        NodeError::protocol_violation(format!(
            "expected a JSON document with the job's status, a word, at {pointer}"
        ))
    })
}

/// The end of a job whose document has the clip's URL at the pointer.
fn success(
    node: &Node,
    document: &Value,
    pointer: &str,
    settlement: Settlement,
) -> Result<Success, NodeError> {
    let expected =
        || NodeError::protocol_violation(format!("expected the clip's absolute URL at {pointer}"));
    let url = document
        .pointer(pointer)
        .and_then(Value::as_str)
        .ok_or_else(expected)?;
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(expected());
    }
    let output = serde_json::json!({ "video": url });
    if !(node.validate_output)(&output).is_empty() {
        return Err(expected());
    }
    Ok(Success {
        output: json::text(&output),
        media: vec![ResultMedia {
            pointer: "/video".into(),
            url: url.into(),
            media_type: None,
            sha256: None,
            expires_at: None,
            needs_credential: false,
        }],
        settlement,
    })
}

fn no_local_files() -> NodeError {
    NodeError::unsupported("this connection takes no local files: give the picture's URL")
}
