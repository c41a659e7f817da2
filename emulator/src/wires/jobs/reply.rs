//! A job in a reply of the `jobs` wire.

use std::time::Duration;

use serde::Serialize;

use crate::job::{Ending, JobId, Phase, View};

/// The advised pause before the next poll of a running job, or of one that waits for a renderer.
const POLL: Duration = Duration::from_millis(400);

/// The shortest advised pause between two polls.
const SHORTEST_POLL: Duration = Duration::from_millis(100);

/// A job in the replies of `POST /v1/jobs`, `GET /v1/jobs/{id}` and its cancellation.
#[derive(Debug, Serialize)]
pub(crate) struct JobReply {
    id: JobId,
    status: &'static str,
    progress: f64,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    poll_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Output>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    charged: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Output {
    video: String,
}

#[derive(Debug, Serialize)]
struct Problem {
    code: String,
    message: String,
}

impl JobReply {
    /// The reply for a job. `clip_url` is the URL of its clip, used if there is one.
    pub(crate) fn new(id: JobId, view: View, clip_url: String) -> Self {
        let frames = view.render_request.frames();
        let mut reply = Self {
            id,
            status: view.phase.status(),
            progress: 0.0,
            message: practice("waiting for a renderer"),
            poll_after_ms: None,
            output: None,
            error: None,
            charged: None,
        };
        match view.phase {
            // When a renderer will be free is unknown.
            Phase::Queued if view.wait.is_zero() => reply.poll_after_ms = Some(milliseconds(POLL)),
            Phase::Queued => reply.poll_after_ms = Some(milliseconds(view.wait)),
            Phase::Running { frames: done } => {
                reply.progress = f64::from(done) / f64::from(frames);
                reply.message = practice(&format!("{done} of {frames} frames are done"));
                reply.poll_after_ms = Some(milliseconds(POLL));
            }
            Phase::Ended(Ending::Succeeded { .. }) => {
                reply.progress = 1.0;
                reply.message = practice(&format!("all {frames} frames are done"));
                reply.output = Some(Output { video: clip_url });
                reply.charged = Some(true);
            }
            Phase::Ended(Ending::Failed { code, message }) => {
                reply.message = practice(&message);
                reply.error = Some(Problem { code, message });
                reply.charged = Some(false);
            }
            Phase::Ended(Ending::Cancelled) => {
                reply.message = practice("cancelled");
                reply.charged = Some(false);
            }
        }
        reply
    }
}

fn practice(message: &str) -> String {
    format!("Practice render, not an AI model: {message}.")
}

fn milliseconds(pause: Duration) -> u64 {
    u64::try_from(pause.max(SHORTEST_POLL).as_millis()).unwrap_or(u64::MAX)
}
