//! The wire of `ShortAPI`, on which errors come with HTTP 200.
//!
//! There is no cancellation and no idempotency key: each submission creates a job.

pub(crate) mod submission;

use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::lookup::{unknown_job, view};
use crate::input::MAX_SUBMISSION;
use crate::job::{Ending, JobId, Phase};
use crate::protocol::{Protocol, SHORTAPI_AMOUNT};
use crate::rejection::Rejection;
use crate::state::Server;

const QUERY_PATH: &str = "/api/v1/job/query";

/// The routes, which need the key.
pub(crate) fn routes() -> Router<Server> {
    Router::new()
        .route(
            "/api/v1/job/create",
            post(create).layer(DefaultBodyLimit::max(MAX_SUBMISSION)),
        )
        .route(QUERY_PATH, get(query))
}

/// The job that a `GET` polls.
pub(super) fn polled(uri: &Uri) -> Option<JobId> {
    let query = uri.query().filter(|_| uri.path() == QUERY_PATH)?;
    let (_, id) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "id")?;
    id.parse().ok()
}

/// Rewrites a rejection in this wire's form: a code in the body and HTTP 200, except for a wrong
/// key and for errors of the server.
pub(crate) async fn rewrite(reply: Response) -> Response {
    Rejection::rewrite(reply, |rejection| {
        let status = rejection.status();
        let code = match status {
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            status => status,
        };
        let is_kept = status == StatusCode::UNAUTHORIZED || status.is_server_error();
        let body = json!({"code": code.as_u16(), "info": rejection.message()});
        (if is_kept { status } else { StatusCode::OK }, body)
    })
}

/// A reply without an error.
#[derive(Serialize)]
struct Answer<T> {
    code: u8,
    data: T,
}

fn answer<T>(data: T) -> Json<Answer<T>> {
    Json(Answer { code: 0, data })
}

#[derive(Serialize)]
struct Bill {
    amount: &'static str,
    job_id: JobId,
}

async fn create(
    State(server): State<Server>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Rejection> {
    let submission = submission::read(&body?)?;
    let (job_id, _) = server.render_queue.submit(submission, None).await?;
    let amount = SHORTAPI_AMOUNT;
    let Json(answer) = answer(Bill { amount, job_id });
    let answer = serde_json::to_string(&answer).map_err(|error| Rejection::internal(&error))?;
    Ok(with_job_id(&answer, job_id))
}

/// The reply to a create. The job's id is in `data`, as in the documented schema, and at the
/// top, as two of the page's samples read it. The third takes every `"job_id":` of the text as
/// the id, so the second one has a blank before its colon.
fn with_job_id(answer: &str, job_id: JobId) -> Response {
    let fields = answer.strip_suffix('}').unwrap_or(answer);
    let body = format!("{fields},\"job_id\" :\"{job_id}\"}}");
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

#[derive(Serialize)]
struct Queried {
    job_id: JobId,
    status: u8,
    amount: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refunded: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

async fn query(
    State(server): State<Server>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Json<Answer<Queried>>, Rejection> {
    let job_id = polled(&uri).ok_or_else(unknown_job)?;
    let view = view(&server, job_id, Protocol::ShortApi)?;
    server.result_urls.renew(job_id);
    let mut job = Queried {
        job_id,
        status: 0,
        amount: SHORTAPI_AMOUNT,
        result: None,
        refunded: None,
        error: None,
    };
    match view.phase {
        Phase::Queued => {}
        Phase::Running { .. } => job.status = 1,
        Phase::Ended(Ending::Succeeded { .. }) => {
            let url = server.clip_url(job_id, &headers);
            job.status = 2;
            job.result = Some(json!({"videos": [{"url": url}]}));
        }
        Phase::Ended(Ending::Failed { message, .. }) => {
            job.status = 3;
            job.refunded = Some(true);
            job.error = Some(message);
        }
        Phase::Ended(Ending::Cancelled) => {
            job.status = 3;
            job.refunded = Some(true);
            job.error = Some("the job was cancelled".to_owned());
        }
    }
    Ok(answer(job))
}
