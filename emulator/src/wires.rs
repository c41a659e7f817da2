//! The protocols, one module each: routes, submissions and replies.

pub(crate) mod agenticflow;
pub(crate) mod jobs;
mod lookup;
pub(crate) mod popiart;
pub(crate) mod shortapi;

use axum::http::Uri;

use crate::job::JobId;

/// The job that a `GET` polls.
pub(crate) fn polled(uri: &Uri) -> Option<JobId> {
    let protocols = [
        jobs::polled,
        agenticflow::polled,
        shortapi::polled,
        popiart::polled,
    ];
    protocols.iter().find_map(|polled| polled(uri))
}
