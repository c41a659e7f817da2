//! The `agenticflow` wire: runs of workflows, as `AgenticFlow`'s API has them.
//!
//! Every `workflow_id` names a workflow of one node, which the input determines; see
//! [`submission`]. There is no cancellation and no idempotency key: each submission creates a run.

mod run;
pub(crate) mod submission;

use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, OriginalUri, Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};

use super::lookup::{job_id, view};
use crate::job::JobId;
use crate::protocol::Protocol;
use crate::rejection::Rejection;
use crate::render_request::RenderRequestError;
use crate::state::Server;

/// The most bytes of a submission. Replies repeat its input, so a picture inside it is small.
const MAX_SUBMISSION: usize = 1 << 20;

const PATH: &str = "/v1/workflow_runs/";

/// The routes, which need the key.
pub(crate) fn routes() -> Router<Server> {
    Router::new()
        .route(
            PATH,
            post(create).layer(DefaultBodyLimit::max(MAX_SUBMISSION)),
        )
        .route("/v1/workflow_runs/{id}", get(read))
}

/// The paths that lack the last slash or have one too many. As the API does, they redirect before
/// they read the key.
pub(crate) fn redirects() -> Router<Server> {
    Router::new()
        .route("/v1/workflow_runs", any(redirect))
        .route("/v1/workflow_runs/{id}/", any(redirect))
}

/// The run that a `GET` polls.
pub(super) fn polled(uri: &Uri) -> Option<JobId> {
    uri.path().strip_prefix(PATH)?.parse().ok()
}

/// Rewrites a rejection in this wire's form.
pub(crate) async fn rewrite(reply: Response) -> Response {
    Rejection::rewrite(reply, |rejection| {
        (rejection.status(), json!({"detail": rejection.message()}))
    })
}

async fn redirect(
    State(server): State<Server>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let path = match uri.path().strip_suffix('/') {
        Some(path) => path.to_owned(),
        None => format!("{}/", uri.path()),
    };
    let query = uri.query().map(|query| format!("?{query}"));
    let location = format!(
        "{}{path}{}",
        server.base_url(&headers),
        query.unwrap_or_default()
    );
    (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, location)]).into_response()
}

async fn create(
    State(server): State<Server>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Rejection> {
    let submission = match submission::read(&body?) {
        Ok(submission) => submission,
        Err(error) => return Ok(invalid(&error)),
    };
    let (id, _) = server.render_queue.submit(submission, None).await?;
    let mut run = run(&server, id, &headers)?;
    if run["status"] == "queued" {
        run["status"] = json!("created");
    }
    Ok(Json(run).into_response())
}

async fn read(
    State(server): State<Server>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Rejection> {
    let id = job_id(&id)?;
    server.result_urls.renew(id);
    run(&server, id, &headers).map(Json)
}

fn run(server: &Server, id: JobId, headers: &HeaderMap) -> Result<Value, Rejection> {
    let view = view(server, id, Protocol::AgenticFlow)?;
    let clip_url = server.clip_url(id, headers);
    run::document(id, &view, &clip_url).ok_or_else(super::lookup::unknown_job)
}

/// The reply to an invalid submission, an `HTTPValidationError`.
fn invalid(error: &RenderRequestError) -> Response {
    let (loc, kind, message) = match error {
        RenderRequestError::NotJson(error) => (
            json!(["body", error.column()]),
            "json_invalid",
            "JSON decode error".to_owned(),
        ),
        RenderRequestError::Field { field, rule } => {
            let loc = if submission::FIELDS.contains(field) {
                json!(["body", field])
            } else {
                json!(["body", "input", field])
            };
            if *rule == "is missing" {
                (loc, "missing", "Field required".to_owned())
            } else {
                (loc, "value_error", format!("Value error, {error}"))
            }
        }
        RenderRequestError::TooLarge { field } => (
            json!(["body", "input", field]),
            "value_error",
            format!("Value error, {error}"),
        ),
        RenderRequestError::NotASubmission(_) | RenderRequestError::UnknownAction(_) => (
            json!(["body"]),
            "model_attributes_type",
            "Input should be a valid dictionary or object to extract fields from".to_owned(),
        ),
    };
    let detail = json!([{"loc": loc, "msg": message, "type": kind}]);
    let body = Json(json!({ "detail": detail }));
    (StatusCode::UNPROCESSABLE_ENTITY, body).into_response()
}
