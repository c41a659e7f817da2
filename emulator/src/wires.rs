//! The protocols on the wire, a file each: its routes, what they answer, and the words for it.

pub(crate) mod jobs;
pub(crate) mod popiart;
pub(crate) mod shortapi;

use axum::http::{StatusCode, Uri};

use crate::jobs::{Cancelling, JobId, View};
use crate::protocol::Protocol;
use crate::refusal::Refusal;
use crate::server::Server;

/// The job that a `GET` polls.
pub(crate) fn polled(uri: &Uri) -> Option<JobId> {
    let protocols = [jobs::polled, shortapi::polled, popiart::polled];
    protocols.iter().find_map(|polled| polled(uri))
}

/// Reads a job's id out of a request.
fn job_id(text: &str) -> Result<JobId, Refusal> {
    text.parse().map_err(|_| unknown_job())
}

/// A job that came by a protocol; the others know nothing of it.
fn view(server: &Server, id: JobId, protocol: Protocol) -> Result<View, Refusal> {
    let view = server.studio.view(id);
    view.filter(|view| view.order.origin.protocol() == protocol)
        .ok_or_else(unknown_job)
}

/// Cancels a job that came by a protocol.
async fn cancel(server: &Server, id: JobId, protocol: Protocol) -> Result<(), Refusal> {
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

fn unknown_job() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "unknown_job", "there is no such job")
}
