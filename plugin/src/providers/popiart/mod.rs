//! PopiArt's runtime: jobs of skills, and the artifacts that they make.
//!
//! `options` and `replies` read what a connection and PopiArt say; `artifacts` reads, uploads and
//! locates artifacts; `result` finds the result of a finished job.

mod artifacts;
mod options;
mod replies;
mod result;

use serde_json::{Map, Value, json};
use zoetrope_node_sdk::bindings::{
    Cancellation, Charge, Connection, ConnectionRequirement, Failure, JobState, LocalFile,
    NextStep, NodeError, Progress, Stage, Started, Step,
};
use zoetrope_node_sdk::http::{Reply, Request, request, resolved, url};
use zoetrope_node_sdk::json;
use zoetrope_node_sdk::node::{Artifacts, Next, Node, Provider};
use zoetrope_node_sdk::reply::{IdPlaces, acceptance, expected, progress, reason_of, unrecognized};
use zoetrope_node_sdk::ticket::Ticket;

use self::options::Options;
pub use self::options::shortest_clip_s;
use self::replies::{FAULTS, opened, read, readable, settlement, unreadable_upload, uploaded};
use crate::providers::envelope;
use crate::providers::status::Status;

/// The provider of PopiArt's nodes.
pub static POPIART: PopiArt = PopiArt;

/// See [`POPIART`].
pub struct PopiArt;

/// The name of the one wire, which tickets contain.
const WIRE: &str = "popiart";

impl Provider for PopiArt {
    fn requirement(&self) -> ConnectionRequirement {
        ConnectionRequirement {
            category: "popiart".into(),
            title: "PopiArt Connection".into(),
            description: "The PopiArt connection to call the PopiArt runtime.".into(),
            required: true,
            options_schema: options::SCHEMA.into(),
            credential_header: "authorization".into(),
            credential_prefix: "Bearer ".into(),
        }
    }

    fn wire(&self, connection: &Connection) -> Result<String, NodeError> {
        Options::read(connection).map(|_| WIRE.into())
    }

    fn submit(
        &self,
        connection: &Connection,
        node: &Node,
        input: &Map<String, Value>,
        idempotency_key: &str,
    ) -> Result<Request, NodeError> {
        let options = Options::read(connection)?;
        let mut body = json!({ "skill_id": node.name, "idempotency_key": idempotency_key });
        // Not through `json!`, which changes the text of numbers.
        body["input"] = Value::Object(input.clone());
        if !options.project_id.is_empty() {
            body["project_id"] = options.project_id.into();
        }
        Ok(request(connection, "POST", "/jobs", "").json(&body))
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
        let document = reply.json().unwrap_or(Value::Null);
        let accepted = |pointers: &[&str]| {
            let header = &Options::read(connection)?.id_header;
            let ids = IdPlaces { pointers, header };
            let document = opened(&document).unwrap_or(&document);
            acceptance(node, connection, WIRE, reply, document, &ids)
        };
        if opened(&document).is_err() {
            let found = accepted(&["/data/job_id", "/job_id", "/error/details/job_id"]);
            let job = found.ok().map(|acceptance| acceptance.provider_job_id);
            let fault = FAULTS.fault(reply);
            let job = job.as_deref();
            return Err(envelope::submit_error(fault, job, NextStep::Stop, reply));
        }
        accepted(&["/job_id"]).map(Started::Accepted)
    }

    /// One request while the job continues. Once it is done, also its artifacts, and the
    /// details of the chosen artifact if the list does not have its URL.
    fn poll(
        &self,
        connection: &Connection,
        node: &Node,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<JobState>, NodeError> {
        Options::read(connection)?;
        let Some(reply) = replies.first() else {
            let query = request(connection, "GET", "/jobs/{id}", &ticket.job);
            return Ok(Next::Send(query));
        };
        let document = readable(reply)?;
        let job = read(reply, &document)?;
        match unfinished(reply, job)? {
            Some(state) => Ok(Next::Done(state)),
            None => result::result(connection, node, ticket, job, replies),
        }
    }

    fn cancel(
        &self,
        connection: &Connection,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<Cancellation>, NodeError> {
        let Some(reply) = replies.first() else {
            let cancel = request(connection, "POST", "/jobs/{id}/cancel", &ticket.job);
            return Ok(Next::Send(cancel));
        };
        let answer = match reply.status {
            405 | 501 => Cancellation::Unsupported,
            409 => Cancellation::TooLate,
            _ => {
                if let Some(error) = FAULTS.read_error(reply) {
                    return Err(error);
                }
                let document = reply.json().unwrap_or(Value::Null);
                let word = read(reply, &document)?["status"]
                    .as_str()
                    .unwrap_or_default();
                match Status::of(&STATUSES, word) {
                    Some(Status::Cancelled) => Cancellation::Cancelled(settlement(Charge::Unknown)),
                    Some(Status::Succeeded | Status::Failed) => Cancellation::TooLate,
                    _ => Cancellation::Requested,
                }
            }
        };
        Ok(Next::Done(answer))
    }

    fn plan_upload(
        &self,
        connection: &Connection,
        _node: &Node,
        _field: &str,
        _file: &LocalFile,
    ) -> Result<Step, NodeError> {
        artifacts::upload(connection, "source").map(Step::Upload)
    }

    fn uploaded(
        &self,
        connection: &Connection,
        _node: &Node,
        field: &str,
        reply: &Reply,
    ) -> Result<Step, NodeError> {
        let document = uploaded(reply)?;
        let artifact = opened(&document).unwrap_or(&Value::Null);
        let pointer = if field == "/source_artifact_id" {
            "/id"
        } else {
            "/url"
        };
        let value = artifact.pointer(pointer).filter(|value| value.is_string());
        let value = value.ok_or_else(|| {
            let expected = format!("expected a JSON document with the artifact's {pointer}");
            unreadable_upload(expected)
        })?;
        // A relative URL is relative to the address of the upload.
        let base = url(connection, artifacts::UPLOAD, "");
        let absolute = value.as_str().filter(|_| pointer == "/url");
        let absolute = absolute.and_then(|value| resolved(&base, value));
        let value = absolute.map_or_else(|| value.clone(), Value::from);
        Ok(Step::Value(json::text(&value)))
    }

    fn artifacts(&self) -> Option<&dyn Artifacts> {
        Some(&artifacts::STORE)
    }
}

/// PopiArt's names of a job's states.
const STATUSES: [(&str, Status); 6] = [
    ("done", Status::Succeeded),
    ("pending", Status::Queued),
    ("running", Status::Running),
    ("failed", Status::Failed),
    ("cancelled", Status::Cancelled),
    ("canceled", Status::Cancelled),
];

/// The state of a job; `None` once it is done.
fn unfinished(reply: &Reply, job: &Value) -> Result<Option<JobState>, NodeError> {
    let word = job["status"].as_str().ok_or_else(|| {
        NodeError::protocol_violation(expected("status, a word,", "/status", reply))
    })?;
    let waiting = |stage, message| {
        JobState::Waiting(Progress {
            message,
            ..progress(stage, reply)
        })
    };
    Ok(Some(match Status::of(&STATUSES, word) {
        Some(Status::Succeeded) => return Ok(None),
        Some(Status::Queued) => waiting(Stage::Queued, None),
        Some(Status::Running) => waiting(Stage::Running, None),
        Some(Status::Failed) => JobState::Failed(Failure {
            fault: reason_of(job, FAULTS.code, FAULTS.message, reply),
            settlement: settlement(Charge::Unknown),
        }),
        Some(Status::Cancelled) => JobState::Cancelled(settlement(Charge::Unknown)),
        None => waiting(Stage::Unrecognized, Some(unrecognized(word))),
    }))
}

#[cfg(test)]
mod tests;
