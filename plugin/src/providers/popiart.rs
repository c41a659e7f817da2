//! PopiArt's runtime: jobs of skills, and the artifacts that they make.
//!
//! Replies are bare or wrapped in `{"ok", "data" | "error"}`. A finished job lists its
//! artifacts. The URL of an artifact may take further requests, and its download the
//! credential if PopiArt itself serves it.

use serde_json::{Map, Value, json};
use zoetrope_node_sdk::bindings::{
    Body, Cancellation, Charge, Connection, ConnectionRequirement, Failure, JobState, LocalFile,
    MediaKind, Multipart, NextStep, NodeError, Progress, ResultMedia, Settlement, Stage, Started,
    Step, Success, Upload,
};
use zoetrope_node_sdk::http::{Reply, Request, request, url};
use zoetrope_node_sdk::json;
use zoetrope_node_sdk::node::{Next, Node, Provider};
use zoetrope_node_sdk::options::Reader;
use zoetrope_node_sdk::reply::{
    FaultPointers, acceptance, id_at, progress, reason, text_at, unrecognized,
};
use zoetrope_node_sdk::ticket::Ticket;

/// The provider of PopiArt's nodes.
pub static POPIART: PopiArt = PopiArt;

/// See [`POPIART`].
pub struct PopiArt;

/// The name of the one wire, which tickets contain.
const WIRE: &str = "popiart";

/// The options as JSON Schema.
const OPTIONS: &str = include_str!("../../../schemas/connections/popiart.json");

const FAULTS: FaultPointers<'_> = FaultPointers {
    code: "/error/code",
    message: "/error/message",
};

struct Options {
    project_id: String,
    shortest_clip_s: f64,
    visibility: String,
}

impl Options {
    fn read(connection: &Connection) -> Result<Self, NodeError> {
        let mut given = Reader::new(connection);
        let options = Self {
            project_id: given.text("project_id", ""),
            shortest_clip_s: given.positive("shortest_clip_s", SHORTEST_CLIP_S),
            visibility: given.text("visibility", "private"),
        };
        given.finish(connection)?;
        Ok(options)
    }
}

/// PopiArt documents: "For now, pass 5 or greater".
const SHORTEST_CLIP_S: f64 = 5.0;

/// The shortest permitted clip in seconds, by the connection's options or by default.
///
/// # Errors
///
/// `connection-unavailable` when the options cannot be read.
pub fn shortest_clip_s(connection: Option<&Connection>) -> Result<f64, NodeError> {
    connection.map_or(Ok(SHORTEST_CLIP_S), |connection| {
        Options::read(connection).map(|options| options.shortest_clip_s)
    })
}

impl Provider for PopiArt {
    fn requirement(&self) -> ConnectionRequirement {
        ConnectionRequirement {
            category: "popiart".into(),
            title: "PopiArt Connection".into(),
            description: "The PopiArt connection to call the PopiArt runtime.".into(),
            required: true,
            options_schema: OPTIONS.into(),
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
        let mut body = json!({
            "skill_id": node.name, "input": input, "idempotency_key": idempotency_key,
        });
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
        let data = opened(&document)
            .map_err(|()| NodeError::rejected(FAULTS.fault(reply), Charge::No, NextStep::Stop))?;
        acceptance(node, connection, WIRE, reply, data, &["/job_id"]).map(Started::Accepted)
    }

    /// One request while the job continues. Once it is done, also its artifacts, and the
    /// artifact that was made if the list does not have its URL.
    fn poll(
        &self,
        connection: &Connection,
        node: &Node,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<JobState>, NodeError> {
        Options::read(connection)?;
        let ask = |path, id: &str| Ok(Next::Send(request(connection, "GET", path, id)));
        let Some(reply) = replies.first() else {
            return ask("/jobs/{id}", &ticket.job);
        };
        let document = readable(reply)?;
        let job = read(reply, &document)?;
        if let Some(state) = unfinished(reply, job)? {
            return Ok(Next::Done(state));
        }
        let Some(reply) = replies.get(1) else {
            return ask("/jobs/{id}/artifacts", &ticket.job);
        };
        let list = readable(reply)?;
        let listed = chosen(node, read(reply, &list)?);
        let named = id_at(listed, "/id").or_else(|| id_at(job, "/artifact_ids/0"));
        let Some(artifact) = named else {
            let expected = "expected an artifact of the finished job at /items/0/id";
            return Err(NodeError::protocol_violation(expected));
        };
        let mut details = Value::Null;
        if text_at(listed, "/url").is_none() {
            match replies.get(2) {
                None => return ask("/artifacts/{id}", &artifact),
                // The server of the content may have no description of it.
                Some(reply) if reply.status == 404 => {}
                Some(reply) => details = read(reply, &readable(reply)?)?.clone(),
            }
        }
        let known = [listed, &details];
        success(connection, node, ticket, job, &artifact, known).map(Next::Done)
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
                match read(reply, &document)?["status"].as_str() {
                    Some("cancelled") => Cancellation::Cancelled(settlement(Charge::Unknown)),
                    Some("done" | "failed") => Cancellation::TooLate,
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
        let options = Options::read(connection)?;
        let mut fields = vec![("role".into(), "source".into())];
        if !options.visibility.is_empty() {
            fields.push(("visibility".into(), options.visibility));
        }
        Ok(Step::Upload(Upload {
            method: "POST".into(),
            path: "/artifacts/upload".into(),
            body: Body::Multipart(Multipart {
                file_part: "file".into(),
                fields,
            }),
        }))
    }

    fn uploaded(
        &self,
        _connection: &Connection,
        _node: &Node,
        field: &str,
        reply: &Reply,
    ) -> Result<Step, NodeError> {
        // An upload costs nothing and can be repeated.
        let free = |error| NodeError {
            charge: Charge::No,
            ..error
        };
        if let Some(error) = FAULTS.submit_error(reply) {
            return Err(free(error));
        }
        let document = reply.json().unwrap_or(Value::Null);
        let artifact = opened(&document).map_err(|()| {
            NodeError::rejected(FAULTS.fault(reply), Charge::No, NextStep::FixInput)
        })?;
        let pointer = if field == "/source_artifact_id" {
            "/id"
        } else {
            "/url"
        };
        let value = artifact.pointer(pointer).filter(|value| value.is_string());
        let value = value.ok_or_else(|| {
            let expected = format!("expected a JSON document with the artifact's {pointer}");
            free(NodeError {
                next: NextStep::Retry,
                ..NodeError::protocol_violation(expected)
            })
        })?;
        Ok(Step::Value(json::text(value)))
    }
}

/// The data of an envelope, or the document if there is none; an error if `ok` is false.
fn opened(document: &Value) -> Result<&Value, ()> {
    match document.get("ok") {
        Some(Value::Bool(false)) => Err(()),
        Some(Value::Bool(true)) => Ok(&document["data"]),
        _ => Ok(document),
    }
}

/// The document of a read.
fn readable(reply: &Reply) -> Result<Value, NodeError> {
    if let Some(error) = FAULTS.read_error(reply) {
        return Err(error);
    }
    let expected = || NodeError::protocol_violation("expected a JSON document");
    reply.json().ok_or_else(expected)
}

/// The data of a read's envelope.
fn read<'a>(reply: &Reply, document: &'a Value) -> Result<&'a Value, NodeError> {
    opened(document).map_err(|()| {
        let said = FAULTS.fault(reply).message;
        NodeError::protocol_violation(format!("expected an answer, not an error: {said}"))
    })
}

/// The state of a job; `None` once it is done.
fn unfinished(reply: &Reply, job: &Value) -> Result<Option<JobState>, NodeError> {
    let word = job["status"].as_str().ok_or_else(|| {
        let expected = "expected a JSON document with the job's status, a word, at /status";
        NodeError::protocol_violation(expected)
    })?;
    let waiting = |stage, message| {
        JobState::Waiting(Progress {
            message,
            ..progress(stage, reply)
        })
    };
    Ok(Some(match word {
        "done" => return Ok(None),
        "pending" => waiting(Stage::Queued, None),
        "running" => waiting(Stage::Running, None),
        "failed" => JobState::Failed(Failure {
            fault: reason(job, FAULTS.code, FAULTS.message, reply),
            settlement: settlement(Charge::Unknown),
        }),
        "cancelled" => JobState::Cancelled(settlement(Charge::Unknown)),
        unknown => waiting(Stage::Unrecognized, Some(unrecognized(unknown))),
    }))
}

/// PopiArt returns no prices.
fn settlement(charge: Charge) -> Settlement {
    Settlement { charge, cost: None }
}

/// The artifact of a list with the node's kind of media, else the first without a kind.
fn chosen<'a>(node: &Node, list: &'a Value) -> &'a Value {
    let kind = match node.output_media[0].kind {
        MediaKind::Image => "image/",
        MediaKind::Video => "video/",
    };
    let items = list["items"]
        .as_array()
        .map_or(&[] as &[Value], Vec::as_slice);
    let kind_of = |item: &Value| {
        item["content_type"]
            .as_str()
            .map(|known| known.starts_with(kind))
    };
    let fitting = items.iter().find(|item| kind_of(item) == Some(true));
    let unnamed = || items.iter().find(|item| kind_of(item).is_none());
    fitting.or_else(unnamed).unwrap_or(&Value::Null)
}

fn success(
    connection: &Connection,
    node: &Node,
    ticket: &Ticket,
    job: &Value,
    artifact: &str,
    known: [&Value; 2],
) -> Result<JobState, NodeError> {
    let detail = |name: &str| {
        let texts = known.iter().filter_map(|known| known[name].as_str());
        texts
            .filter(|text| !text.is_empty())
            .map(String::from)
            .next()
    };
    let origin = origin(&connection.base_url);
    let url = match detail("url") {
        Some(url) if url.starts_with("https://") || url.starts_with("http://") => url,
        Some(path) if path.starts_with('/') && !path.starts_with("//") => format!("{origin}{path}"),
        _ => url(connection, "/artifacts/{id}/content", artifact),
    };
    let mut output = json!({
        "job_id": ticket.job, "status": "done", "primary_artifact_id": artifact, "url": url,
    });
    for name in [
        "model_id",
        "requested_skill_id",
        "execution_mode",
        "artifact_ids",
    ] {
        if let Some(value) = job.get(name).filter(|value| !value.is_null()) {
            output[name] = value.clone();
        }
    }
    if let Some(media) = detail("media_id") {
        output["media_id"] = media.into();
    }
    if !(node.validate_output)(&output).is_empty() {
        let expected = "expected a job as PopiArt's schema of outputs describes it";
        return Err(NodeError::protocol_violation(expected));
    }
    let rest = url.strip_prefix(origin);
    Ok(JobState::Succeeded(Success {
        output: json::text(&output),
        media: vec![ResultMedia {
            pointer: "/url".into(),
            needs_credential: rest.is_some_and(|rest| rest.starts_with('/')),
            url,
            media_type: detail("content_type"),
            sha256: detail("sha256"),
            expires_at: detail("expires_at"),
        }],
        settlement: settlement(Charge::Yes),
    }))
}

/// The scheme and authority of a URL.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let length = url[start..].find('/').unwrap_or(url.len() - start);
    &url[..start + length]
}

#[cfg(test)]
mod tests;
