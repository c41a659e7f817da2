//! PixelML, over the `jobs` wire: submit, poll and cancel by job id.
//!
//! PixelML publishes schemas and no protocol, so every part of the wire comes from the
//! connection's options, read in `options.rs`.

mod options;

use serde_json::{Map, Value};

use self::options::{Options, Status, WIRE};
use super::reply::{FaultPointers, id_at, text_at};
use super::{Next, Provider};
use crate::bindings::{
    Acceptance, Body, Cancellation, Charge, Completion, Connection, ConnectionRequirement, Failure,
    JobState, LocalFile, Multipart, NodeError, Progress, ProviderFault, ResultMedia, Settlement,
    Stage, Started, Step, Success, Upload,
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
        let body = options.submit_body(connection, node.name, input)?;
        Ok(options
            .submit
            .request(connection, "")
            .json(&body)
            .header(&options.idempotency_header, idempotency_key))
    }

    fn submitted(
        &self,
        connection: &Connection,
        node: &Node,
        reply: &Reply,
    ) -> Result<Started, NodeError> {
        let options = Options::read(connection)?;
        if let Some(error) = options.faults().submit_error(reply) {
            return Err(error);
        }
        let unreadable = || {
            let message = format!(
                "expected a JSON document with the job's id at {}",
                options.id_pointer
            );
            NodeError::outcome_unknown(ProviderFault::new(Some(reply.status), message))
        };
        let document = reply.json().ok_or_else(unreadable)?;
        let job = id_at(&document, &options.id_pointer).ok_or_else(unreadable)?;
        let ticket = Ticket::new(node.name, &connection.id, WIRE, job.clone()).encode();
        if options.status(&document) == Some(Status::Succeeded) {
            // A result that cannot be read now is read by the first poll.
            if let Ok(success) = options.success(node, &document) {
                let provider_job_id = Some(job);
                return Ok(Started::Finished(Completion {
                    ticket,
                    provider_job_id,
                    success,
                }));
            }
        }
        Ok(Started::Accepted(Acceptance {
            ticket,
            provider_job_id: job,
            poll_after_ms: options.poll_after_ms(&document, reply),
            cost: None,
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
            return Ok(Next::Send(options.poll.request(connection, &ticket.job)));
        };
        if let Some(error) = options.faults().read_error(reply) {
            return Err(error);
        }
        let violation = || {
            let expected = format!(
                "expected a JSON document with the job's status, a word, at {}",
                options.status_pointer
            );
            NodeError::protocol_violation(expected)
        };
        let document = reply.json().ok_or_else(violation)?;
        let word = document
            .pointer(&options.status_pointer)
            .and_then(Value::as_str);
        let word = word.ok_or_else(violation)?;
        let waiting = |stage, message| {
            JobState::Waiting(Progress {
                stage,
                fraction: options.fraction(&document),
                message,
                poll_after_ms: options.poll_after_ms(&document, reply),
                replacement_ticket: None,
            })
        };
        let message = text_at(&document, &options.message_pointer);
        Ok(Next::Done(match options.status_words.meaning(word) {
            Some(Status::Queued) => waiting(Stage::Queued, message),
            Some(Status::Running) => waiting(Stage::Running, message),
            Some(Status::Succeeded) => JobState::Succeeded(options.success(node, &document)?),
            Some(Status::Failed) => JobState::Failed(options.failure(&document, reply)),
            Some(Status::Cancelled) => {
                JobState::Cancelled(options.settlement(&document, Charge::Unknown))
            }
            None => {
                let word = crate::http::presentable(word);
                waiting(
                    Stage::Unrecognized,
                    Some(format!("the provider reports the state `{word}`")),
                )
            }
        }))
    }

    fn cancel(
        &self,
        connection: &Connection,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<Cancellation>, NodeError> {
        let options = Options::read(connection)?;
        let Some(endpoint) = &options.cancel else {
            return Ok(Next::Done(Cancellation::Unsupported));
        };
        let Some(reply) = replies.first() else {
            return Ok(Next::Send(endpoint.request(connection, &ticket.job)));
        };
        let answer = match reply.status {
            202 => Cancellation::Requested,
            405 | 501 => Cancellation::Unsupported,
            409 => Cancellation::TooLate,
            _ => {
                if let Some(error) = options.faults().read_error(reply) {
                    return Err(error);
                }
                let document = reply.json().unwrap_or(Value::Null);
                options.cancellation(&document)
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
        let Some(files) = options.files else {
            let message = "this connection takes no local files: give the picture's URL";
            return Err(NodeError::unsupported(message));
        };
        Ok(Step::Upload(Upload {
            method: files.method,
            path: files.path,
            body: Body::Multipart(Multipart {
                file_part: options.file_part,
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
        let options = Options::read(connection)?;
        // An upload costs nothing, and a second one does no harm.
        if let Some(error) = options.faults().submit_error(reply) {
            return Err(NodeError {
                charge: Charge::No,
                ..error
            });
        }
        let url = reply.json().and_then(|document| {
            document
                .pointer(&options.file_url_pointer)
                .and_then(Value::as_str)
                .map(Value::from)
        });
        let expected = || {
            format!(
                "expected a JSON document with the file's URL at {}",
                options.file_url_pointer
            )
        };
        let url = url.ok_or_else(|| {
            let error = NodeError::protocol_violation(expected());
            NodeError {
                charge: Charge::No,
                next: crate::bindings::NextStep::Retry,
                ..error
            }
        })?;
        Ok(Step::Value(json::text(&url)))
    }
}

/// Replies, read by the pointers of the options.
impl Options {
    fn faults(&self) -> FaultPointers<'_> {
        FaultPointers {
            code: &self.error_code_pointer,
            message: &self.error_message_pointer,
        }
    }

    fn status(&self, document: &Value) -> Option<Status> {
        self.status_words
            .meaning(document.pointer(&self.status_pointer)?.as_str()?)
    }

    fn fraction(&self, document: &Value) -> Option<f32> {
        let progress = document.pointer(&self.progress_pointer)?.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
        Some((progress / self.progress_full).clamp(0.0, 1.0) as f32)
    }

    fn poll_after_ms(&self, document: &Value, reply: &Reply) -> u64 {
        let hint = document
            .pointer(&self.poll_after_ms_pointer)
            .and_then(Value::as_u64);
        hint.or_else(|| reply.retry_after_ms()).unwrap_or(0)
    }

    fn settlement(&self, document: &Value, unless_told: Charge) -> Settlement {
        let charge = match document
            .pointer(&self.charged_pointer)
            .and_then(Value::as_bool)
        {
            Some(true) => Charge::Yes,
            Some(false) => Charge::No,
            None => unless_told,
        };
        Settlement { charge, cost: None }
    }

    /// What a 2xx says became of a cancellation. Where it shows the job, the job's state
    /// counts: a job that goes on may yet be paid for.
    fn cancellation(&self, document: &Value) -> Cancellation {
        let word = document.pointer(&self.status_pointer);
        match word.and_then(Value::as_str).map(|_| self.status(document)) {
            None | Some(Some(Status::Cancelled)) => {
                Cancellation::Cancelled(self.settlement(document, Charge::Unknown))
            }
            Some(Some(Status::Succeeded | Status::Failed)) => Cancellation::TooLate,
            Some(_) => Cancellation::Requested,
        }
    }

    fn success(&self, node: &Node, document: &Value) -> Result<Success, NodeError> {
        let expected = || {
            let pointer = &self.video_pointer;
            NodeError::protocol_violation(format!("expected the clip's absolute URL at {pointer}"))
        };
        let url = document
            .pointer(&self.video_pointer)
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
            settlement: self.settlement(document, Charge::Yes),
        })
    }

    fn failure(&self, document: &Value, reply: &Reply) -> Failure {
        let message = text_at(document, &self.error_message_pointer)
            .unwrap_or_else(|| "the provider gives no reason".into());
        let code = text_at(document, &self.error_code_pointer);
        Failure {
            fault: ProviderFault {
                status: Some(reply.status),
                code,
                message,
            },
            settlement: self.settlement(document, Charge::Unknown),
        }
    }
}

#[cfg(test)]
mod tests;
