//! One fault: what happens to a request in place of its answer, or to the answer.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;

use super::distortion::Distortion;
use crate::connection::Disconnect;

/// What happens to one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fault {
    /// Whether it happens once the handler has done its work, not instead of that.
    pub(crate) is_after: bool,
    /// A pause before it, or before the handler if it only changes the reply.
    pub(crate) delay: Duration,
    /// The connection ends without an answer.
    pub(crate) hang_up: Option<Disconnect>,
    /// The clip's URL dies.
    pub(crate) link: Option<LinkFault>,
    /// An answer instead of the handler's.
    pub(crate) canned: Option<Canned>,
    /// What is done to the answer, whoever made it.
    pub(crate) distortion: Distortion,
}

impl Fault {
    /// Whether the handler is kept from the request.
    pub(crate) fn replaces_handler(&self) -> bool {
        !self.is_after && (self.hang_up.is_some() || self.link.is_some() || self.canned.is_some())
    }
}

/// How a clip's URL dies. The next poll of its job names a fresh one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkFault {
    /// From now on it answers this status.
    Dead(StatusCode),
    /// The same, and this time the answer leads to the fresh one.
    Redirect(StatusCode),
}

/// An answer from the script.
#[derive(Clone, Debug)]
pub(crate) struct Canned {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    pub(crate) media_type: Option<HeaderValue>,
}

impl Canned {
    pub(crate) fn reply(&self) -> Response {
        let mut reply = Response::new(Body::from(self.body.clone()));
        *reply.status_mut() = self.status;
        if let Some(media_type) = &self.media_type {
            reply.headers_mut().insert(CONTENT_TYPE, media_type.clone());
        }
        reply
    }
}
