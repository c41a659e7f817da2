//! The job that a request names, if it came by the same protocol.

use axum::http::StatusCode;

use crate::job::{JobId, View};
use crate::jobs::Cancelling;
use crate::protocol::Protocol;
use crate::refusal::Refusal;
use crate::state::Server;

/// Reads a job's id out of a request.
pub(super) fn job_id(text: &str) -> Result<JobId, Refusal> {
    text.parse().map_err(|_| unknown_job())
}

/// A job that came by a protocol; the others know nothing of it.
pub(super) fn view(server: &Server, id: JobId, protocol: Protocol) -> Result<View, Refusal> {
    let view = server.studio.view(id);
    view.filter(|view| view.order.origin.protocol() == protocol)
        .ok_or_else(unknown_job)
}

/// Cancels a job that came by a protocol.
pub(super) async fn cancel(server: &Server, id: JobId, protocol: Protocol) -> Result<(), Refusal> {
    view(server, id, protocol)?;
    match server.studio.cancel(id).await? {
        Cancelling::Claimed | Cancelling::Already => Ok(()),
        Cancelling::TooLate => {
            let message = "the job has ended already";
            Err(Refusal::new(StatusCode::CONFLICT, "already_ended", message))
        }
        Cancelling::Unknown => Err(unknown_job()),
    }
}

pub(super) fn unknown_job() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "unknown_job", "there is no such job")
}
