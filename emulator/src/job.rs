//! A job in the journal and in the reply of a poll.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::render_request::RenderRequest;

/// A job's id, with 122 random bits: it is part of a URL that needs no key.
pub(crate) type JobId = Uuid;

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    /// The result is stored and has this digest.
    Succeeded { sha256: String },
    /// There is no result.
    Failed { code: String, message: String },
    /// The client cancelled it.
    Cancelled,
}

impl Ending {
    /// Its name on the wire.
    pub(crate) fn status(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The phase of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Waiting for the end of its queue time and a free renderer.
    Queued,
    /// This many frames are done.
    Running { frames: u32 },
    /// Ended.
    Ended(Ending),
}

impl Phase {
    /// Its name on the wire.
    pub(crate) fn status(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running { .. } => "running",
            Self::Ended(ending) => ending.status(),
        }
    }
}

/// The state of a job for a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) render_request: Arc<RenderRequest>,
    pub(crate) phase: Phase,
    /// The rest of the job's minimum time in the queue.
    pub(crate) wait: Duration,
    pub(crate) created_at: Timestamp,
    /// When a renderer of this process began it.
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
}

/// An idempotency key and the digest of the body that came with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Idempotency {
    pub(crate) key: String,
    pub(crate) body: String,
}
