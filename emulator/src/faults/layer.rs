//! The middleware that applies faults to requests.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::http::uri::PathAndQuery;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;
use tokio::time::sleep;
use tracing::info;

use super::fault::{Canned, Fault, UrlFault};
use super::schedule::Counter;
use super::script::Rule;
use crate::billing::BILLING_PATH;
use crate::concurrent_polls::PollGuard;
use crate::connection::ConnectionControl;
use crate::protocol::IDEMPOTENCY_KEY;
use crate::rejection::Rejection;
use crate::result_urls::{ClipName, ResultUrls};

/// The rules of a script with their counters.
pub(crate) struct Faults {
    rules: Vec<Rule>,
    counters: Mutex<Vec<Counter>>,
    result_urls: Arc<ResultUrls>,
}

impl Faults {
    pub(crate) fn new(rules: Vec<Rule>, result_urls: Arc<ResultUrls>) -> Self {
        let counters = rules.iter().map(|_| Counter::default()).collect();
        Self {
            rules,
            counters: Mutex::new(counters),
            result_urls,
        }
    }

    /// The fault of the first rule that is due. Every rule counts every request that it matches,
    /// so no rule shifts the schedule of another.
    fn next(&self, request: &Request) -> Option<(usize, &Fault)> {
        let path = request.uri().path();
        // No fault applies to the billing report.
        if self.rules.is_empty() || path == BILLING_PATH {
            return None;
        }
        let key = request.headers().get(IDEMPOTENCY_KEY);
        let key = key.and_then(|key| key.to_str().ok());
        // Requests are counted by path and query: some protocols name the job in the query.
        let asked = request.uri().path_and_query();
        let asked = asked.map_or(path, PathAndQuery::as_str);
        let mut due = None;
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let rules = self.rules.iter().zip(counters.iter_mut()).enumerate();
        for (index, (rule, counter)) in rules {
            if rule.matching.matches(request.method(), path) {
                let number = counter.count(rule.schedule.count_by, asked, key);
                if due.is_none() && rule.schedule.include(number) {
                    due = Some((index, &rule.fault));
                }
            }
        }
        due
    }
}

/// Passes a request on, or applies its fault.
pub(crate) async fn inject(
    State(faults): State<Arc<Faults>>,
    request: Request,
    next: Next,
) -> Response {
    let Some((rule, fault)) = faults.next(&request) else {
        return next.run(request).await;
    };
    info!(rule, method = %request.method(), path = request.uri().path(), "applying a fault");
    let control = request.extensions().get::<ConnectionControl>().cloned();
    let control = control.unwrap_or_default();
    let watched = request.extensions().get::<PollGuard>().cloned();
    let clip = ClipName::in_path(request.uri().path());
    let made = if fault.replaces_handler() {
        // Reads the whole body: closing a socket with unread bytes resets the connection.
        drop(request.into_body().collect().await);
        sleep(fault.delay).await;
        None
    } else if fault.is_after {
        let made = next.run(request).await;
        sleep(fault.delay).await;
        Some(made)
    } else {
        sleep(fault.delay).await;
        Some(next.run(request).await)
    };
    if let Some(how) = fault.disconnect {
        match control.disconnect(how).await {}
    }
    let reply = faults
        .url_fault_reply(fault, clip)
        .or_else(|| fault.canned.as_ref().map(Canned::reply))
        .or(made)
        .unwrap_or_else(|| Rejection::not_found().into_response());
    fault.distortion.apply(reply, control, watched).await
}

impl Faults {
    /// Expires a clip's URL; the reply of that.
    fn url_fault_reply(&self, fault: &Fault, clip: Option<ClipName>) -> Option<Response> {
        let (UrlFault::Expired(status) | UrlFault::Redirect(status)) = fault.url?;
        let Some(clip) = clip else {
            return Some(expired_reply(status));
        };
        if matches!(fault.url, Some(UrlFault::Expired(_))) {
            self.result_urls.expire(clip, status);
            return Some(expired_reply(status));
        }
        self.result_urls.expire(clip, StatusCode::NOT_FOUND);
        self.result_urls.renew(clip.job);
        let location = [(LOCATION, self.result_urls.path(clip.job))];
        Some((status, location).into_response())
    }
}

/// The reply of an expired URL.
pub(crate) fn expired_reply(status: StatusCode) -> Response {
    let rejection = match status {
        StatusCode::NOT_FOUND => Rejection::not_found(),
        _ => Rejection::new(status, "expired", "this URL has expired"),
    };
    rejection.into_response()
}
