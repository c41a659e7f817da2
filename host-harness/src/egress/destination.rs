//! Where a request goes, and what it carries.

use std::io;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;

use super::resolver::AddressRule;
use crate::net::Origin;

/// A place to send to, and which addresses it may have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Destination {
    pub(crate) origin: Origin,
    pub(crate) rule: AddressRule,
}

/// What a request carries. An error ends the connection, not only the body.
pub(crate) type RequestBody = UnsyncBoxBody<Bytes, io::Error>;

/// A body of these bytes.
pub(crate) fn full(bytes: Bytes) -> RequestBody {
    http_body_util::Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}
