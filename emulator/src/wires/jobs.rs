//! The `jobs` wire, the plain protocol of Zoetrope's `PixelML` connection.

mod reply;
pub(crate) mod submission;

use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Serialize;

use self::reply::JobReply;
use super::lookup::{self, job_id, view};
use crate::files::{self, sha256};
use crate::input::MAX_SUBMISSION;
use crate::job::{Idempotency, JobId};
use crate::protocol::{IDEMPOTENCY_KEY, Protocol};
use crate::rejection::Rejection;
use crate::state::Server;
use crate::upload::{self, MAX_UPLOAD};

/// The most characters of an idempotency key.
const MAX_KEY: usize = 255;

/// The routes, which need the key.
pub(crate) fn routes() -> Router<Server> {
    Router::new()
        .route(
            "/v1/jobs",
            post(submit).layer(DefaultBodyLimit::max(MAX_SUBMISSION)),
        )
        .route("/v1/jobs/{id}", get(poll))
        .route("/v1/jobs/{id}/cancel", post(cancel))
        .route(
            "/v1/files",
            post(upload).layer(DefaultBodyLimit::max(MAX_UPLOAD)),
        )
}

/// The job that a `GET` polls.
pub(super) fn polled(uri: &Uri) -> Option<JobId> {
    uri.path().strip_prefix("/v1/jobs/")?.parse().ok()
}

async fn submit(
    State(server): State<Server>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Rejection> {
    let body = body?;
    let idempotency = idempotency(&headers, &body)?;
    let (id, is_new) = server
        .render_queue
        .submit(submission::read(&body)?, idempotency)
        .await?;
    let reply = job(&server, id, &headers)?;
    let location = [(LOCATION, format!("/v1/jobs/{id}"))];
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, location, Json(reply)).into_response())
}

fn idempotency(headers: &HeaderMap, body: &[u8]) -> Result<Option<Idempotency>, Rejection> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(key) if (1..=MAX_KEY).contains(&key.len()) => Ok(Some(Idempotency {
            key: key.to_owned(),
            body: sha256(body),
        })),
        _ => Err(Rejection::new(
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
) -> Result<Json<JobReply>, Rejection> {
    let id = job_id(&id)?;
    server.result_urls.renew(id);
    job(&server, id, &headers).map(Json)
}

async fn cancel(
    State(server): State<Server>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<JobReply>, Rejection> {
    let id = job_id(&id)?;
    lookup::cancel(&server, id, Protocol::PixelMl).await?;
    job(&server, id, &headers).map(Json)
}

async fn upload(
    State(server): State<Server>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Rejection> {
    #[derive(Serialize)]
    struct Uploaded {
        url: String,
    }
    let name = upload::store(&server, form).await?;
    let url = format!("{}{}{name}", server.base_url(&headers), files::PATH);
    Ok((StatusCode::CREATED, Json(Uploaded { url })).into_response())
}

fn job(server: &Server, id: JobId, headers: &HeaderMap) -> Result<JobReply, Rejection> {
    let view = view(server, id, Protocol::PixelMl)?;
    Ok(JobReply::new(id, view, server.clip_url(id, headers)))
}
