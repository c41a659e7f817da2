//! The egress: one HTTP client, its limits, and its connection pool.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::client::Client;
use super::dial::{Connect, SystemConnector};
use super::limits::HttpLimits;
use super::long_reply::{LongReply, MAX_LONG_REPLIES};
use super::resolver::{Resolve, SystemResolver};

/// Sends every request of this process. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Egress(Arc<Inner>);

struct Inner {
    client: Client,
    limits: HttpLimits,
    /// The permits of long replies.
    long_replies: Arc<Semaphore>,
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
        Self(Arc::new(Inner {
            client,
            limits,
            long_replies: Arc::new(Semaphore::new(MAX_LONG_REPLIES)),
        }))
    }

    /// The limits it was made with.
    #[must_use]
    pub fn limits(&self) -> &HttpLimits {
        &self.0.limits
    }

    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    /// Permission to read a reply of up to `limit` bytes.
    pub(super) fn long_reply(&self, limit: u64) -> LongReply {
        LongReply::new(Arc::clone(&self.0.long_replies), limit)
    }
}

impl Default for Egress {
    fn default() -> Self {
        Self::new(HttpLimits::default())
    }
}
