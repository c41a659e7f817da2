//! Finds the job of a request among the jobs of the same protocol.

use axum::http::StatusCode;

use crate::job::{JobId, View};
use crate::jobs::Cancelling;
use crate::protocol::Protocol;
use crate::rejection::Rejection;
use crate::state::Server;

/// Parses a job's id.
pub(super) fn job_id(text: &str) -> Result<JobId, Rejection> {
    text.parse().map_err(|_| unknown_job())
}

/// A job of a protocol. To other protocols it is unknown.
pub(super) fn view(server: &Server, id: JobId, protocol: Protocol) -> Result<View, Rejection> {
    let view = server.render_queue.view(id);
    view.filter(|view| view.render_request.origin.protocol() == protocol)
        .ok_or_else(unknown_job)
}

/// Cancels a job of a protocol.
pub(super) async fn cancel(
    server: &Server,
    id: JobId,
    protocol: Protocol,
) -> Result<(), Rejection> {
    view(server, id, protocol)?;
    match server.render_queue.cancel(id).await? {
        Cancelling::Claimed | Cancelling::Already => Ok(()),
        Cancelling::TooLate => {
            let message = "the job has ended already";
            Err(Rejection::new(
                StatusCode::CONFLICT,
                "already_ended",
                message,
            ))
        }
        Cancelling::Unknown => Err(unknown_job()),
    }
}

pub(super) fn unknown_job() -> Rejection {
    Rejection::new(StatusCode::NOT_FOUND, "unknown_job", "no job has this id")
}
