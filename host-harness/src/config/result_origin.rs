//! The origins of a connection's results that need not be public.

use std::str::FromStr;

use url::Host;

use crate::net::addresses::{AddressKind, classify};
use crate::net::hostnames::{self, NameKind};
use crate::net::{Origin, OriginError};

/// An item of `result_origins`: an origin that results may be fetched from.
pub(super) struct ResultOrigin(pub(super) Origin);

/// Why a text is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ResultOriginError {
    /// It is no origin.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// Nothing is ever fetched from there.
    #[error("a result is never fetched from a {} address", .0.as_str())]
    Address(AddressKind),
    /// Nothing is ever fetched from a metadata service.
    #[error("a result is never fetched from a cloud's metadata service")]
    Metadata,
}

impl FromStr for ResultOrigin {
    type Err = ResultOriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let origin: Origin = text.parse()?;
        let kind = match origin.host() {
            Host::Ipv4(address) => classify((*address).into()),
            Host::Ipv6(address) => classify((*address).into()),
            Host::Domain(name) if hostnames::classify(name) == Some(NameKind::Metadata) => {
                return Err(ResultOriginError::Metadata);
            }
            Host::Domain(_) => AddressKind::Public,
        };
        match kind {
            AddressKind::Public | AddressKind::Loopback | AddressKind::Private => Ok(Self(origin)),
            kind => Err(ResultOriginError::Address(kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_origin_is_public_private_or_of_this_machine() {
        for text in [
            "http://127.0.0.1:9000",
            "http://localhost:9000",
            "http://media.internal:8080",
            "https://10.0.0.7",
            "https://[fd12:3456:789a::1]",
            "https://cdn.example",
        ] {
            assert!(text.parse::<ResultOrigin>().is_ok(), "{text}");
        }
        for (text, expected) in [
            (
                "http://169.254.1.1",
                ResultOriginError::Address(AddressKind::LinkLocal),
            ),
            (
                "http://0xa9fea9fe",
                ResultOriginError::Address(AddressKind::Metadata),
            ),
            (
                "http://0.0.0.0",
                ResultOriginError::Address(AddressKind::Unspecified),
            ),
            (
                "http://metadata.google.internal",
                ResultOriginError::Metadata,
            ),
            ("media.internal", ResultOriginError::Origin(OriginError)),
            ("http://a.example/x", ResultOriginError::Origin(OriginError)),
        ] {
            assert_eq!(text.parse::<ResultOrigin>().err(), Some(expected), "{text}");
        }
    }
}
