//! A run in a reply, a `WorkflowRun`.

use serde_json::{Value, json};

use crate::job::{Ending, JobId, Phase, View};
use crate::protocol::AGENTICFLOW_COST;
use crate::render_request::Origin;

/// What a phase says of a run.
struct Outcome {
    status: &'static str,
    cost: Value,
    output: Value,
    /// The error of the run, and that of its node.
    errors: (Value, Value),
}

impl Outcome {
    fn of(phase: &Phase, node: &str, clip_url: &str) -> Self {
        let going_on = |status| Self {
            status,
            cost: Value::Null,
            output: Value::Null,
            errors: (Value::Null, Value::Null),
        };
        match phase {
            Phase::Queued => going_on("queued"),
            Phase::Running { .. } => going_on("running"),
            Phase::Ended(Ending::Succeeded { .. }) => Self {
                cost: json!(AGENTICFLOW_COST),
                output: json!({"video": clip_url}),
                ..going_on("success")
            },
            Phase::Ended(Ending::Failed { code, message }) => Self {
                cost: json!(0),
                errors: (
                    json!({"code": "node_failed", "message": message, "failed_node": node}),
                    json!({"code": code, "message": message, "details": null}),
                ),
                ..going_on("failed")
            },
            Phase::Ended(Ending::Cancelled) => Self {
                cost: json!(0),
                ..going_on("cancelled")
            },
        }
    }
}

/// The document of a run; `None` for a job of another protocol. `clip_url` is the URL of its clip,
/// used if there is one.
pub(super) fn document(id: JobId, view: &View, clip_url: &str) -> Option<Value> {
    let Origin::AgenticFlow {
        workflow_id,
        node,
        input,
    } = &view.render_request.origin
    else {
        return None;
    };
    let input: Value = serde_json::from_str(input).ok()?;
    let started_at = view.started_at.unwrap_or(view.created_at);
    let outcome = Outcome::of(&view.phase, node, clip_url);
    let workflow = json!({
        "nodes": [{"name": node, "node_type_name": node, "input_config": {}, "output_mapping": {}}],
        "output_mapping": {},
        "input_schema": {},
    });
    let (error, node_error) = &outcome.errors;
    let node_state = node_state(view, node, &input, &outcome, node_error);
    Some(json!({
        "id": id,
        "workflow_id": workflow_id,
        "workflow_config_override": workflow,
        "input": input,
        "status": outcome.status,
        "state": {"nodes_state": [node_state], "execution_time": null, "error": error},
        "started_at": started_at,
        "completed_at": view.finished_at,
        "updated_at": view.finished_at.unwrap_or(started_at),
        "triggered_by": "workspace_api_key",
        "triggered_by_user_id": null,
        "is_example": false,
        "operation_cost": outcome.cost,
        "dataset_id": null,
        "dataset_document_id": null,
        "project_id": null,
        "workspace_id": null,
        "webhook": null,
        "output": outcome.output,
    }))
}

/// The `NodeState` of the workflow's one node.
fn node_state(view: &View, node: &str, input: &Value, outcome: &Outcome, error: &Value) -> Value {
    json!({
        "node_name": node,
        "input": input,
        "output": outcome.output,
        "error": error,
        "status": outcome.status,
        "execution_time": null,
        "queued_at": view.created_at,
        "started_at": view.started_at,
        "completed_at": view.finished_at,
        "metadata": null,
        "last_updated_at": view.finished_at.or(view.started_at),
    })
}
