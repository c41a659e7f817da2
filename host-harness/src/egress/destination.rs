//! The destination and the body of a request.

use std::io;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;

use super::resolver::AddressRule;
use crate::net::Origin;

/// An origin, and the addresses that it may have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Destination {
    pub(crate) origin: Origin,
    pub(crate) rule: AddressRule,
}

/// A request's body. An error in it ends the connection.
pub(crate) type RequestBody = UnsyncBoxBody<Bytes, io::Error>;

/// A body of these bytes.
pub(crate) fn full(bytes: Bytes) -> RequestBody {
    http_body_util::Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}
