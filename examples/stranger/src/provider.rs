//! The provider's protocol, as pure functions.

use serde_json::{Map, Value, json};
use zoetrope_node_sdk::bindings::{
    Body, Cancellation, Charge, Connection, ConnectionRequirement, Failure, JobState, LocalFile,
    Multipart, NodeError, ResultMedia, Settlement, Stage, Started, Step, Success, Upload,
};
use zoetrope_node_sdk::http::{Reply, Request, request, resolved};
use zoetrope_node_sdk::json;
use zoetrope_node_sdk::no_result;
use zoetrope_node_sdk::node::{Next, Node, Provider};
use zoetrope_node_sdk::options::Reader;
use zoetrope_node_sdk::reply::{
    FaultPointers, IdPlaces, acceptance, document_and_status, progress, reason_of, unrecognized,
};
use zoetrope_node_sdk::ticket::Ticket;

/// The name of the one protocol, which tickets contain.
const WIRE: &str = "jobs";

/// The provider's node: its other ones need more fields than a zoom has.
const ACTION: &str = "image_to_video_v3";

const ID: IdPlaces<'_> = IdPlaces {
    pointers: &["/id"],
    header: "",
};

const FAULTS: FaultPointers<'_> = FaultPointers {
    code: "/error/code",
    message: "/error/message",
};

/// The pointer to the clip's URL.
const CLIP: &str = "/output/video";

pub(crate) struct Jobs;

impl Provider for Jobs {
    fn requirement(&self) -> ConnectionRequirement {
        ConnectionRequirement {
            category: "pixelml".into(),
            title: "PixelML".into(),
            description: "An account at a provider of jobs.".into(),
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
        let direction = input["direction"].as_str().unwrap_or("in");
        let body = json!({
            "action": ACTION,
            "input": {
                "image": input["image"],
                "prompt": format!("slow zoom {direction}"),
                "frame_rate": input["frame_rate"],
            },
        });
        Ok(request(connection, "POST", "/v1/jobs", "")
            .json(&body)
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
        let Some(reply) = replies.first() else {
            let question = request(connection, "GET", "/v1/jobs/{id}", &ticket.job);
            return Ok(Next::Send(question));
        };
        if let Some(error) = FAULTS.read_error(reply) {
            return Err(error);
        }
        let (document, status) = document_and_status(reply, "/status")?;
        Ok(Next::Done(match status.as_str() {
            "queued" => JobState::Waiting(progress(Stage::Queued, reply)),
            "running" => JobState::Waiting(progress(Stage::Running, reply)),
            "succeeded" => succeeded(node, reply, &document)?,
            "failed" => JobState::Failed(Failure {
                fault: reason_of(&document, FAULTS.code, FAULTS.message, reply),
                settlement: settlement(&document, Charge::Unknown),
            }),
            "cancelled" => JobState::Cancelled(settlement(&document, Charge::Unknown)),
            // Possibly a state of a later version of the provider: keep waiting.
            unknown => {
                let mut progress = progress(Stage::Unrecognized, reply);
                progress.message = Some(unrecognized(unknown));
                JobState::Waiting(progress)
            }
        }))
    }

    fn cancel(
        &self,
        connection: &Connection,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<Cancellation>, NodeError> {
        let Some(reply) = replies.first() else {
            let wish = request(connection, "POST", "/v1/jobs/{id}/cancel", &ticket.job);
            return Ok(Next::Send(wish));
        };
        if let Some(error) = FAULTS.read_error(reply) {
            return Err(error);
        }
        let document = reply.json().unwrap_or_default();
        Ok(Next::Done(match document["status"].as_str() {
            Some("cancelled") => Cancellation::Cancelled(settlement(&document, Charge::Unknown)),
            Some("succeeded" | "failed") => Cancellation::TooLate,
            _ => Cancellation::Requested,
        }))
    }

    fn plan_upload(
        &self,
        _connection: &Connection,
        _node: &Node,
        _field: &str,
        _file: &LocalFile,
    ) -> Result<Step, NodeError> {
        Ok(Step::Upload(Upload {
            method: "POST".into(),
            path: "/v1/files".into(),
            body: Body::Multipart(Multipart {
                file_part: "file".into(),
                fields: Vec::new(),
            }),
        }))
    }

    fn uploaded(
        &self,
        connection: &Connection,
        _node: &Node,
        _field: &str,
        reply: &Reply,
    ) -> Result<Step, NodeError> {
        // An upload costs nothing.
        let free = |error| NodeError {
            charge: Charge::No,
            ..error
        };
        if let Some(error) = FAULTS.submit_error(reply) {
            return Err(free(error));
        }
        let document = reply.json().unwrap_or_default();
        let Some(url) = document["url"].as_str() else {
            let error = NodeError::protocol_violation("expected the file's URL at /url");
            return Err(free(error));
        };
        let base = request(connection, "POST", "/v1/files", "").url;
        let url = resolved(&base, url).unwrap_or_else(|| url.to_owned());
        Ok(Step::Value(json::text(&url.into())))
    }
}

/// The end of a job that has succeeded.
fn succeeded(node: &Node, reply: &Reply, document: &Value) -> Result<JobState, NodeError> {
    let Some(url) = document.pointer(CLIP).and_then(Value::as_str) else {
        let settlement = settlement(document, Charge::Unknown);
        return Ok(no_result::state(reply, CLIP, &[document], settlement));
    };
    let url = resolved(&reply.url, url).unwrap_or_else(|| url.to_owned());
    let output = json!({ "video": url });
    // A result that breaks the published schema is an error.
    if !(node.validate_output)(&output).is_empty() {
        return Err(NodeError::protocol_violation(
            "expected a URL at /output/video",
        ));
    }
    Ok(JobState::Succeeded(Success {
        output: json::text(&output),
        media: vec![ResultMedia {
            pointer: "/video".into(),
            url,
            media_type: None,
            sha256: None,
            expires_at: None,
            needs_credential: false,
        }],
        settlement: settlement(document, Charge::Yes),
    }))
}

/// Whether the job was charged; `unless_told` if the reply does not say it.
fn settlement(document: &Value, unless_told: Charge) -> Settlement {
    let charge = match document["charged"].as_bool() {
        Some(true) => Charge::Yes,
        Some(false) => Charge::No,
        None => unless_told,
    };
    Settlement { charge, cost: None }
}
