//! The component's side of the broker: `wasi:http` without its default client.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{self, CONTENT_LENGTH, HeaderMap, HeaderName};
use http::{Method, Request, Response, request, response};
use http_body_util::{BodyExt as _, Full};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody,
    WasiHttpHooks,
};

use super::broker::Egress;
use super::client::{Reuse, send_safely};
use super::destination::{Destination, full};
use super::error::{BodyFault, Denial, EgressError, Lost, NotSent};
use super::gate::{Submission, SubmitGate};
use super::limits::HttpLimits;
use super::policy::{self, Permit};
use super::resolver::AddressRule;
use super::testimony::Testimony;
use super::watch;
use crate::connections::OpenConnection;
use crate::digest::Sha256Digest;
use crate::error::chain;
use crate::net::Origin;
use crate::policy::{Allowance, Bounds, Ceiling};
use crate::trace;

/// What a call may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sends {
    /// Nothing: `check`, `node-types`, `media`.
    Nothing,
    /// One request that can cost money, and any number that cannot.
    OneSubmit,
    /// One request that changes something, and any number that do not: `cancel`.
    OneChange,
    /// Requests that change nothing: `poll`, `adopt`.
    Reads,
}

/// One call's way out.
#[derive(Clone)]
pub(crate) struct GuestHttp {
    pub(crate) sends: Sends,
    pub(crate) egress: Option<Egress>,
    pub(crate) connection: Option<Arc<OpenConnection>>,
    pub(crate) gate: Option<Arc<dyn SubmitGate>>,
    pub(crate) testimony: Arc<Testimony>,
    pub(crate) allowance: Arc<Allowance>,
    /// The whole exchange's time; less where the call's own time is short.
    pub(crate) patience: Duration,
    /// Requests that the call has made.
    pub(crate) made: Arc<AtomicU64>,
}

type Exchange = Box<
    dyn Future<
            Output = Result<
                (
                    Response<WasiBody>,
                    Box<dyn Future<Output = Result<(), Error>> + Send>,
                ),
                Error,
            >,
        > + Send,
>;

impl WasiHttpHooks for GuestHttp {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        let connection = self.connection.clone();
        Arc::new(move |name| is_forbidden(name, connection.as_deref()))
    }

    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        is_forbidden(name, self.connection.as_deref())
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Exchange {
        let way = self.clone();
        // It is carried out by a task of its own, which has neither span nor trace.
        Box::new(
            trace::going_along(async move {
                let response = way.exchange(request, options.unwrap_or_default()).await?;
                let done: Box<dyn Future<Output = _> + Send> = Box::new(std::future::ready(Ok(())));
                Ok((response, done))
            })
            .in_current_span(),
        )
    }
}

/// What makes some servers take a request for one of another method: a read that is a
/// submit.
const OTHER_METHOD: [&str; 3] = [
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// Whether only the host may set this header. What is refused in requests is also
/// taken out of replies.
pub(crate) fn is_forbidden(name: &HeaderName, connection: Option<&OpenConnection>) -> bool {
    DEFAULT_FORBIDDEN_HEADERS.contains(name)
        || matches!(
            *name,
            header::AUTHORIZATION | header::COOKIE | header::SET_COOKIE
        )
        || [trace::TRACEPARENT, trace::TRACESTATE].contains(name)
        // They change how the request itself travels.
        || matches!(*name, header::EXPECT | header::TE | header::TRAILER)
        || OTHER_METHOD.contains(&name.as_str())
        || connection
            .and_then(OpenConnection::credential)
            .is_some_and(|credential| credential.name() == name)
}

impl GuestHttp {
    async fn exchange(
        self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, Error> {
        match self.answered(request, options).await {
            Ok(response) => Ok(response),
            Err(error) => {
                self.testimony.note_trouble(chain(&error));
                Err(error.into())
            }
        }
    }

    async fn answered(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, EgressError> {
        let (egress, connection) = self.admitted(request.method()).map_err(refused)?;
        let permissions = self.allowance.permissions();
        let limits = bounded(egress.limits(), permissions.bounds(), self.patience);
        let deadline = Instant::now() + limits.total;
        let (parts, body) = request.into_parts();
        let permit = policy::permitted_to(
            permissions,
            connection.base_url(),
            &parts.method,
            &parts.uri,
        )
        .map_err(refused)?;
        self.count(&parts.headers)?;
        let body = timeout_at(deadline, whole(body, &parts.headers, limits.request_body))
            .await
            .unwrap_or(Err(BodyFault::Unfinished))
            .map_err(NotSent::Body)?;
        // Some servers leave it on the connection, to be read as the next request.
        if parts.method.is_safe() && !body.is_empty() {
            return Err(NotSent::Body(BodyFault::Unexpected).into());
        }

        let order = Order {
            permit,
            parts,
            body,
            options,
        };
        let destination = order.destination(connection);
        let destination = destination.ok_or(NotSent::denied(Denial::Url))?;
        let (method, path) = (&order.parts.method, order.parts.uri.path());
        let span = watch::span(method, &destination.origin, path, order.body.len() as u64);
        let sent = self.transmitted(egress, connection, &order, &destination, &limits, deadline);
        let (mut header, mut bytes) = watch::told(span, sent).await?;
        if let Some(credential) = connection.credential() {
            credential.blot_headers(&mut header.headers);
            bytes = credential.blot(bytes);
        }
        let body = Full::new(bytes).map_err(|never| match never {});
        Ok(Response::from_parts(header, body.boxed_unsync()))
    }

    /// Whether the call may send such a request at all, and over what.
    fn admitted(&self, method: &Method) -> Result<(&Egress, &OpenConnection), Denial> {
        if self.sends == Sends::Nothing {
            return Err(Denial::CallSendsNothing);
        }
        let (Some(egress), Some(connection)) = (&self.egress, &self.connection) else {
            return Err(Denial::NoConnection);
        };
        if !method.is_safe() {
            if self.sends == Sends::Reads {
                self.allowance.permissions().unsafe_read(method)?;
            } else if self.testimony.has_submitted() {
                return Err(Denial::SecondSubmit);
            }
        }
        Ok((egress, connection))
    }

    /// Counts the request, and refuses it beyond what the pack may send.
    fn count(&self, headers: &HeaderMap) -> Result<(), NotSent> {
        let permissions = self.allowance.permissions();
        let bounds = permissions.bounds();
        let beyond = |ceiling| refused(permissions.beyond(ceiling).into());
        if self.made.fetch_add(1, Ordering::Relaxed) >= bounds.of_one(Ceiling::RequestsPerCall) {
            return Err(beyond(Ceiling::RequestsPerCall));
        }
        if length_of(headers) > bounds.of_one(Ceiling::HeaderBytes) {
            return Err(beyond(Ceiling::HeaderBytes));
        }
        if !self.allowance.take_request() {
            let missing = permissions.beyond(Ceiling::RequestsPerMinute);
            return Err(NotSent::PutOff(missing));
        }
        Ok(())
    }

    /// Asks whoever keeps the books whether the one submit of a `start` may leave.
    async fn pass_the_gate(&self, order: &Order) -> Result<(), NotSent> {
        match &self.gate {
            Some(gate) if self.sends == Sends::OneSubmit => {
                let submission = Submission {
                    digest: digest_of(order),
                    parts: &order.parts,
                    body: &order.body,
                };
                gate.may_leave(submission)
                    .await
                    .then_some(())
                    .ok_or(NotSent::denied(Denial::HeldBack))
            }
            _ => Ok(()),
        }
    }

    /// Sends what has passed the policy and reads the whole reply.
    async fn transmitted(
        &self,
        egress: &Egress,
        connection: &OpenConnection,
        order: &Order,
        destination: &Destination,
        limits: &HttpLimits,
        deadline: Instant,
    ) -> Result<(response::Parts, Bytes), EgressError> {
        // A component may be less patient than the host, not more.
        let shorter = |limit: Duration, asked: Option<Duration>| asked.unwrap_or(limit).min(limit);
        let left = deadline.saturating_duration_since(Instant::now());
        let options = &order.options;
        let connect = shorter(limits.connect, options.connect_timeout).min(left);
        let first_byte = shorter(limits.first_byte, options.first_byte_timeout);
        let idle = shorter(limits.idle, options.between_bytes_timeout);

        let uri = order.uri(destination);
        let uri = uri.ok_or(NotSent::denied(Denial::Url))?;
        let is_to_provider = order.permit == Permit::Provider;
        let credential = connection.credential().filter(|_| is_to_provider);
        let build = || {
            let mut request = Request::new(full(order.body.clone()));
            *request.method_mut() = order.parts.method.clone();
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = order.parts.headers.clone();
            if is_to_provider {
                trace::stamp(request.headers_mut(), &destination.origin);
            }
            if let Some(credential) = credential {
                let headers = request.headers_mut();
                headers.insert(credential.name().clone(), credential.header_value());
            }
            request
        };
        let exchange = async {
            let client = egress.client();
            let reply = if order.parts.method.is_safe() {
                send_safely(client, destination, build, connect, first_byte).await?
            } else {
                self.pass_the_gate(order).await?;
                // Where a lost submit is made again under its key, a stale connection costs
                // a moment; elsewhere it would leave a question that nobody can answer.
                let reuse = match connection.connection().idempotency() {
                    Some(_) => Reuse::Recent,
                    None => Reuse::Fresh,
                };
                let channel = client.open(destination, reuse, connect).await?;
                self.testimony.note_submit(self.sends != Sends::Reads)?;
                channel.send(build(), first_byte).await?
            };
            if length_of(&reply.parts.headers) > limits.reply_header {
                let limit = limits.reply_header;
                return Err(Lost::HeaderTooLong { limit }.into());
            }
            Ok::<_, EgressError>(reply.collect(limits.reply_body, idle).await?)
        };
        // Opening ends before the deadline; what is late has left.
        timeout_at(deadline, exchange).await.unwrap_or_else(|_| {
            Err(EgressError::from(Lost::Timeout {
                after: limits.total,
            }))
        })
    }
}

/// A request that has passed the policy.
struct Order {
    permit: Permit,
    parts: request::Parts,
    body: Bytes,
    options: RequestOptions,
}

impl Order {
    /// Where it goes. Hosts besides the connection's own are on the internet.
    fn destination(&self, connection: &OpenConnection) -> Option<Destination> {
        let own = connection.base_url().origin();
        Some(match &self.permit {
            Permit::Provider => Destination {
                origin: own.clone(),
                rule: AddressRule::of_connection(own),
            },
            Permit::Besides(url) => Destination {
                origin: Origin::of(url)?,
                rule: AddressRule::PUBLIC,
            },
        })
    }

    /// Its URI with the destination's authority in its normal form.
    fn uri(&self, destination: &Destination) -> Option<http::Uri> {
        let path = self.parts.uri.path_and_query();
        let path = path.map_or("/", |path| path.as_str());
        format!("{}{path}", destination.origin).parse().ok()
    }
}

/// What holds for a pack's requests: the host's limits, or the pack's where these are lower.
fn bounded(limits: &HttpLimits, bounds: &Bounds, patience: Duration) -> HttpLimits {
    HttpLimits {
        total: limits.total.min(patience),
        request_body: limits
            .request_body
            .min(bounds.of_one(Ceiling::RequestBytes)),
        reply_header: limits.reply_header.min(bounds.of_one(Ceiling::HeaderBytes)),
        reply_body: limits.reply_body.min(bounds.of_one(Ceiling::ReplyBytes)),
        ..*limits
    }
}

/// Names and values together, in bytes.
fn length_of(headers: &HeaderMap) -> u64 {
    let lengths = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    lengths.sum::<usize>() as u64
}

fn refused(denial: Denial) -> NotSent {
    watch::denied(&denial);
    NotSent::denied(denial)
}

/// What a resubmission must be equal in. Every part is preceded by its length, so that no
/// two requests look the same.
fn digest_of(order: &Order) -> Sha256Digest {
    let Order {
        parts,
        permit,
        body,
        ..
    } = order;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers: Vec<_> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    headers.sort_unstable();
    let mut digest = Sha256::new();
    let mut add = |part: &[u8]| {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    };
    add(parts.method.as_str().as_bytes());
    // The provider's own place may move, as a practice provider's port does.
    if let Permit::Besides(url) = permit {
        add(url.authority().as_bytes());
    }
    add(path.as_bytes());
    for (name, value) in headers {
        add(name.as_bytes());
        add(value);
    }
    add(body);
    digest.finalize().into()
}

/// The whole body, or what is wrong with it.
async fn whole(body: WasiBody, headers: &HeaderMap, limit: u64) -> Result<Bytes, BodyFault> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > limit) {
        return Err(BodyFault::TooLong(limit));
    }
    let mut body = Pin::new(Box::new(body));
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(|_| BodyFault::Broken)?.into_data() else {
            continue;
        };
        if (collected.len() + bytes.len()) as u64 > limit {
            return Err(BodyFault::TooLong(limit));
        }
        collected.extend_from_slice(&bytes);
    }
    let actual = collected.len() as u64;
    match announced {
        Some(announced) if announced != actual => Err(BodyFault::Length { announced, actual }),
        None if actual > 0 => Err(BodyFault::NoLength),
        _ => Ok(collected.freeze()),
    }
}

#[cfg(test)]
mod tests;
