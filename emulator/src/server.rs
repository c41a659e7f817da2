//! The HTTP surface: the `jobs` wire, uploads, files and clips.
//!
//! Jobs and uploads need the key. Files and clips do not: their names cannot be guessed, and a
//! result is a plain URL.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::multipart::{Multipart, MultipartError, MultipartRejection};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, LOCATION, WWW_AUTHENTICATE};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::{Bytes, BytesMut};
use serde::Serialize;

use crate::account::Account;
use crate::download;
use crate::faults::{self, Faults};
use crate::files::{self, FileName, sha256};
use crate::jobs::{Cancelling, Idempotency, JobId};
use crate::links::{ClipName, Links};
use crate::order;
use crate::picture;
use crate::polls::{self, Polls};
use crate::reply::{JobReply, Refusal};
use crate::studio::Studio;

/// The most bytes of a submission: a picture in base64, and room for the other fields.
const MAX_SUBMISSION: usize = picture::MAX_BYTES / 3 * 4 + (1 << 20);

/// The most bytes of an upload's frame around the picture: boundaries, headers, other fields.
const MAX_UPLOAD_FRAME: usize = 64 << 10;

/// The most characters of an idempotency key.
const MAX_KEY: usize = 255;

/// Where the account is; no fault touches it.
pub(crate) const ACCOUNT_PATH: &str = "/v1/practice/account";

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const PRACTICE_RENDER: HeaderName = HeaderName::from_static("x-practice-render");

/// What every request can use.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) studio: Arc<Studio>,
    pub(crate) polls: Arc<Polls>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) links: Arc<Links>,
    pub(crate) api_key: Arc<str>,
    /// Where it listens, for clients that do not say how they reached it.
    pub(crate) address: SocketAddr,
}

/// The routes.
pub(crate) fn router(server: Server) -> Router {
    let jobs = Router::new()
        .route(
            "/v1/jobs",
            post(submit).layer(DefaultBodyLimit::max(MAX_SUBMISSION)),
        )
        .route("/v1/jobs/{id}", get(poll))
        .route("/v1/jobs/{id}/cancel", post(cancel))
        .route(ACCOUNT_PATH, get(tell_account))
        .route(
            "/v1/files",
            post(upload).layer(DefaultBodyLimit::max(picture::MAX_BYTES + MAX_UPLOAD_FRAME)),
        )
        .route_layer(middleware::from_fn_with_state(server.clone(), require_key));
    let faults = Arc::clone(&server.faults);
    let polls = Arc::clone(&server.polls);
    Router::new()
        .route("/", get(about))
        .route("/v1/files/{name}", get(file))
        .route("/v1/clips/{name}", get(clip))
        .merge(jobs)
        .fallback(async || Refusal::not_found())
        .method_not_allowed_fallback(async || {
            let message = "there is something here, but not for this method";
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                message,
            )
        })
        .layer(middleware::from_fn_with_state(faults, faults::inject))
        .layer(middleware::from_fn_with_state(polls, polls::watch))
        .layer(middleware::map_response(mark))
        .with_state(server)
}

/// Says in every reply what this is.
async fn mark(mut response: Response) -> Response {
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
    // Digests differ unpredictably, so the comparison's duration tells nothing about the key.
    if key.is_some_and(|key| sha256(key.as_bytes()) == sha256(server.api_key.as_bytes())) {
        return next.run(request).await;
    }
    let message = "the request needs `Authorization: Bearer` with this practice provider's key";
    let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "unauthorized", message);
    ([(WWW_AUTHENTICATE, "Bearer")], refusal).into_response()
}

async fn submit(
    State(server): State<Server>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let body = body.map_err(|rejection| unread(rejection.status(), rejection.body_text()))?;
    let idempotency = idempotency(&headers, &body)?;
    let (id, is_new) = server
        .studio
        .submit(order::read(&body)?, idempotency)
        .await?;
    let reply = server.job(id, &headers)?;
    let location = [(LOCATION, format!("/v1/jobs/{id}"))];
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, location, Json(reply)).into_response())
}

fn idempotency(headers: &HeaderMap, body: &[u8]) -> Result<Option<Idempotency>, Refusal> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(key) if (1..=MAX_KEY).contains(&key.len()) => Ok(Some(Idempotency {
            key: key.to_owned(),
            body: sha256(body),
        })),
        _ => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "invalid_idempotency_key",
            format!("the idempotency key needs 1 to {MAX_KEY} visible ASCII characters"),
        )),
    }
}

async fn poll(
    State(server): State<Server>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<JobReply>, Refusal> {
    let id = job_id(&id)?;
    server.links.renew(id);
    server.job(id, &headers).map(Json)
}

async fn cancel(
    State(server): State<Server>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<JobReply>, Refusal> {
    let id = job_id(&id)?;
    match server.studio.cancel(id).await? {
        Cancelling::Claimed | Cancelling::Already => server.job(id, &headers).map(Json),
        Cancelling::TooLate => {
            let message = "the job has ended already";
            Err(Refusal::new(StatusCode::CONFLICT, "already_ended", message))
        }
        Cancelling::Unknown => Err(unknown_job()),
    }
}

async fn upload(
    State(server): State<Server>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Refusal> {
    #[derive(Serialize)]
    struct Uploaded {
        url: String,
    }
    let form = form.map_err(|rejection| unread(rejection.status(), rejection.body_text()))?;
    let bytes = uploaded_file(form).await?;
    let name = FileName::of(&bytes).ok_or_else(|| {
        let message = "the file is neither PNG, JPEG nor WebP";
        Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            message,
        )
    })?;
    let url = format!("{}{}{name}", server.base_url(&headers), files::PATH);
    server.studio.store(name, bytes).await?;
    Ok((StatusCode::CREATED, Json(Uploaded { url })).into_response())
}

/// The part `file` of an upload.
async fn uploaded_file(mut form: Multipart) -> Result<Bytes, Refusal> {
    let broken = |error: MultipartError| unread(error.status(), error.body_text());
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        if field.name() != Some("file") {
            continue;
        }
        let mut bytes = BytesMut::new();
        while let Some(chunk) = field.chunk().await.map_err(broken)? {
            if bytes.len() + chunk.len() > picture::MAX_BYTES {
                return Err(unread(StatusCode::PAYLOAD_TOO_LARGE, String::new()));
            }
            bytes.extend_from_slice(&chunk);
        }
        return Ok(bytes.freeze());
    }
    Err(Refusal::new(
        StatusCode::BAD_REQUEST,
        "invalid_request",
        "the form has no part `file`",
    ))
}

async fn file(
    State(server): State<Server>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let name: FileName = name.parse().map_err(|_| Refusal::not_found())?;
    let path = server.studio.file(&name);
    download::send(&path, name.kind().media_type(), name.digest(), &headers).await
}

async fn clip(
    State(server): State<Server>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let name = ClipName::parse(&name).ok_or_else(Refusal::not_found)?;
    if let Some(status) = server.links.death(name) {
        return Ok(faults::dead(status));
    }
    let clip = server.studio.clip(name.job);
    let (path, digest) = clip.ok_or_else(Refusal::not_found)?;
    download::send(&path, "video/mp4", &digest, &headers).await
}

async fn tell_account(State(server): State<Server>) -> Json<Account> {
    Json(account(&server.studio, &server.polls))
}

/// What happened to the jobs, and how they were polled.
pub(crate) fn account(studio: &Studio, polls: &Polls) -> Account {
    Account {
        most_polls_at_once_for_one_job: polls.most(),
        ..studio.account()
    }
}

async fn about() -> Html<&'static str> {
    Html(include_str!("about.html"))
}

impl Server {
    fn job(&self, id: JobId, headers: &HeaderMap) -> Result<JobReply, Refusal> {
        let view = self.studio.view(id).ok_or_else(unknown_job)?;
        let clip_url = format!("{}{}", self.base_url(headers), self.links.path(id));
        Ok(JobReply::new(id, view, clip_url))
    }

    /// How the client reached this server: URLs in replies are to be right for whoever asks, also
    /// after a restart on another port.
    fn base_url(&self, headers: &HeaderMap) -> String {
        let host = headers
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .and_then(|host| host.parse::<Authority>().ok())
            .filter(|host| !host.as_str().contains('@'));
        host.map_or_else(|| base_url(self.address), |host| format!("http://{host}"))
    }
}

/// The URL of a server that listens here.
pub(crate) fn base_url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

fn job_id(text: &str) -> Result<JobId, Refusal> {
    text.parse().map_err(|_| unknown_job())
}

fn unknown_job() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "unknown_job", "there is no such job")
}

/// A body that was not read to its end.
fn unread(status: StatusCode, message: String) -> Refusal {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let message = format!("a picture has at most {} MiB", picture::MAX_BYTES >> 20);
        Refusal::new(status, "too_large", message)
    } else {
        Refusal::new(status, "invalid_request", message)
    }
}
