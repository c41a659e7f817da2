//! The wire `jobs`: submit, poll and cancel by job id.
//!
//! PixelML publishes schemas but no protocol, so every part of the protocol is set by the
//! connection's options.

use serde_json::{Map, Value};
use zoetrope_node_sdk::bindings::{
    Acceptance, Body, Cancellation, Charge, Completion, Connection, Failure, JobState, Multipart,
    NextStep, NodeError, Progress, Settlement, Stage, Started, Step, Success, Upload,
};
use zoetrope_node_sdk::http::{Reply, Request, resolved};
use zoetrope_node_sdk::json;
use zoetrope_node_sdk::node::{Next, Node};
use zoetrope_node_sdk::reply::{
    FaultPointers, IdPlaces, acceptance, document_and_status, progress, reason_of, text_at,
    unrecognized,
};
use zoetrope_node_sdk::ticket::Ticket;

use super::clip::{no_clip, no_local_files, success};
use super::options::{JOBS, Jobs};
use crate::providers::status::Status;

/// The functions of [`Provider`](zoetrope_node_sdk::node::Provider) for this wire.
impl Jobs {
    pub(super) fn submit(
        &self,
        connection: &Connection,
        node: &Node,
        input: &Map<String, Value>,
        idempotency_key: &str,
    ) -> Result<Request, NodeError> {
        let body = self.submit_body(connection, node.name, input)?;
        Ok(self
            .submit
            .request(connection, "")
            .json(&body)
            .header(&self.idempotency_header, idempotency_key))
    }

    pub(super) fn submitted(
        &self,
        connection: &Connection,
        node: &Node,
        reply: &Reply,
    ) -> Result<Started, NodeError> {
        if let Some(error) = self.faults().submit_error(reply) {
            return Err(error);
        }
        let document = reply.json().unwrap_or(Value::Null);
        let ids = IdPlaces {
            pointers: &[self.id_pointer.as_str()],
            header: &self.id_header,
        };
        let accepted = acceptance(node, connection, JOBS, reply, &document, &ids)?;
        if self.status(&document) == Some(Status::Succeeded) {
            // If there is no result now, the first poll reads it.
            if let Ok(Some(success)) = self.success(connection, node, reply, &document) {
                return Ok(Started::Finished(Completion {
                    ticket: accepted.ticket,
                    provider_job_id: Some(accepted.provider_job_id),
                    success,
                }));
            }
        }
        Ok(Started::Accepted(Acceptance {
            poll_after_ms: self.poll_after_ms(&document, reply),
            ..accepted
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
            return Ok(Next::Send(self.poll.request(connection, &ticket.job)));
        };
        if let Some(error) = self.faults().read_error(reply) {
            return Err(error);
        }
        let (document, word) = document_and_status(reply, &self.status_pointer)?;
        let waiting = |stage, message| {
            JobState::Waiting(Progress {
                fraction: self.fraction(&document),
                message,
                poll_after_ms: self.poll_after_ms(&document, reply),
                ..progress(stage, reply)
            })
        };
        let message = text_at(&document, &self.message_pointer);
        Ok(Next::Done(match self.status_words.meaning(&word) {
            Some(Status::Queued) => waiting(Stage::Queued, message),
            Some(Status::Running) => waiting(Stage::Running, message),
            Some(Status::Succeeded) => match self.success(connection, node, reply, &document)? {
                Some(success) => JobState::Succeeded(success),
                None => self.no_clip(&document, reply),
            },
            Some(Status::Failed) => JobState::Failed(self.failure(&document, reply)),
            Some(Status::Cancelled) => {
                JobState::Cancelled(self.settlement(&document, Charge::Unknown))
            }
            None => waiting(Stage::Unrecognized, Some(unrecognized(&word))),
        }))
    }

    pub(super) fn cancel(
        &self,
        connection: &Connection,
        ticket: &Ticket,
        replies: &[Reply],
    ) -> Result<Next<Cancellation>, NodeError> {
        let Some(endpoint) = &self.cancel else {
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
                if let Some(error) = self.faults().read_error(reply) {
                    return Err(error);
                }
                let document = reply.json().unwrap_or(Value::Null);
                self.cancellation(&document)
            }
        };
        Ok(Next::Done(answer))
    }

    pub(super) fn plan_upload(self) -> Result<Step, NodeError> {
        let files = self.files.ok_or_else(no_local_files)?;
        Ok(Step::Upload(Upload {
            method: files.method,
            path: files.path,
            body: Body::Multipart(Multipart {
                file_part: self.file_part,
                fields: Vec::new(),
            }),
        }))
    }

    pub(super) fn uploaded(
        &self,
        connection: &Connection,
        reply: &Reply,
    ) -> Result<Step, NodeError> {
        // An upload costs nothing and can be repeated.
        if let Some(error) = self.faults().submit_error(reply) {
            return Err(NodeError {
                charge: Charge::No,
                ..error
            });
        }
        let url = reply.json().and_then(|document| {
            let base = &self.files.as_ref()?.request(connection, "").url;
            let url = document.pointer(&self.file_url_pointer)?.as_str()?;
            Some(Value::from(
                resolved(base, url).unwrap_or_else(|| url.into()),
            ))
        });
        let expected = || {
            format!(
                "expected a JSON document with the file's URL at {}",
                self.file_url_pointer
            )
        };
        let url = url.ok_or_else(|| {
            let error = NodeError::protocol_violation(expected());
            NodeError {
                charge: Charge::No,
                next: NextStep::Retry,
                ..error
            }
        })?;
        Ok(Step::Value(json::text(&url)))
    }
}

/// Reads replies by the pointers of the options.
impl Jobs {
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

    /// The result of a cancellation answered with 2xx: the job's state in the reply decides. A
    /// reply without one, such as a page or an empty reply, confirms nothing.
    fn cancellation(&self, document: &Value) -> Cancellation {
        match self.status(document) {
            Some(Status::Cancelled) => {
                Cancellation::Cancelled(self.settlement(document, Charge::Unknown))
            }
            Some(Status::Succeeded | Status::Failed) => Cancellation::TooLate,
            _ => Cancellation::Requested,
        }
    }

    fn success(
        &self,
        connection: &Connection,
        node: &Node,
        reply: &Reply,
        document: &Value,
    ) -> Result<Option<Success>, NodeError> {
        let settlement = self.settlement(document, Charge::Yes);
        let pointer = &self.video_pointer;
        success(connection, node, reply, document, pointer, settlement)
    }

    fn no_clip(&self, document: &Value, reply: &Reply) -> JobState {
        let settlement = self.settlement(document, Charge::Unknown);
        let pointer = &self.video_pointer;
        no_clip(reply, document, pointer, &[document], settlement)
    }

    fn failure(&self, document: &Value, reply: &Reply) -> Failure {
        let (code, message) = (&self.error_code_pointer, &self.error_message_pointer);
        Failure {
            fault: reason_of(document, code, message, reply),
            settlement: self.settlement(document, Charge::Unknown),
        }
    }
}

#[cfg(test)]
mod tests;
