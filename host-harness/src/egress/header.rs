//! Headers that only the host may set, its `user-agent`, and the length of a header section.

use http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};

use super::error::Denial;
use crate::connections::OpenConnection;
use crate::reserved_headers::{is_reserved, is_same_header};

/// The `user-agent` of every request.
pub(super) const CLIENT_NAME: HeaderValue =
    HeaderValue::from_static(concat!("zoetrope/", env!("CARGO_PKG_VERSION")));

/// Whether only the host may set this header. Such headers are denied in requests and removed
/// from replies.
pub(super) fn is_forbidden(name: &HeaderName, connection: Option<&OpenConnection>) -> bool {
    is_reserved(name.as_str())
        || connection
            .and_then(OpenConnection::credential)
            .is_some_and(|credential| is_same_header(credential.name().as_str(), name.as_str()))
}

/// Refuses the headers of a request that only the host may set, and a length that servers could
/// read in two ways.
pub(super) fn check(headers: &HeaderMap, connection: &OpenConnection) -> Result<(), Denial> {
    let is_digits =
        |value: &HeaderValue| !value.is_empty() && value.as_bytes().iter().all(u8::is_ascii_digit);
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let is_clear = lengths.next().is_none_or(is_digits) && lengths.next().is_none();
    let forbidden = headers
        .keys()
        // The runtime sets `host`, and sending sets it again.
        .find(|name| **name != HOST && is_forbidden(name, Some(connection)))
        .or((!is_clear).then_some(&CONTENT_LENGTH));
    match forbidden {
        Some(name) => Err(Denial::Header(name.to_string())),
        None => Ok(()),
    }
}

/// Names and values together, in bytes.
pub(super) fn length_of(headers: &HeaderMap) -> u64 {
    let lengths = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    lengths.sum::<usize>() as u64
}
