//! The wire of `PopiArt`: jobs and artifacts.
//!
//! Replies are wrapped: `{"ok": true, "data"}`, or `{"ok": false, "error"}`.

pub(crate) mod artifacts;
mod envelope;
pub(crate) mod submission;

use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use self::artifacts::ArtifactId;
use self::envelope::{Wrapped, wrapped};
use super::lookup::{self, job_id, view};
use crate::files::sha256;
use crate::job::{Ending, Idempotency, JobId, Phase};
use crate::protocol::Protocol;
use crate::rejection::Rejection;
use crate::render_request::Origin;
use crate::state::Server;
use crate::upload::MAX_UPLOAD;

/// The most bytes of a submission. It contains no picture.
const MAX_SUBMISSION: usize = 1 << 20;

/// The base path of the wire.
const BASE: &str = "/popiart/v1";

/// The routes, which need the key.
pub(crate) fn routes() -> Router<Server> {
    let routes = Router::new()
        .route(
            "/jobs",
            post(submit).layer(DefaultBodyLimit::max(MAX_SUBMISSION)),
        )
        .route("/jobs/{id}", get(poll))
        .route("/jobs/{id}/cancel", post(cancel))
        .route("/jobs/{id}/artifacts", get(artifacts::of_job))
        .route("/artifacts/{id}", get(artifacts::describe))
        .route("/artifacts/{id}/content", get(artifacts::content))
        .route(
            "/artifacts/upload",
            post(artifacts::upload).layer(DefaultBodyLimit::max(MAX_UPLOAD)),
        );
    Router::new().nest(BASE, routes)
}

/// The job that a `GET` polls.
pub(super) fn polled(uri: &Uri) -> Option<JobId> {
    let path = uri.path().strip_prefix(BASE)?;
    path.strip_prefix("/jobs/")?.parse().ok()
}

/// Rewrites a rejection in this wire's form.
pub(crate) async fn rewrite(reply: Response) -> Response {
    Rejection::rewrite(reply, |rejection| {
        let error = json!({
            "code": rejection.code(),
            "message": rejection.message(),
            "details": {},
        });
        (rejection.status(), json!({"ok": false, "error": error}))
    })
}

#[derive(Serialize)]
struct JobReply {
    job_id: JobId,
    status: &'static str,
    skill_id: String,
    /// The name of the renderer.
    model_id: &'static str,
    input: Box<RawValue>,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    artifact_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

#[derive(Serialize)]
struct Problem {
    code: String,
    message: String,
    details: serde_json::Map<String, serde_json::Value>,
}

async fn submit(
    State(server): State<Server>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Wrapped<JobReply>>), Rejection> {
    let body = body?;
    let (submission, key) = submission::read(&body, |id| artifacts::picture(&server, id))?;
    let idempotency = key.map(|key| Idempotency {
        key,
        body: sha256(&body),
    });
    let (id, is_new) = server.render_queue.submit(submission, idempotency).await?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, wrapped(job(&server, id)?)))
}

async fn poll(
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Result<Json<Wrapped<JobReply>>, Rejection> {
    job(&server, job_id(&id)?).map(wrapped)
}

async fn cancel(
    State(server): State<Server>,
    Path(id): Path<String>,
) -> Result<Json<Wrapped<JobReply>>, Rejection> {
    let id = job_id(&id)?;
    lookup::cancel(&server, id, Protocol::PopiArt).await?;
    job(&server, id).map(wrapped)
}

fn job(server: &Server, id: JobId) -> Result<JobReply, Rejection> {
    let view = view(server, id, Protocol::PopiArt)?;
    let Origin::PopiArt { skill_id, input } = &view.render_request.origin else {
        return Err(lookup::unknown_job());
    };
    let input =
        RawValue::from_string(input.clone()).map_err(|error| Rejection::internal(&error))?;
    let mut job = JobReply {
        job_id: id,
        status: "pending",
        skill_id: skill_id.clone(),
        model_id: "practice-render",
        input,
        created_at: view.created_at,
        started_at: view.started_at,
        finished_at: view.finished_at,
        artifact_ids: Vec::new(),
        error: None,
    };
    match view.phase {
        Phase::Queued => {}
        Phase::Running { .. } => job.status = "running",
        Phase::Ended(Ending::Succeeded { .. }) => {
            job.status = "done";
            job.artifact_ids = vec![ArtifactId::Result(id).to_string()];
        }
        Phase::Ended(Ending::Failed { code, message }) => {
            job.status = "failed";
            job.error = Some(Problem {
                code,
                message,
                details: serde_json::Map::new(),
            });
        }
        Phase::Ended(Ending::Cancelled) => job.status = "cancelled",
    }
    Ok(job)
}
