//! Opens a connection to a provider through a proxy, by `CONNECT` (RFC 9110, 9.3.6).
//!
//! `CONNECT` is used for `http` too, not requests in absolute form. The stream then begins at
//! the provider as without a proxy: limits, redaction and the record of what was sent need no
//! second case, the proxy gets no header of a request, and it cannot answer in the provider's
//! place by a cache. Some proxies permit `CONNECT` to port 443 only. They refuse `http`, which
//! media alone may use.

use std::io;
use std::net::IpAddr;

use bytes::Bytes;
use futures::future::{Either, select};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use url::Host;

use super::dial::{Connect, dial};
use super::header::CLIENT_NAME;
use super::proxy::Proxy;
use super::proxy_error::ProxyFault;
use super::resolver::Resolve;
use super::tls::Tls;
use crate::net::Origin;
use crate::net::addresses::{self, AddressKind};
use crate::net::hostnames::{self, NameKind};

/// The longest header of a proxy's reply, in bytes. Proxies answer in a few hundred.
const HEADER_LIMIT: usize = 16 << 10;

/// A stream that ends at the provider.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// Connects to `target` through `proxy`. The caller has checked the target, and limits the
/// time.
pub(super) async fn open(
    proxy: &Proxy,
    target: &Origin,
    (resolver, connector, tls): (&dyn Resolve, &dyn Connect, &Tls),
) -> Result<Box<dyn Duplex>, ProxyFault> {
    let host = proxy.origin.host();
    let addresses = addresses_of(resolver, host).await?;
    let stream = dial(connector, &addresses, proxy.origin.port()).await;
    let stream = stream.map_err(ProxyFault::Connect)?;
    // Sends small requests without delay; a failure here only makes them slower.
    let _ = stream.set_nodelay(true);
    if proxy.origin.is_secure() {
        let stream = tls.connect_to_proxy(stream, host).await;
        let stream = stream.map_err(ProxyFault::Tls)?;
        Ok(Box::new(connect(stream, proxy, target).await?))
    } else {
        Ok(Box::new(connect(stream, proxy, target).await?))
    }
}

/// The addresses of a proxy. A company's proxy is in the private network and its name may have
/// no dot, so the rules for providers do not apply. But no proxy is a metadata service or
/// in the network segment alone.
async fn addresses_of(
    resolver: &dyn Resolve,
    host: &Host<String>,
) -> Result<Vec<IpAddr>, ProxyFault> {
    let found = match host {
        Host::Ipv4(address) => vec![IpAddr::from(*address)],
        Host::Ipv6(address) => vec![IpAddr::from(*address)],
        Host::Domain(name) => {
            if hostnames::classify(name) == Some(NameKind::Metadata) {
                return Err(ProxyFault::Address(AddressKind::Metadata));
            }
            let found = resolver.resolve(name).await.map_err(ProxyFault::Resolve)?;
            if found.is_empty() {
                return Err(ProxyFault::Resolve(io::ErrorKind::NotFound.into()));
            }
            found
        }
    };
    let kinds = found.iter().map(|address| addresses::classify(*address));
    let mut refused = kinds.filter(|kind| {
        !matches!(
            kind,
            AddressKind::Public | AddressKind::Private | AddressKind::Loopback
        )
    });
    match refused.next() {
        Some(kind) => Err(ProxyFault::Address(kind)),
        None => Ok(found),
    }
}

/// Asks the proxy at the other end of `stream` for a connection to `target`.
async fn connect<S>(stream: S, proxy: &Proxy, target: &Origin) -> Result<S, ProxyFault>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_header_size(HEADER_LIMIT)
        .max_buf_size(HEADER_LIMIT)
        .handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(fault)?;
    let request = request(proxy, target)?;
    let exchange = Box::pin(async move {
        let response = sender.send_request(request).await.map_err(fault)?;
        check(&response)?;
        hyper::upgrade::on(response).await.map_err(fault)
    });
    // Both in this task: when the caller gives up, the connection ends.
    let upgraded = match select(exchange, connection.with_upgrades()).await {
        Either::Left((upgraded, _)) => upgraded?,
        Either::Right((_, exchange)) => exchange.await?,
    };
    let parts = upgraded.downcast::<TokioIo<S>>();
    let parts = parts.map_err(|_| ProxyFault::Closed)?;
    if !parts.read_buf.is_empty() {
        return Err(ProxyFault::EarlyBytes);
    }
    Ok(parts.io.into_inner())
}

/// The request for a connection: the target's name, not an address of it, so that the proxy's
/// own rules and its TLS inspection see the name.
fn request(proxy: &Proxy, target: &Origin) -> Result<Request<Empty<Bytes>>, ProxyFault> {
    let authority = format!("{}:{}", target.host(), target.port());
    let uri: Uri = authority.parse().map_err(|_| ProxyFault::Closed)?;
    let host = HeaderValue::from_str(&authority).map_err(|_| ProxyFault::Closed)?;
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(HOST, host);
    headers.insert(USER_AGENT, CLIENT_NAME);
    if let Some(authorization) = &proxy.authorization {
        headers.insert(PROXY_AUTHORIZATION, authorization.clone());
    }
    Ok(request)
}

/// Whether the reply opens the connection.
fn check(response: &Response<Incoming>) -> Result<(), ProxyFault> {
    match response.status() {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => Err(ProxyFault::Authentication),
        status if status.is_redirection() => Err(ProxyFault::Redirect(status)),
        status if !status.is_success() => Err(ProxyFault::Refused(status)),
        _ if is_page(response.headers()) => Err(ProxyFault::Page),
        _ => Ok(()),
    }
}

/// Whether the reply announces a web page. A connection has no type.
fn is_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_empty = text(CONTENT_LENGTH) == Some("0");
    text(CONTENT_TYPE).is_some_and(|value| value.starts_with("text/html")) && !is_empty
}

fn fault(error: hyper::Error) -> ProxyFault {
    if error.is_parse_too_large() {
        ProxyFault::HeaderTooLong(HEADER_LIMIT)
    } else if error.is_parse() {
        ProxyFault::Protocol(error)
    } else {
        ProxyFault::Closed
    }
}

#[cfg(test)]
mod tests;
