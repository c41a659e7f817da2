//! The broker: everything that leaves this process goes through here.
//!
//! A component's request is handled in this order, and nothing is sent before the last
//! check has passed:
//!
//! 1. the call may send at all, and has a connection;
//! 2. method, scheme, host, port and path against the policy ([`Denial`]);
//! 3. the whole body, capped and compared with its `content-length`: a component that
//!    stops halfway otherwise looks like one that has finished;
//! 4. the host's name ([`names`]) and every one of its addresses ([`AddressRule`]), then
//!    dialling one of *those*;
//! 5. TLS, with the name verified;
//! 6. the credential, for the connection's own origin only;
//! 7. the testimony that bytes are leaving, then the bytes;
//! 8. the reply: header and body capped, no redirect followed, no encoding accepted,
//!    the credential blotted out should the provider have echoed it.
//!
//! The host's own transfers (uploads, downloads, pictures) take the same way with their
//! own caps; only they follow redirects, each of which is checked anew.

use std::sync::Arc;
use std::time::Duration;

pub mod addresses;
mod client;
#[cfg(feature = "otlp")]
mod collector;
mod dial;
mod error;
mod fair;
mod fetch;
mod guest;
pub mod names;
mod policy;
mod pool;
mod resolver;
mod upload;
mod watch;

pub use dial::{Connect, SystemConnector};
pub use error::{BodyFault, Denial, EgressError, Lost, NotSent};
pub(crate) use fetch::Wanted;
pub use fetch::{FetchError, Fetched};
pub(crate) use guest::{GuestHttp, Sends};
pub(crate) use policy::may_climb;
pub use resolver::{AddressRule, Resolve, SystemResolver};
pub(crate) use upload::LocalPart;
pub use upload::UploadReply;

use client::Client;

/// How long and how much, for requests that a component makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Name, connection and TLS handshake together.
    pub connect: Duration,
    /// From the request to the reply's header.
    pub first_byte: Duration,
    /// Between two pieces of the reply's body.
    pub idle: Duration,
    /// The whole exchange. Shorter than a call's wall-clock limit, so that the
    /// component still learns of it. For what the host itself fetches: how long a body
    /// may take beyond what 32 KiB a second allow for it.
    pub total: Duration,
    /// Longest request body in bytes.
    pub request_body: u64,
    /// Longest reply header in bytes.
    pub reply_header: u64,
    /// Longest reply body in bytes.
    pub reply_body: u64,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(30),
            idle: Duration::from_secs(15),
            total: Duration::from_secs(30),
            // An input with a picture of 32 MiB in base64.
            request_body: 48 << 20,
            // Less than a component may hold (128 KiB), or its reading would trap.
            reply_header: 64 << 10,
            // Every protocol here answers in a few kilobytes.
            reply_body: 8 << 20,
        }
    }
}

/// The way out. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Egress(Arc<Inner>);

struct Inner {
    client: Client,
    limits: HttpLimits,
}

impl Egress {
    /// A broker with these limits and the system's resolver.
    #[must_use]
    pub fn new(limits: HttpLimits) -> Self {
        Self::with_resolver(limits, SystemResolver)
    }

    /// A broker that finds addresses through `resolver`.
    #[must_use]
    pub fn with_resolver(limits: HttpLimits, resolver: impl Resolve + 'static) -> Self {
        Self::with_parts(limits, resolver, SystemConnector)
    }

    /// A broker that finds addresses through `resolver` and dials them through
    /// `connector`.
    #[must_use]
    pub fn with_parts(
        limits: HttpLimits,
        resolver: impl Resolve + 'static,
        connector: impl Connect + 'static,
    ) -> Self {
        let client = Client::new(Box::new(resolver), Box::new(connector), &limits);
        Self(Arc::new(Inner { client, limits }))
    }

    /// The limits it was made with.
    #[must_use]
    pub fn limits(&self) -> &HttpLimits {
        &self.0.limits
    }

    fn client(&self) -> &Client {
        &self.0.client
    }
}

impl Default for Egress {
    fn default() -> Self {
        Self::new(HttpLimits::default())
    }
}

/// An error and its causes on one line, for logs and for the component's message.
pub(crate) fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !words.ends_with(&said) {
            words = format!("{words}: {said}");
        }
        cause = error.source();
    }
    words
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_what_the_documentation_says() {
        let limits = HttpLimits::default();
        assert_eq!(limits.connect, Duration::from_secs(10));
        assert_eq!(limits.first_byte, Duration::from_secs(30));
        assert_eq!(limits.total, Duration::from_secs(30));
        assert_eq!(limits.request_body, 48 * 1024 * 1024);
        assert_eq!(limits.reply_header, 64 * 1024);
        assert_eq!(limits.reply_body, 8 * 1024 * 1024);
    }
}
