//! Error replies, in the form that the wires share.

use std::error::Error;

use axum::Json;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::rejection::BytesRejection;
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE, RETRY_AFTER};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use tracing::error;

use crate::picture;
use crate::render_request::RenderRequestError;

/// A refused request: `{"error": {"code", "message"}}` with a status.
///
/// It is kept in the extensions of its reply, so that a wire can write it in its own form.
#[derive(Clone, Debug)]
pub(crate) struct Rejection {
    status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<(HeaderName, String)>,
}

impl Rejection {
    /// A rejection with a code for programs and a message for people.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            header: None,
        }
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Its code for programs.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// Its message for people.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Rewrites a reply that is a rejection; other replies stay unchanged.
    pub(crate) fn rewrite(
        mut reply: Response,
        words: impl FnOnce(&Self) -> (StatusCode, Value),
    ) -> Response {
        let Some(rejection) = reply.extensions_mut().remove::<Self>() else {
            return reply;
        };
        let (status, body) = words(&rejection);
        let (mut head, _) = reply.into_parts();
        head.status = status;
        head.headers.remove(CONTENT_LENGTH);
        Response::from_parts(head, body.to_string().into())
    }

    /// A body that could not be read.
    pub(crate) fn unreadable_body(status: StatusCode, message: String) -> Self {
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            let most = picture::MAX_BYTES >> 20;
            let message = format!("the body is too large; a picture has at most {most} MiB");
            Self::new(status, "too_large", message)
        } else {
            Self::new(status, "invalid_request", message)
        }
    }

    /// No route or resource has the path.
    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "no resource has this path",
        )
    }

    /// A range beyond the end of a file of this length.
    pub(crate) fn range(length: u64) -> Self {
        let status = StatusCode::RANGE_NOT_SATISFIABLE;
        let message = "the range is beyond the end of the file";
        Self {
            header: Some((CONTENT_RANGE, format!("bytes */{length}"))),
            ..Self::new(status, "range_not_satisfiable", message)
        }
    }

    /// The same rejection with `Retry-After: 1`.
    pub(crate) fn retry_in_a_second(self) -> Self {
        Self {
            header: Some((RETRY_AFTER, "1".to_owned())),
            ..self
        }
    }

    /// The data directory cannot be used.
    pub(crate) fn storage(error: &(dyn Error + 'static)) -> Self {
        error!(error, "cannot use the data directory");
        let message = "the practice provider cannot use its data directory";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "storage_failed", message)
    }

    /// An internal error.
    pub(crate) fn internal(error: &(dyn Error + 'static)) -> Self {
        error!(error, "cannot answer a request");
        let message = "the practice provider had an internal error";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl From<BytesRejection> for Rejection {
    fn from(rejection: BytesRejection) -> Self {
        Self::unreadable_body(rejection.status(), rejection.body_text())
    }
}

impl From<MultipartRejection> for Rejection {
    fn from(rejection: MultipartRejection) -> Self {
        Self::unreadable_body(rejection.status(), rejection.body_text())
    }
}

impl From<MultipartError> for Rejection {
    fn from(error: MultipartError) -> Self {
        Self::unreadable_body(error.status(), error.body_text())
    }
}

impl From<RenderRequestError> for Rejection {
    fn from(error: RenderRequestError) -> Self {
        let (status, code) = match &error {
            RenderRequestError::NotJson(_) => (StatusCode::BAD_REQUEST, "invalid_json"),
            RenderRequestError::NotASubmission(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
            RenderRequestError::UnknownAction(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "unknown_action")
            }
            RenderRequestError::Field { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_input"),
            RenderRequestError::TooLarge { .. } => {
                (StatusCode::PAYLOAD_TOO_LARGE, "picture_too_large")
            }
        };
        Self::new(status, code, error.to_string())
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Problem {
            code: &'static str,
            message: String,
        }
        #[derive(Serialize)]
        struct Body {
            error: Problem,
        }
        let error = Problem {
            code: self.code,
            message: self.message.clone(),
        };
        let header = self.header.clone().map(|header| [header]);
        let body = Json(Body { error });
        let mut reply = match header {
            Some(header) => (self.status, header, body).into_response(),
            None => (self.status, body).into_response(),
        };
        reply.extensions_mut().insert(self);
        reply
    }
}
