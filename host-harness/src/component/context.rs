//! The resources and the connection of a call.

use std::sync::Arc;
use std::time::Duration;

use crate::connections::OpenConnection;
use crate::egress::{Attachments, Egress, SubmitHook};
use crate::private_texts::PrivateTexts;

/// The limits of a call, besides memory, which is the engine's setting. The limits of a pack
/// ([`policy`](crate::policy)) can lower them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time in which the component runs; waiting for a provider does not count.
    pub cpu: Duration,
    /// Time from the call's beginning to its end. Longer than
    /// [`HttpLimits::total`](crate::egress::HttpLimits::total), so
    /// that a request to a slow provider fails before the component is stopped.
    pub wall: Duration,
    /// Most elements of all the component's tables together.
    pub table_elements: usize,
    /// Most bytes that one transfer between component and host may carry: a plan can hold
    /// its input twice.
    pub crossing_bytes: usize,
    /// Most resources (requests, bodies, streams) that may be open at once.
    pub resources: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(10),
            wall: Duration::from_mins(1),
            table_elements: 20_000,
            crossing_bytes: 128 << 20,
            resources: 256,
        }
    }
}

/// The connection, egress and limits of a call. Without connection and egress a call sends
/// nothing.
#[derive(Clone, Default)]
pub struct CallContext {
    pub(super) connection: Option<Arc<OpenConnection>>,
    pub(super) egress: Option<Egress>,
    pub(super) limits: Limits,
    pub(super) submit_hook: Option<Arc<dyn SubmitHook>>,
    pub(super) submit_path: Option<Arc<str>>,
    pub(super) is_unsubmitted: bool,
    /// The pictures and clips that are taken out of the replies of its calls.
    pub(super) attachments: Arc<Attachments>,
    /// The texts that the call's messages must not quote.
    pub(super) private_texts: PrivateTexts,
}

impl CallContext {
    /// Without connection and egress: sufficient for `node_types` and `check`.
    #[must_use]
    pub fn offline() -> Self {
        Self::default()
    }

    /// With this connection, reached through `egress`.
    #[must_use]
    pub fn online(egress: &Egress, connection: Arc<OpenConnection>) -> Self {
        Self {
            connection: Some(connection),
            egress: Some(egress.clone()),
            ..Self::default()
        }
    }

    /// With a connection and no egress: sufficient to preview a request.
    #[must_use]
    pub fn previewing(connection: Arc<OpenConnection>) -> Self {
        Self {
            connection: Some(connection),
            ..Self::default()
        }
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// With a hook that is called before the one request of a `start` or `cancel` that can cost
    /// money is sent.
    #[must_use]
    pub fn with_submit_hook(mut self, submit_hook: Arc<dyn SubmitHook>) -> Self {
        self.submit_hook = Some(submit_hook);
        self
    }

    /// With the path of the job's submit. A read by an unsafe method is not sent there, and a
    /// cancellation only where a granted route names that path.
    #[must_use]
    pub fn with_submit_path(mut self, path: Option<&str>) -> Self {
        self.submit_path = path.map(Into::into);
        self
    }

    /// For a job that was never submitted. It is read by safe methods alone, unless the pack is
    /// trusted.
    #[must_use]
    pub(crate) fn unsubmitted(mut self, is_unsubmitted: bool) -> Self {
        self.is_unsubmitted = is_unsubmitted;
        self
    }

    /// The texts that the messages of its answer must not quote.
    pub(crate) fn private_texts(&self) -> &PrivateTexts {
        &self.private_texts
    }

    /// With the texts that the messages of its answer must not quote.
    #[must_use]
    pub(crate) fn with_private_texts(mut self, private_texts: PrivateTexts) -> Self {
        self.private_texts = private_texts;
        self
    }

    /// The connection, if any.
    #[must_use]
    pub fn connection(&self) -> Option<&Arc<OpenConnection>> {
        self.connection.as_ref()
    }

    /// The egress, if any.
    #[must_use]
    pub fn egress(&self) -> Option<&Egress> {
        self.egress.as_ref()
    }

    /// The pictures and clips that were taken out of the replies of its calls.
    pub(crate) fn attachments(&self) -> &Attachments {
        &self.attachments
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::HttpLimits;

    #[test]
    fn wall_limit_of_a_call_exceeds_the_http_limits() {
        let (limits, http) = (Limits::default(), HttpLimits::default());
        assert!(limits.wall > http.total);
        assert!(http.total >= http.connect && http.total >= http.first_byte);
        assert!(limits.crossing_bytes as u64 > 2 * http.request_body);
    }
}
