//! The last stage: redacts the credential in the reply.

use bytes::Bytes;
use http::{Response, response};
use http_body_util::{BodyExt as _, Full};
use wasmtime_wasi_http::WasiBody;

use crate::connections::OpenConnection;

/// A reply in which the provider may have echoed the credential. It can be read only through
/// [`redact`](Self::redact).
pub(super) struct Unredacted<'a> {
    header: response::Parts,
    bytes: Bytes,
    connection: &'a OpenConnection,
}

impl<'a> Unredacted<'a> {
    /// A reply to a request that was sent over `connection`.
    pub(super) fn of(
        (header, bytes): (response::Parts, Bytes),
        connection: &'a OpenConnection,
    ) -> Self {
        Self {
            header,
            bytes,
            connection,
        }
    }

    /// The reply as the component may read it.
    pub(super) fn redact(self) -> Response<WasiBody> {
        let Self {
            mut header,
            mut bytes,
            connection,
        } = self;
        if let Some(credential) = connection.credential() {
            credential.redact_headers(&mut header.headers);
            bytes = credential.redact(bytes);
        }
        let body = Full::new(bytes).map_err(|never| match never {});
        Response::from_parts(header, body.boxed_unsync())
    }
}
