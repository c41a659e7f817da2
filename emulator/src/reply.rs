//! What goes back over the wire as JSON: jobs and refusals.

use std::error::Error;
use std::time::Duration;

use axum::Json;
use axum::http::header::{CONTENT_RANGE, RETRY_AFTER};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tracing::error;

use crate::jobs::{Ending, JobId, Phase, View};
use crate::order::OrderError;
use crate::studio::StudioError;

/// How soon a job that is running, or about to, is worth another look.
const POLL: Duration = Duration::from_millis(400);

/// The shortest pause between two polls that is ever advised.
const SHORTEST_POLL: Duration = Duration::from_millis(100);

/// A job, as `POST /v1/jobs`, `GET /v1/jobs/{id}` and its cancellation answer it.
#[derive(Debug, Serialize)]
pub(crate) struct JobReply {
    id: JobId,
    status: &'static str,
    progress: f64,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    poll_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Output>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    charged: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Output {
    video: String,
}

#[derive(Debug, Serialize)]
struct Problem {
    code: String,
    message: String,
}

impl JobReply {
    /// Puts a job into words; `clip_url` is where its clip is, should there be one.
    pub(crate) fn new(id: JobId, view: View, clip_url: String) -> Self {
        let frames = view.frames;
        let mut reply = Self {
            id,
            status: view.phase.status(),
            progress: 0.0,
            message: practice("waiting for a renderer"),
            poll_after_ms: None,
            output: None,
            error: None,
            charged: None,
        };
        match view.phase {
            // Nobody knows when a renderer will be free.
            Phase::Queued if view.wait.is_zero() => reply.poll_after_ms = Some(milliseconds(POLL)),
            Phase::Queued => reply.poll_after_ms = Some(milliseconds(view.wait)),
            Phase::Running { frames: done } => {
                reply.progress = f64::from(done) / f64::from(frames);
                reply.message = practice(&format!("{done} of {frames} frames are done"));
                reply.poll_after_ms = Some(milliseconds(POLL));
            }
            Phase::Ended(Ending::Succeeded { .. }) => {
                reply.progress = 1.0;
                reply.message = practice(&format!("all {frames} frames are done"));
                reply.output = Some(Output { video: clip_url });
                reply.charged = Some(true);
            }
            Phase::Ended(Ending::Failed { code, message }) => {
                reply.message = practice(&message);
                reply.error = Some(Problem { code, message });
                reply.charged = Some(false);
            }
            Phase::Ended(Ending::Cancelled) => {
                reply.message = practice("cancelled");
                reply.charged = Some(false);
            }
        }
        reply
    }
}

fn practice(message: &str) -> String {
    format!("Practice render, not an AI model: {message}.")
}

fn milliseconds(pause: Duration) -> u64 {
    u64::try_from(pause.max(SHORTEST_POLL).as_millis()).unwrap_or(u64::MAX)
}

/// A request that is not done; `{"error": {"code", "message"}}` with a status.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<(HeaderName, String)>,
}

impl Refusal {
    /// A refusal with a code for programs and a sentence for people.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            header: None,
        }
    }

    /// Neither a route nor a thing behind one.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here")
    }

    /// A range behind the end of a file of this length.
    pub(crate) fn range(length: u64) -> Self {
        let status = StatusCode::RANGE_NOT_SATISFIABLE;
        let message = "the range lies behind the end of the file";
        Self {
            header: Some((CONTENT_RANGE, format!("bytes */{length}"))),
            ..Self::new(status, "range_not_satisfiable", message)
        }
    }

    /// The data directory fails.
    pub(crate) fn storage(error: &(dyn Error + 'static)) -> Self {
        error!(error, "the data directory fails");
        let message = "the practice provider cannot use its data directory";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "storage_failed", message)
    }

    /// A fault of this program.
    pub(crate) fn internal(error: &(dyn Error + 'static)) -> Self {
        error!(error, "a request could not be answered");
        let message = "the practice provider has a fault";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl From<OrderError> for Refusal {
    fn from(error: OrderError) -> Self {
        let (status, code) = match &error {
            OrderError::NotJson(_) => (StatusCode::BAD_REQUEST, "invalid_json"),
            OrderError::NotASubmission => (StatusCode::BAD_REQUEST, "invalid_request"),
            OrderError::UnknownAction => (StatusCode::UNPROCESSABLE_ENTITY, "unknown_action"),
            OrderError::Field { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_input"),
            OrderError::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "picture_too_large"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<StudioError> for Refusal {
    fn from(error: StudioError) -> Self {
        let refusal = |status, code| Self::new(status, code, error.to_string());
        match &error {
            StudioError::KeyReused => refusal(StatusCode::CONFLICT, "idempotency_key_reused"),
            StudioError::Full => Self {
                header: Some((RETRY_AFTER, "1".to_owned())),
                ..refusal(StatusCode::TOO_MANY_REQUESTS, "too_many_jobs")
            },
            StudioError::Closing => Self {
                header: Some((RETRY_AFTER, "1".to_owned())),
                ..refusal(StatusCode::SERVICE_UNAVAILABLE, "closing")
            },
            StudioError::Storage(error) => Self::storage(error),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            error: Problem,
        }
        let error = Problem {
            code: self.code.to_owned(),
            message: self.message,
        };
        let header = self.header.map(|header| [header]);
        let body = Json(Body { error });
        match header {
            Some(header) => (self.status, header, body).into_response(),
            None => (self.status, body).into_response(),
        }
    }
}
