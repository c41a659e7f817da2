//! The HTTP access of one call.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::attachments::Attachments;
use super::memory::CallMemory;
use crate::connections::OpenConnection;
use crate::egress::broker::Egress;
use crate::egress::submit_hook::SubmitHook;
use crate::egress::transmission::Transmission;
use crate::policy::Quota;

/// What a call may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sends {
    /// Nothing: `check`, `node-types`, `media`.
    Nothing,
    /// One request that can cost money, and any number that cannot.
    OneSubmit,
    /// One request that changes something, and any number that do not: `cancel`.
    OneChange,
    /// Requests that change nothing: `poll`, `adopt`.
    Reads,
}

impl Sends {
    /// Whether the replies can hold a clip: those to `start` and `poll`.
    pub(super) fn receives_clips(self) -> bool {
        matches!(self, Self::OneSubmit | Self::Reads)
    }
}

/// The HTTP access of one call.
#[derive(Clone)]
pub(crate) struct GuestHttp {
    pub(crate) sends: Sends,
    pub(crate) egress: Option<Egress>,
    pub(crate) connection: Option<Arc<OpenConnection>>,
    pub(crate) submit_hook: Option<Arc<dyn SubmitHook>>,
    /// The path of the submit of the job, where neither cancellations nor reads by unsafe methods
    /// are sent.
    pub(crate) submit_path: Option<Arc<str>>,
    /// Whether the job was never submitted, so that it is read by safe methods alone.
    pub(crate) is_unsubmitted: bool,
    pub(crate) transmission: Arc<Transmission>,
    pub(crate) quota: Arc<Quota>,
    /// Upper bound for [`HttpLimits::total`](crate::egress::HttpLimits::total), from the call's
    /// wall-clock limit.
    pub(crate) total_timeout: Duration,
    /// Number of requests that the call has made.
    pub(crate) request_count: Arc<AtomicU64>,
    /// The pictures and clips that were taken out of the call's replies.
    pub(crate) attachments: Arc<Attachments>,
    /// The memory of its requests and replies.
    pub(crate) memory: Arc<CallMemory>,
}

impl GuestHttp {
    /// Whether at most one request of the call can have an unsafe method. A read can be one of several
    /// only if the pack is trusted, or the submit is known that it must not repeat.
    pub(super) fn changes_once(&self) -> bool {
        self.sends != Sends::Reads
            || self.submit_path.is_none() && !self.quota.permissions().is_trusted()
    }
}
