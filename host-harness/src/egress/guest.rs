//! The component's side of the broker: `wasi:http` without its default client.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{self, CONTENT_LENGTH, HeaderName};
use http::{Method, Request, Response, request, response};
use http_body_util::{BodyExt as _, Full};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody,
    WasiHttpHooks,
};

use super::client::{Destination, Reuse, full, send_safely};
use super::error::{BodyFault, Denial, EgressError, Lost, NotSent};
use super::policy;
use super::resolver::AddressRule;
use super::{Egress, in_words};
use crate::call::SubmitGate;
use crate::connections::OpenConnection;
use crate::digest::Sha256Digest;
use crate::testimony::Testimony;
use crate::urls::shown;

/// What a call may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sends {
    /// Nothing: `check`, `node-types`, `media`.
    Nothing,
    /// One request that can cost money, and any number that cannot.
    OneSubmit,
    /// Requests that cost nothing, by contract.
    Requests,
}

/// One call's way out.
#[derive(Clone)]
pub(crate) struct GuestHttp {
    pub(crate) sends: Sends,
    pub(crate) egress: Option<Egress>,
    pub(crate) connection: Option<Arc<OpenConnection>>,
    pub(crate) gate: Option<Arc<dyn SubmitGate>>,
    pub(crate) testimony: Arc<Testimony>,
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
        Box::new(async move {
            let response = way.exchange(request, options.unwrap_or_default()).await?;
            let done: Box<dyn Future<Output = _> + Send> = Box::new(std::future::ready(Ok(())));
            Ok((response, done))
        })
    }
}

/// Whether only the host may set this header. What is refused in requests is also
/// taken out of replies.
pub(crate) fn is_forbidden(name: &HeaderName, connection: Option<&OpenConnection>) -> bool {
    DEFAULT_FORBIDDEN_HEADERS.contains(name)
        || matches!(
            *name,
            header::AUTHORIZATION | header::COOKIE | header::SET_COOKIE
        )
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
                let words = in_words(&error);
                tracing::debug!(%words, "a component's request has no reply");
                self.testimony.note_trouble(words);
                Err(error.into())
            }
        }
    }

    async fn answered(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, EgressError> {
        let (egress, connection) = self.admitted(request.method()).map_err(NotSent::denied)?;
        let limits = egress.limits();
        let deadline = Instant::now() + limits.total;
        let (parts, body) = request.into_parts();
        let url = policy::permitted(connection.base_url(), &parts.method, &parts.uri)
            .map_err(NotSent::denied)?;
        let body = timeout_at(deadline, whole(body, &parts.headers, limits.request_body))
            .await
            .unwrap_or(Err(BodyFault::Unfinished))
            .map_err(NotSent::Body)?;

        let (mut header, mut bytes) = self
            .transmitted(egress, connection, &parts, body, options, deadline)
            .await?;
        tracing::debug!(
            method = %parts.method,
            url = shown(&url),
            status = header.status.as_u16(),
            "a component's request was answered"
        );
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
        let is_second = self.sends == Sends::OneSubmit && self.testimony.has_submitted();
        if is_second && !method.is_safe() {
            return Err(Denial::SecondSubmit);
        }
        Ok((egress, connection))
    }

    /// Asks whoever keeps the books whether the one submit of a `start` may leave.
    async fn pass_the_gate(&self, parts: &request::Parts, body: &[u8]) -> Result<(), NotSent> {
        match &self.gate {
            Some(gate) if self.sends == Sends::OneSubmit => {
                let may_leave = gate.may_leave(digest_of(parts, body)).await;
                may_leave
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
        parts: &request::Parts,
        body: Bytes,
        options: RequestOptions,
        deadline: Instant,
    ) -> Result<(response::Parts, Bytes), EgressError> {
        let limits = egress.limits();
        // A component may be less patient than the host, not more.
        let shorter = |limit: Duration, asked: Option<Duration>| asked.unwrap_or(limit).min(limit);
        let left = deadline.saturating_duration_since(Instant::now());
        let connect = shorter(limits.connect, options.connect_timeout).min(left);
        let first_byte = shorter(limits.first_byte, options.first_byte_timeout);
        let idle = shorter(limits.idle, options.between_bytes_timeout);

        let destination = Destination {
            origin: connection.base_url().origin().clone(),
            rule: AddressRule::of_connection(connection.base_url().origin()),
        };
        let uri = outgoing_uri(&destination, &parts.uri).ok_or(NotSent::denied(Denial::Url))?;
        let build = || {
            let mut request = Request::new(full(body.clone()));
            *request.method_mut() = parts.method.clone();
            *request.uri_mut() = uri.clone();
            *request.headers_mut() = parts.headers.clone();
            if let Some(credential) = connection.credential() {
                let headers = request.headers_mut();
                headers.insert(credential.name().clone(), credential.header_value());
            }
            request
        };
        let exchange = async {
            let client = egress.client();
            let reply = if parts.method.is_safe() {
                send_safely(client, &destination, build, connect, first_byte).await?
            } else {
                self.pass_the_gate(parts, &body).await?;
                let channel = client.open(&destination, Reuse::Fresh, connect).await?;
                self.testimony.note_submit(self.sends == Sends::OneSubmit)?;
                channel.send(build(), first_byte).await?
            };
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

/// What a resubmission must be equal in. Every part is preceded by its length, so that no
/// two requests look the same.
fn digest_of(parts: &request::Parts, body: &[u8]) -> Sha256Digest {
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
    add(path.as_bytes());
    for (name, value) in headers {
        add(name.as_bytes());
        add(value);
    }
    add(body);
    digest.finalize().into()
}

/// The request's URI with the connection's own authority in its normal form.
fn outgoing_uri(destination: &Destination, asked: &http::Uri) -> Option<http::Uri> {
    let path = asked.path_and_query().map_or("/", |path| path.as_str());
    format!("{}{path}", destination.origin).parse().ok()
}

/// The whole body, or what is wrong with it.
async fn whole(body: WasiBody, headers: &http::HeaderMap, limit: u64) -> Result<Bytes, BodyFault> {
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
