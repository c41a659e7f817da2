//! ShortAPI: create a job, query it by id.
//!
//! Replies are `{"code", "data"}`, and a code other than 0 is an error, whatever the HTTP
//! status. The API's page contradicts itself about the fields of the job's id and the result,
//! so every documented field is read.

use serde_json::{Map, Value, json};
use zoetrope_node_sdk::bindings::{
    Acceptance, Cancellation, Charge, Connection, ConnectionRequirement, Failure, JobState,
    LocalFile, NextStep, NodeError, Price, Progress, ProviderFault, Settlement, Stage, Started,
    Step, Success,
};
use zoetrope_node_sdk::http::{Reply, Request, request, same_name};
use zoetrope_node_sdk::json;
use zoetrope_node_sdk::no_result;
use zoetrope_node_sdk::node::{Next, Node, Provider};
use zoetrope_node_sdk::options::Reader;
use zoetrope_node_sdk::reply::{
    FaultPointers, IdPlaces, acceptance, amount_at, expected, progress, reason_of, text_at,
    unrecognized,
};
use zoetrope_node_sdk::result::{File, files};
use zoetrope_node_sdk::ticket::Ticket;

use crate::providers::{clips, envelope};

/// The provider of ShortAPI's nodes.
pub static SHORTAPI: ShortApi = ShortApi;

/// See [`SHORTAPI`].
pub struct ShortApi;

/// The name of the one wire, which tickets contain.
const WIRE: &str = "shortapi";

/// The options as JSON Schema.
const OPTIONS: &str = include_str!("../../../schemas/connections/shortapi.json");

/// The code of a transient fault upstream of ShortAPI.
const UPSTREAM_FAULT: &str = "3000";

/// The pointers to the clip's URL, in the order in which they are tried. The page has it under
/// `images`, although it is a video.
const RESULTS: [&str; 10] = [
    "/result/videos",
    "/result/images",
    "/result/url",
    "/result/video_url",
    "/result/video",
    "/result",
    "/videos",
    "/images",
    "/url",
    "/video_url",
];

/// The names of the states, for replies that have no numbers.
const STATUSES: [(&str, u64); 6] = [
    ("pending", 0),
    ("queued", 0),
    ("processing", 1),
    ("succeeded", 2),
    ("success", 2),
    ("failed", 3),
];

struct Options {
    create_path: String,
    query_path: String,
    callback_url: String,
    id_header: String,
    largest_picture: u64,
}

impl Options {
    fn read(connection: &Connection) -> Result<Self, NodeError> {
        let mut given = Reader::new(connection);
        let options = Self {
            create_path: given.path("create_path", "/api/v1/job/create"),
            query_path: given.path("query_path", "/api/v1/job/query?id={id}"),
            callback_url: given.text("callback_url", ""),
            id_header: given.text("id_header", ""),
            largest_picture: given.count("largest_picture", 10_485_760),
        };
        given.finish(connection)?;
        Ok(options)
    }
}

impl Provider for ShortApi {
    fn requirement(&self) -> ConnectionRequirement {
        ConnectionRequirement {
            category: "shortapi".into(),
            title: "ShortAPI Connection".into(),
            description: "The ShortAPI connection to call ShortAPI.".into(),
            required: true,
            options_schema: OPTIONS.into(),
            credential_header: "authorization".into(),
            credential_prefix: "Bearer ".into(),
        }
    }

    fn wire(&self, connection: &Connection) -> Result<String, NodeError> {
        Options::read(connection).map(|_| WIRE.into())
    }

    /// ShortAPI has no idempotency key, so none is sent.
    fn submit(
        &self,
        connection: &Connection,
        node: &Node,
        input: &Map<String, Value>,
        _idempotency_key: &str,
    ) -> Result<Request, NodeError> {
        let options = Options::read(connection)?;
        let mut body = json!({ "model": node.name });
        // Not through `json!`, which changes the text of numbers.
        body["args"] = Value::Object(input.clone());
        if !options.callback_url.is_empty() {
            body["callback_url"] = options.callback_url.into();
        }
        Ok(request(connection, "POST", &options.create_path, "").json(&body))
    }

    fn submitted(
        &self,
        connection: &Connection,
        node: &Node,
        reply: &Reply,
    ) -> Result<Started, NodeError> {
        let document = reply.json().unwrap_or(Value::Null);
        if let Some(error) = faults(&document).submit_error(reply) {
            return Err(error);
        }
        let ids = IdPlaces {
            pointers: &["/data/job_id", "/job_id"],
            header: &Options::read(connection)?.id_header,
        };
        let accepted = acceptance(node, connection, WIRE, reply, &document, &ids);
        if let Some(code) = refusal(&document) {
            let fault = fault(reply, &document);
            let job = accepted.ok().map(|accepted| accepted.provider_job_id);
            // A fault upstream of the API may have occurred after the job was created.
            return Err(if code == UPSTREAM_FAULT && job.is_none() {
                NodeError::outcome_unknown(fault)
            } else {
                envelope::submit_error(fault, job.as_deref(), NextStep::Stop, reply)
            });
        }
        Ok(Started::Accepted(Acceptance {
            cost: cost(data(&document)),
            ..accepted?
        }))
    }

    fn poll(
        &self,
        connection: &Connection,
        node: &Node,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<JobState>, NodeError> {
        let options = Options::read(connection)?;
        let Some(reply) = replies.first() else {
            let query = request(connection, "GET", &options.query_path, &ticket.job);
            return Ok(Next::Send(query));
        };
        let document = reply.json().unwrap_or(Value::Null);
        if let Some(error) = faults(&document).read_error(reply) {
            return Err(error);
        }
        if let Some(code) = refusal(&document) {
            let fault = fault(reply, &document);
            return Err(if code == UPSTREAM_FAULT {
                NodeError::unavailable(fault)
            } else {
                let expected = format!("expected a job, not code {code}");
                envelope::read_error(fault, &expected, reply)
            });
        }
        let data = data(&document);
        let waiting = |stage| JobState::Waiting(progress(stage, reply));
        let failed = || {
            JobState::Failed(Failure {
                fault: failure(reply, data),
                settlement: settlement(data, Charge::Unknown),
            })
        };
        Ok(Next::Done(match status(data) {
            Some(2) => match success(connection, node, reply, &ticket.job, data)? {
                Some(success) => JobState::Succeeded(Success {
                    settlement: settlement(data, Charge::Yes),
                    ..success
                }),
                None => {
                    let documents = [&data["result"], data, &document];
                    let place = "/data/result/videos/0/url";
                    let settlement = settlement(data, Charge::Unknown);
                    no_result::state(reply, place, &documents, settlement)
                }
            },
            Some(3..) => failed(),
            _ if data["refunded"] == true => failed(),
            Some(0) => waiting(Stage::Queued),
            Some(1) => waiting(Stage::Running),
            None if data["status"].is_string() => {
                let word = data["status"].as_str().unwrap_or_default();
                JobState::Waiting(Progress {
                    message: Some(unrecognized(word)),
                    ..progress(Stage::Unrecognized, reply)
                })
            }
            None => {
                let expected = expected("status, a number,", "/data/status", reply);
                return Err(NodeError::protocol_violation(expected));
            }
        }))
    }

    fn cancel(
        &self,
        _connection: &Connection,
        _ticket: &Ticket,
        _replies: &[Reply],
    ) -> Result<Next<Cancellation>, NodeError> {
        Ok(Next::Done(Cancellation::Unsupported))
    }

    fn plan_upload(
        &self,
        connection: &Connection,
        _node: &Node,
        _field: &str,
        file: &LocalFile,
    ) -> Result<Step, NodeError> {
        let largest = Options::read(connection)?.largest_picture;
        if file.byte_length > largest {
            return Err(NodeError::unsupported(format!(
                "a local picture of more than {largest} bytes: make it smaller, or give its URL"
            )));
        }
        Ok(Step::InlineBase64)
    }

    fn uploaded(
        &self,
        _connection: &Connection,
        _node: &Node,
        _field: &str,
        _reply: &Reply,
    ) -> Result<Step, NodeError> {
        Err(NodeError::unsupported("an upload: ShortAPI takes none"))
    }
}

/// The data of the envelope; the document itself if there is none.
fn data(document: &Value) -> &Value {
    document.get("data").unwrap_or(document)
}

/// The code of an envelope with an error.
fn refusal(document: &Value) -> Option<String> {
    let is_zero = document["code"].as_f64() == Some(0.0);
    text_at(document, "/code").filter(|code| !is_zero && code != "0")
}

/// The pointers to an error, whose text is in `info` or in `message`.
fn faults(document: &Value) -> FaultPointers<'static> {
    let message = if text_at(document, "/info").is_some() {
        "/info"
    } else {
        "/message"
    };
    FaultPointers {
        code: "/code",
        message,
    }
}

fn fault(reply: &Reply, document: &Value) -> ProviderFault {
    let FaultPointers { code, message } = faults(document);
    reason_of(document, code, message, reply)
}

/// Why a job failed.
fn failure(reply: &Reply, data: &Value) -> ProviderFault {
    const MESSAGES: [&str; 4] = ["/error/message", "/error", "/message", "/info"];
    let is_text = |pointer: &&&str| text_at(data, pointer).is_some();
    let message = MESSAGES.iter().find(is_text).unwrap_or(&MESSAGES[0]);
    reason_of(data, "/error/code", message, reply)
}

/// 0 pending, 1 processing, 2 succeeded, more failed: a number, or a text with one.
fn status(data: &Value) -> Option<u64> {
    let status = data.get("status")?;
    let in_text = || {
        let text = status.as_str()?.trim();
        let named = STATUSES.iter().find(|(name, _)| same_name(name, text));
        text.parse().ok().or(named.map(|(_, number)| *number))
    };
    let number = status
        .as_f64()
        .filter(|number| *number >= 0.0 && number.fract() == 0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number that is not negative"
    )]
    number.map(|number| number as u64).or_else(in_text)
}

/// What a job was charged, and this unless it was refunded.
fn settlement(data: &Value, unless_refunded: Charge) -> Settlement {
    let is_refunded = data["refunded"] == true;
    Settlement {
        charge: if is_refunded {
            Charge::No
        } else {
            unless_refunded
        },
        cost: cost(data),
    }
}

/// The cost of a job, in dollars.
fn cost(data: &Value) -> Option<Price> {
    amount_at(data, "/amount").map(|amount| Price {
        amount,
        unit: "USD".into(),
    })
}

/// The clips of a finished job; `None` if it has none. The first place with files has them all; the first file of each
/// further place is another place of the first clip.
fn success(
    connection: &Connection,
    node: &Node,
    reply: &Reply,
    job: &str,
    data: &Value,
) -> Result<Option<Success>, NodeError> {
    let mut clips: Vec<File> = Vec::new();
    let mut others: Vec<File> = Vec::new();
    for place in RESULTS.iter().filter_map(|pointer| data.pointer(pointer)) {
        let found = files(connection, &reply.url, place);
        if clips.is_empty() {
            clips = found;
        } else if let Some(file) = found.into_iter().next() {
            let is_known = |known: &File| known.url == file.url;
            if !clips.iter().any(is_known) && !others.iter().any(is_known) {
                others.push(file);
            }
        }
    }
    if clips.is_empty() {
        return Ok(None);
    }
    let mut output = json!({ "job_id": job });
    clips::set(&mut output, &clips);
    if !(node.validate_output)(&output).is_empty() {
        let expected = "expected the clip's URL at /data/result/videos/0/url";
        return Err(NodeError::protocol_violation(expected));
    }
    Ok(Some(Success {
        output: json::text(&output),
        media: clips::media(clips, others),
        settlement: Settlement {
            charge: Charge::Yes,
            cost: None,
        },
    }))
}

#[cfg(test)]
mod tests;
