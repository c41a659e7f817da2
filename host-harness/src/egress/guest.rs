//! The component's side of the broker: `wasi:http` without its default client.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{self, CONTENT_LENGTH, HeaderName};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
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
use crate::connections::OpenConnection;
use crate::testimony::{Sent, Testimony};
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
        if self.sends == Sends::Nothing {
            return Err(NotSent::denied(Denial::CallSendsNothing).into());
        }
        let (Some(egress), Some(connection)) = (&self.egress, &self.connection) else {
            return Err(NotSent::denied(Denial::NoConnection).into());
        };
        if self.sends == Sends::OneSubmit
            && !request.method().is_safe()
            && self.testimony.sent() == Sent::Something
        {
            return Err(NotSent::denied(Denial::SecondSubmit).into());
        }
        let limits = egress.limits();
        let deadline = Instant::now() + limits.total;
        let base = connection.base_url();
        let (parts, body) = request.into_parts();
        let url = policy::permitted(base, &parts.method, &parts.uri).map_err(NotSent::denied)?;
        let body = timeout_at(deadline, whole(body, &parts.headers, limits.request_body))
            .await
            .unwrap_or(Err(BodyFault::Unfinished))
            .map_err(NotSent::Body)?;

        let destination = Destination {
            origin: base.origin().clone(),
            rule: AddressRule::of_connection(base.origin()),
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
        let connect = limits
            .connect
            .min(options.connect_timeout.unwrap_or(Duration::MAX))
            .min(deadline.saturating_duration_since(Instant::now()));
        let first_byte = limits
            .first_byte
            .min(options.first_byte_timeout.unwrap_or(Duration::MAX));
        let idle = limits
            .idle
            .min(options.between_bytes_timeout.unwrap_or(Duration::MAX));

        let client = egress.client();
        let late = || Lost::Timeout {
            after: limits.total,
        };
        let reply = if parts.method.is_safe() {
            let sent = send_safely(client, &destination, build, connect, first_byte);
            timeout_at(deadline, sent).await.map_err(|_| late())??
        } else {
            let channel = client.open(&destination, Reuse::Fresh, connect).await?;
            if self.testimony.note_submit() && self.sends == Sends::OneSubmit {
                return Err(NotSent::denied(Denial::SecondSubmit).into());
            }
            let sent = channel.send(build(), first_byte);
            timeout_at(deadline, sent).await.map_err(|_| late())??
        };
        let (mut header, bytes) = timeout_at(deadline, reply.collect(limits.reply_body, idle))
            .await
            .map_err(|_| late())??;
        tracing::debug!(method = %parts.method, url = shown(&url), status = header.status.as_u16(), "exchanged");

        let bytes = match connection.credential() {
            Some(credential) => {
                credential.blot_headers(&mut header.headers);
                credential.blot(bytes)
            }
            None => bytes,
        };
        let body = Full::new(bytes).map_err(|never| match never {});
        Ok(Response::from_parts(header, body.boxed_unsync()))
    }
}

/// The request's URI with the connection's own authority in its normal form.
fn outgoing_uri(destination: &Destination, asked: &http::Uri) -> Option<http::Uri> {
    let path = asked.path_and_query().map_or("/", |path| path.as_str());
    format!("{}{path}", destination.origin).parse().ok()
}

/// The whole body, or what is wrong with it.
async fn whole(
    body: WasiBody,
    headers: &http::HeaderMap,
    limit: u64,
) -> Result<Bytes, BodyFault> {
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
