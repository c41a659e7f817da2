//! The HTTP routes: the wires, files, clips and the billing report.
//!
//! The wires and the billing report need the key. Files and clips do not: their names cannot be
//! guessed, and a result is a plain URL.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use crate::billing::{BILLING_PATH, Billing};
use crate::concurrent_polls::{self, ConcurrentPolls, PolledJob};
use crate::download;
use crate::faults;
use crate::files::{FileName, sha256};
use crate::job::View;
use crate::protocol::Protocol;
use crate::rejection::Rejection;
use crate::render_queue::RenderQueue;
use crate::result_urls::ClipName;
use crate::state::Server;
use crate::wires;

const PRACTICE_RENDER: HeaderName = HeaderName::from_static("x-practice-render");

/// The routes.
pub(crate) fn router(server: Server) -> Router {
    let with_key = |routes: Router<Server>| {
        routes.route_layer(middleware::from_fn_with_state(server.clone(), require_key))
    };
    let agenticflow = with_key(wires::agenticflow::routes());
    let shortapi = with_key(wires::shortapi::routes());
    let popiart = with_key(wires::popiart::routes());
    let faults = Arc::clone(&server.faults);
    let concurrent_polls: (_, PolledJob) = (Arc::clone(&server.concurrent_polls), wires::polled);
    Router::new()
        .route("/", get(about))
        .route("/v1/files/{name}", get(file))
        .route("/v1/clips/{name}", get(clip))
        .merge(with_key(
            Router::new().route(BILLING_PATH, get(send_billing)),
        ))
        .merge(with_key(wires::jobs::routes()))
        .merge(wires::agenticflow::redirects())
        .merge(agenticflow.layer(middleware::map_response(wires::agenticflow::rewrite)))
        .merge(shortapi.layer(middleware::map_response(wires::shortapi::rewrite)))
        .merge(popiart.layer(middleware::map_response(wires::popiart::rewrite)))
        .fallback(async || Rejection::not_found())
        .method_not_allowed_fallback(async || {
            let message = "this path does not support the method of the request";
            Rejection::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                message,
            )
        })
        .layer(middleware::from_fn_with_state(faults, faults::inject))
        .layer(middleware::from_fn_with_state(
            concurrent_polls,
            concurrent_polls::watch,
        ))
        .layer(middleware::map_response(mark_reply))
        .with_state(server)
}

/// Marks every reply as a practice render.
async fn mark_reply(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(PRACTICE_RENDER, HeaderValue::from_static("true"));
    response
}

async fn require_key(State(server): State<Server>, request: Request, next: Next) -> Response {
    let key = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, key)| key.trim());
    // Digests are compared, so that the duration of the comparison reveals nothing of the key.
    if key.is_some_and(|key| sha256(key.as_bytes()) == sha256(server.api_key.as_bytes())) {
        return next.run(request).await;
    }
    let message = "the request needs `Authorization: Bearer` with this practice provider's key";
    let rejection = Rejection::new(StatusCode::UNAUTHORIZED, "unauthorized", message);
    ([(WWW_AUTHENTICATE, "Bearer")], rejection).into_response()
}

async fn file(
    State(server): State<Server>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Rejection> {
    let name: FileName = name.parse().map_err(|_| Rejection::not_found())?;
    let path = server.render_queue.file(&name);
    download::send(&path, name.kind().media_type(), name.digest(), &headers).await
}

async fn clip(
    State(server): State<Server>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Rejection> {
    let name = ClipName::parse(&name).ok_or_else(Rejection::not_found)?;
    if let Some(status) = server.result_urls.expired(name) {
        return Ok(faults::expired_reply(status));
    }
    // PopiArt's clips are artifacts, which need the key.
    let is_public = |view: &View| view.render_request.origin.protocol() != Protocol::PopiArt;
    let clip = server
        .render_queue
        .view(name.job)
        .filter(is_public)
        .and_then(|_| server.render_queue.clip(name.job));
    let (path, digest) = clip.ok_or_else(Rejection::not_found)?;
    download::send(&path, "video/mp4", &digest, &headers).await
}

async fn send_billing(State(server): State<Server>) -> Json<Billing> {
    Json(billing(&server.render_queue, &server.concurrent_polls))
}

/// The billing report.
pub(crate) fn billing(render_queue: &RenderQueue, concurrent_polls: &ConcurrentPolls) -> Billing {
    Billing {
        most_polls_at_once_for_one_job: concurrent_polls.most(),
        ..render_queue.billing()
    }
}

async fn about() -> Html<&'static str> {
    Html(include_str!("about.html"))
}
