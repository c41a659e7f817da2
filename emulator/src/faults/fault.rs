//! One fault: a replacement for the reply of a request, or changes of it.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;

use super::distortion::Distortion;
use crate::connection::Disconnect;

/// The fault of one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fault {
    /// Whether the handler runs before a reply from the script or a disconnect.
    pub(crate) is_after: bool,
    /// A pause before it, or before the handler if it only changes the reply.
    pub(crate) delay: Duration,
    /// The connection ends without an answer.
    pub(crate) disconnect: Option<Disconnect>,
    /// The clip's URL expires.
    pub(crate) url: Option<UrlFault>,
    /// An answer instead of the handler's.
    pub(crate) canned: Option<Canned>,
    /// Changes of the reply, also of a canned one.
    pub(crate) distortion: Distortion,
}

impl Fault {
    /// Whether the handler does not run.
    pub(crate) fn replaces_handler(&self) -> bool {
        !self.is_after && (self.disconnect.is_some() || self.url.is_some() || self.canned.is_some())
    }
}

/// How a clip's URL expires. The next poll of its job gives a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UrlFault {
    /// From now on its status is this.
    Expired(StatusCode),
    /// The URL expires, and this reply redirects to the new one.
    Redirect(StatusCode),
}

/// A reply from the script.
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
