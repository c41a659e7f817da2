//! The state shared by all routes.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};

use crate::concurrent_polls::ConcurrentPolls;
use crate::faults::Faults;
use crate::job::JobId;
use crate::rejection::Rejection;
use crate::render_queue::{RenderQueue, RenderQueueError};
use crate::result_urls::ResultUrls;

/// The state of the server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) render_queue: Arc<RenderQueue>,
    pub(crate) concurrent_polls: Arc<ConcurrentPolls>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) result_urls: Arc<ResultUrls>,
    pub(crate) api_key: Arc<str>,
    /// The address it listens on, for requests without a `Host` header.
    pub(crate) address: SocketAddr,
}

impl Server {
    /// The URL of a job's clip, for the client of this request.
    pub(crate) fn clip_url(&self, id: JobId, headers: &HeaderMap) -> String {
        format!("{}{}", self.base_url(headers), self.result_urls.path(id))
    }

    /// The base URL by which the client reached this server. So URLs in replies work for every
    /// client, also after a restart on another port.
    pub(crate) fn base_url(&self, headers: &HeaderMap) -> String {
        let host = headers
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .and_then(|host| host.parse::<Authority>().ok())
            .filter(|host| !host.as_str().contains('@'));
        host.map_or_else(|| base_url(self.address), |host| format!("http://{host}"))
    }
}

impl From<RenderQueueError> for Rejection {
    fn from(error: RenderQueueError) -> Self {
        let rejection = |status, code| Self::new(status, code, error.to_string());
        match &error {
            RenderQueueError::KeyReused => {
                rejection(StatusCode::CONFLICT, "idempotency_key_reused")
            }
            RenderQueueError::Full => {
                rejection(StatusCode::TOO_MANY_REQUESTS, "too_many_jobs").retry_in_a_second()
            }
            RenderQueueError::Closing => {
                rejection(StatusCode::SERVICE_UNAVAILABLE, "closing").retry_in_a_second()
            }
            RenderQueueError::Storage(error) => Self::storage(error),
        }
    }
}

/// The base URL of a server with this address.
pub(crate) fn base_url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}
