//! Headers that only the host may set, its `user-agent`, and the length of a header section.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS;

use crate::connections::OpenConnection;
use crate::trace;

/// The `user-agent` of every request that does not set its own.
pub(super) const CLIENT_NAME: HeaderValue =
    HeaderValue::from_static(concat!("zoetrope/", env!("CARGO_PKG_VERSION")));

/// Headers that some servers take as the method, so that a `GET` could be a submit.
const OTHER_METHOD: [&str; 3] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// Whether only the host may set this header. Such headers are denied in requests and removed
/// from replies.
pub(super) fn is_forbidden(name: &HeaderName, connection: Option<&OpenConnection>) -> bool {
    DEFAULT_FORBIDDEN_HEADERS.contains(name)
        || matches!(
            *name,
            header::AUTHORIZATION | header::COOKIE | header::SET_COOKIE
        )
        || [trace::TRACEPARENT, trace::TRACESTATE].contains(name)
        // They change how the request is transferred.
        || matches!(*name, header::EXPECT | header::TE | header::TRAILER)
        || OTHER_METHOD.contains(&name.as_str())
        || connection
            .and_then(OpenConnection::credential)
            .is_some_and(|credential| credential.name() == name)
}

/// Names and values together, in bytes.
pub(super) fn length_of(headers: &HeaderMap) -> u64 {
    let lengths = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    lengths.sum::<usize>() as u64
}
