//! The protocols on the wire, a file each: its routes, what they answer, and the words for it.

pub(crate) mod jobs;

use axum::http::StatusCode;

use crate::jobs::JobId;
use crate::refusal::Refusal;

/// Reads a job's id out of a request.
fn job_id(text: &str) -> Result<JobId, Refusal> {
    text.parse().map_err(|_| unknown_job())
}

fn unknown_job() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "unknown_job", "there is no such job")
}
