//! The middleware that applies faults to requests.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::header::{HOST, LOCATION, RANGE};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;
use tokio::time::sleep;
use tracing::info;

use super::clips::{ClipForm, Clips, FindClip};
use super::fault::{Canned, Fault, UrlFault};
use super::rule::Rule;
use super::schedule::Counter;
use crate::billing::BILLING_PATH;
use crate::concurrent_polls::PollGuard;
use crate::connection::ConnectionControl;
use crate::download;
use crate::protocol::IDEMPOTENCY_KEY;
use crate::rejection::Rejection;
use crate::result_urls::{self, ClipName, ResultUrls};

/// The rules of a script with their counters.
pub(crate) struct Faults {
    rules: Vec<Rule>,
    counters: Mutex<Vec<Counter>>,
    result_urls: Arc<ResultUrls>,
    find_clip: FindClip,
    /// Whether a rule writes other URLs of clips. Clips are then served wherever these lead.
    has_other_urls: bool,
}

impl Faults {
    pub(crate) fn new(rules: Vec<Rule>, result_urls: Arc<ResultUrls>, find_clip: FindClip) -> Self {
        let counters = rules.iter().map(|_| Counter::default()).collect();
        let has_other_urls = rules.iter().any(|rule| {
            let form = rule.fault.distortion.edits.clip;
            matches!(form, Some(ClipForm::Relative(_) | ClipForm::Several(_)))
        });
        Self {
            rules,
            counters: Mutex::new(counters),
            result_urls,
            find_clip,
            has_other_urls,
        }
    }

    /// The clip to which a URL of the script led.
    fn clip_elsewhere(&self, request: &Request) -> Option<ClipName> {
        let is_read = [Method::GET, Method::HEAD].contains(request.method());
        if !self.has_other_urls || !is_read {
            return None;
        }
        ClipName::parse(request.uri().path().rsplit('/').next()?)
    }

    /// The reply without a fault.
    async fn handle(&self, request: Request, elsewhere: Option<ClipName>, next: Next) -> Response {
        match elsewhere {
            Some(clip) => self.send_clip(clip, request.headers()).await,
            None => next.run(request).await,
        }
    }

    /// The reply of a clip, wherever it was asked for.
    async fn send_clip(&self, clip: ClipName, headers: &HeaderMap) -> Response {
        if let Some(status) = self.result_urls.expired(clip) {
            return expired_reply(status);
        }
        let Some((path, digest)) = (self.find_clip)(clip.job) else {
            return Rejection::not_found().into_response();
        };
        let sent = download::send(&path, "video/mp4", &digest, headers).await;
        sent.into_response()
    }

    /// The fault of the first rule that is due. The request of a clip at another path counts as
    /// one of its usual path. Every rule counts every request that it matches,
    /// so no rule shifts the schedule of another.
    fn next(&self, request: &Request, is_clip: bool) -> Option<(usize, &Fault)> {
        let mut path = request.uri().path();
        let name = path.rsplit('/').next().unwrap_or_default();
        let usual = format!("{}{name}", result_urls::PATH);
        if is_clip {
            path = &usual;
        }
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
    mut request: Request,
    next: Next,
) -> Response {
    let elsewhere = faults.clip_elsewhere(&request);
    let due = faults.next(&request, elsewhere.is_some());
    if due.is_some_and(|(_, fault)| !fault.distortion.encodings.is_empty()) {
        // As most servers do: what is compressed while it is sent has no ranges.
        request.headers_mut().remove(RANGE);
    }
    let control = request.extensions().get::<ConnectionControl>().cloned();
    let watched = request.extensions().get::<PollGuard>().cloned();
    let clip = elsewhere.or_else(|| ClipName::in_path(request.uri().path()));
    let host = request.headers().get(HOST).cloned();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let Some((rule, fault)) = due else {
        return faults.handle(request, elsewhere, next).await;
    };
    info!(rule, %method, path, "applying a fault");
    let control = control.unwrap_or_default();
    let made = if fault.replaces_handler() {
        // Reads the whole body: closing a socket with unread bytes resets the connection.
        drop(request.into_body().collect().await);
        sleep(fault.delay).await;
        None
    } else if fault.is_after {
        let made = faults.handle(request, elsewhere, next).await;
        sleep(fault.delay).await;
        Some(made)
    } else {
        sleep(fault.delay).await;
        Some(faults.handle(request, elsewhere, next).await)
    };
    if let Some(how) = fault.disconnect {
        match control.disconnect(how).await {}
    }
    let reply = faults
        .url_fault_reply(fault, clip)
        .or_else(|| fault.canned.as_ref().map(Canned::reply))
        .or(made)
        .unwrap_or_else(|| Rejection::not_found().into_response());
    let host = host.as_ref().and_then(|host| host.to_str().ok());
    let clips = Clips {
        find: &faults.find_clip,
        result_urls: &faults.result_urls,
        host: host.unwrap_or("localhost"),
    };
    let distortion = &fault.distortion;
    distortion.apply(reply, &clips, control, watched).await
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
