//! PixelML. The connection's options select the wire, which reads the replies; `clip` is
//! shared by the wires.

mod agenticflow;
mod clip;
mod jobs;
mod options;

use serde_json::{Map, Value};
use zoetrope_node_sdk::bindings::{
    Cancellation, Connection, ConnectionRequirement, JobState, LocalFile, NodeError, Started, Step,
};
use zoetrope_node_sdk::http::{Reply, Request};
use zoetrope_node_sdk::node::{Next, Node, Provider};
use zoetrope_node_sdk::ticket::Ticket;

use self::clip::no_local_files;
use self::options::Wire;

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
            Wire::Jobs(jobs) => jobs.uploaded(connection, reply),
            Wire::AgenticFlow(_) => Err(no_local_files()),
        }
    }
}
