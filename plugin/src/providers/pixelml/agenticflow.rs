//! The wire `agenticflow`: runs the node in a workflow through `AgenticFlow`'s public API for
//! workflow runs (`WorkflowRun` and `WorkflowRunCreateDTO` of its OpenAPI description).
//!
//! The API documents no idempotency key and no cancellation.

use serde_json::{Map, Value};
use zoetrope_node_sdk::bindings::{
    Acceptance, Charge, Connection, Failure, JobState, NodeError, Price, Progress, ProviderFault,
    Settlement, Stage, Started,
};
use zoetrope_node_sdk::http::{Reply, Request, presentable, request};
use zoetrope_node_sdk::node::{Next, Node};
use zoetrope_node_sdk::reason;
use zoetrope_node_sdk::reply::{
    FaultPointers, IdPlaces, acceptance, amount_at, document_and_status, progress, reason_of,
    text_at, unrecognized,
};
use zoetrope_node_sdk::ticket::Ticket;

use super::clip::{no_clip, success};
use super::options::{AGENTICFLOW, AgenticFlow};
use crate::providers::status::Status;

/// The functions of [`Provider`](zoetrope_node_sdk::node::Provider) for this wire.
impl AgenticFlow {
    pub(super) fn submit(&self, connection: &Connection, input: &Map<String, Value>) -> Request {
        let mut body = Map::new();
        body.insert("workflow_id".into(), self.workflow_id.as_str().into());
        body.insert("input".into(), input.clone().into());
        body.insert("response_type".into(), "queue".into());
        // Without the last slash the API redirects, and redirects are not followed.
        request(connection, "POST", "/v1/workflow_runs/", "").json(&Value::Object(body))
    }

    pub(super) fn submitted(
        &self,
        connection: &Connection,
        node: &Node,
        reply: &Reply,
    ) -> Result<Started, NodeError> {
        if let Some(error) = FAULTS.submit_error(reply) {
            return Err(error);
        }
        let run = reply.json().unwrap_or(Value::Null);
        let ids = IdPlaces {
            pointers: &[self.id_pointer.as_str()],
            header: &self.id_header,
        };
        Ok(Started::Accepted(Acceptance {
            poll_after_ms: 0,
            ..acceptance(node, connection, AGENTICFLOW, reply, &run, &ids)?
        }))
    }

    pub(super) fn poll(
        &self,
        connection: &Connection,
        node: &Node,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<JobState>, NodeError> {
        let Some(reply) = replies.first() else {
            let read = request(connection, "GET", "/v1/workflow_runs/{id}", &ticket.job);
            return Ok(Next::Send(read));
        };
        if let Some(error) = FAULTS.read_error(reply) {
            return Err(error);
        }
        let (run, status) = document_and_status(reply, "/status")?;
        let waiting = |stage, message| {
            JobState::Waiting(Progress {
                fraction: fraction(&run),
                message,
                poll_after_ms: 0,
                ..progress(stage, reply)
            })
        };
        Ok(Next::Done(match Status::of(&STATUSES, &status) {
            Some(Status::Queued) => waiting(Stage::Queued, None),
            Some(Status::Running) => waiting(Stage::Running, None),
            Some(Status::Succeeded) => {
                let paid = settlement(&run, Charge::Yes);
                let pointer = &self.video_pointer;
                match success(connection, node, reply, &run, pointer, paid)? {
                    Some(success) => JobState::Succeeded(success),
                    None => self.no_clip(&run, reply),
                }
            }
            Some(Status::Failed) => JobState::Failed(Failure {
                fault: fault(&run, reply),
                settlement: settlement(&run, Charge::Unknown),
            }),
            Some(Status::Cancelled) => JobState::Cancelled(settlement(&run, Charge::Unknown)),
            None => waiting(Stage::Unrecognized, Some(unrecognized(&status))),
        }))
    }

    /// The state of a run that has succeeded without a clip. The error of the run or of a node says
    /// why, if there is one.
    fn no_clip(&self, run: &Value, reply: &Reply) -> JobState {
        let state = &run["state"];
        let nodes = state["nodes_state"].as_array().into_iter().flatten();
        let errors = nodes.map(|node| &node["error"]);
        let mut others: Vec<_> = errors.filter(|error| !error.is_null()).collect();
        others.extend([&state["error"], run]);
        let settlement = settlement(run, Charge::Unknown);
        no_clip(reply, run, &self.video_pointer, &others, settlement)
    }
}

/// The documented names of a run's states.
const STATUSES: [(&str, Status); 7] = [
    ("created", Status::Queued),
    ("queued", Status::Queued),
    ("running", Status::Running),
    ("success", Status::Succeeded),
    ("failed", Status::Failed),
    ("cancelled", Status::Cancelled),
    ("canceled", Status::Cancelled),
];

/// A refusal is an `HTTPValidationError`, whose errors have a location each.
const FAULTS: FaultPointers<'_> = FaultPointers {
    code: "/detail/0/type",
    // No pointer: all errors have their location, whatever their form.
    message: "",
};

/// The fraction of the run's nodes that are done.
fn fraction(run: &Value) -> Option<f32> {
    let nodes = run.pointer("/state/nodes_state")?.as_array()?;
    let done = nodes.iter().filter(|node| node["status"] == "success");
    let done = u16::try_from(done.count()).ok()?;
    let all = u16::try_from(nodes.len()).ok().filter(|all| *all > 0)?;
    Some(f32::from(done) / f32::from(all))
}

/// The run's error, or else that of the first node with one.
fn fault(run: &Value, reply: &Reply) -> ProviderFault {
    let state = &run["state"];
    let own = &state["error"];
    let mut nodes = state["nodes_state"].as_array().into_iter().flatten();
    let (error, node) = match nodes.find(|node| node["error"].is_object()) {
        Some(node) if own.is_null() => (&node["error"], &node["node_name"]),
        _ => (own, &own["failed_node"]),
    };
    let document = if reason::of_document(error).is_some() {
        error
    } else {
        run
    };
    let mut fault = reason_of(document, "/code", "/message", reply);
    if let Some(node) = text_at(node, "") {
        fault.message = presentable(&format!("node `{node}`: {}", fault.message));
    }
    fault
}

/// The cost, in `AgenticFlow`'s credits.
fn settlement(run: &Value, unless_told: Charge) -> Settlement {
    if run["state"]["error"]["code"] == "charge_failed" {
        return Settlement {
            charge: Charge::No,
            cost: None,
        };
    }
    let cost = amount_at(run, "/operation_cost");
    // A cost of 0 may mean that it is not known yet.
    let is_paid = cost
        .as_deref()
        .is_some_and(|cost| cost.contains(|digit| matches!(digit, '1'..='9')));
    Settlement {
        charge: if is_paid { Charge::Yes } else { unless_told },
        cost: cost.map(|amount| Price {
            amount,
            unit: "credits".into(),
        }),
    }
}

#[cfg(test)]
mod tests;
