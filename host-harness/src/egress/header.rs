//! Headers: which of them only the host may set, and how long they are together.

use http::header::{self, HeaderMap, HeaderName};
use wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS;

use crate::connections::OpenConnection;
use crate::trace;

/// What makes some servers take a request for one of another method: a read that is a
/// submit.
const OTHER_METHOD: [&str; 3] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// Whether only the host may set this header. What is refused in requests is also
/// taken out of replies.
pub(super) fn is_forbidden(name: &HeaderName, connection: Option<&OpenConnection>) -> bool {
    DEFAULT_FORBIDDEN_HEADERS.contains(name)
        || matches!(
            *name,
            header::AUTHORIZATION | header::COOKIE | header::SET_COOKIE
        )
        || [trace::TRACEPARENT, trace::TRACESTATE].contains(name)
        // They change how the request itself travels.
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
