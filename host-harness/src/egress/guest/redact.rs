//! The last stage: redacts the credential in the reply.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, response};
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::WasiBody;

use crate::connections::OpenConnection;
use crate::egress::budget::Reserved;
use crate::egress::error::ReplyLost;
use crate::egress::redact::redacted;

/// The whole reply: its header, its text, and the memory that the text takes.
pub(super) type Received = (response::Parts, Bytes, Reserved);

/// A reply in which the provider may have echoed the credential. It can be read only through
/// [`redact`](Self::redact).
pub(super) struct Unredacted {
    reply: Received,
    connection: Option<Arc<OpenConnection>>,
}

impl Unredacted {
    /// A reply to a request that was sent over `connection`.
    pub(super) fn of(reply: Received, connection: Option<Arc<OpenConnection>>) -> Self {
        Self { reply, connection }
    }

    /// The reply as the component may read it. Its memory is released when the component has read
    /// it to its end, or dropped it.
    pub(super) async fn redact(self) -> Result<Response<WasiBody>, ReplyLost> {
        let Self {
            reply: (mut header, mut bytes, reserved),
            connection,
        } = self;
        if let Some(connection) = connection
            && let Some(credential) = connection.credential()
        {
            credential.redact_headers(&mut header.headers);
            bytes = redacted(bytes, &connection).await?;
        }
        let body = Full::new(Arc::new(reserved).holding(bytes)).map_err(|never| match never {});
        Ok(Response::from_parts(header, body.boxed_unsync()))
    }
}
