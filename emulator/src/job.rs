//! A job as the journal keeps it and as a poll sees it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::render_request::RenderRequest;

/// A job's name; 122 random bits, since it is part of a URL that needs no key.
pub(crate) type JobId = Uuid;

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    /// The clip is stored; its digest.
    Succeeded { sha256: String },
    /// There will be no clip.
    Failed { code: String, message: String },
    /// Somebody asked for that.
    Cancelled,
}

impl Ending {
    /// The word for it on the wire.
    pub(crate) fn status(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Waiting for its time and a free renderer.
    Queued,
    /// So many frames are done.
    Running { frames: u32 },
    /// Over.
    Ended(Ending),
}

impl Phase {
    /// The word for it on the wire.
    pub(crate) fn status(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running { .. } => "running",
            Self::Ended(ending) => ending.status(),
        }
    }
}

/// What a poll sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) render_request: Arc<RenderRequest>,
    pub(crate) phase: Phase,
    /// How long the job stays queued at least.
    pub(crate) wait: Duration,
    pub(crate) created_at: Timestamp,
    /// When a renderer took it; an earlier process's beginning is not remembered.
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
}

/// An idempotency key and the digest of the body that came with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Idempotency {
    pub(crate) key: String,
    pub(crate) body: String,
}
