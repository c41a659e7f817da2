//! The HTTP client: resolve, check, dial the checked address, prove the name, send.
//!
//! [`Client::open`] and [`Channel::send`] are apart so that the types tell what the
//! money question needs: whatever `open` fails with, nothing was sent; whatever `send`
//! fails with, nobody knows.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING, USER_AGENT,
};
use http::{Request, Uri, response};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};

use super::destination::{Destination, RequestBody};
use super::dial::{Connect, Tls, dial};
use super::error::{EgressError, NotSent, ReplyLost};
use super::header::length_of;
use super::limits::HttpLimits;
use super::pool::{KEPT, Pool, Sender};
use super::resolver::{Resolve, addresses_of};
use super::spans;
use super::yielding::Yielding;

/// Named in every request that does not name a client itself.
const CLIENT_NAME: HeaderValue =
    HeaderValue::from_static(concat!("zoetrope/", env!("CARGO_PKG_VERSION")));

/// The slowest transfer that is waited for, in bytes a second: a poor mobile connection.
pub(super) const SLOWEST: u64 = 32 << 10;

/// Whether a connection that is already open may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// No.
    Fresh,
    /// One that has just answered: for a request that should not get lost over a stale
    /// one.
    Recent,
    /// Any that is kept: for a request that may be made anew.
    Pooled,
}

/// How long ago a connection has answered at most to be [`Reuse::Recent`]: no server is
/// known to give one up so soon, the hastiest in common use do after 2 s (Gunicorn).
const RECENT: Duration = Duration::from_millis(500);

pub(crate) struct Client {
    resolver: Box<dyn Resolve>,
    connector: Box<dyn Connect>,
    header_limit: u64,
    grace: Duration,
    pool: Arc<Pool>,
    tls: Tls,
}

impl Client {
    pub(crate) fn new(
        resolver: Box<dyn Resolve>,
        connector: Box<dyn Connect>,
        limits: &HttpLimits,
    ) -> Self {
        Self {
            resolver,
            connector,
            header_limit: limits.reply_header,
            grace: limits.total,
            pool: Arc::default(),
            tls: Tls::default(),
        }
    }

    /// A connection to `destination`, ready for a request.
    pub(crate) async fn open(
        &self,
        destination: &Destination,
        reuse: Reuse,
        patience: Duration,
    ) -> Result<Channel<'_>, NotSent> {
        let kept = match reuse {
            Reuse::Pooled => self.pool.take(destination, KEPT),
            Reuse::Recent => {
                // Until the kept connections' own tasks have seen what servers have closed.
                tokio::task::yield_now().await;
                self.pool.take(destination, RECENT)
            }
            Reuse::Fresh => None,
        };
        let reused = kept.is_some();
        spans::connected(reused);
        let sender = match kept {
            Some(sender) => sender,
            None => match timeout(patience, self.connect(destination)).await {
                Ok(connected) => connected?,
                Err(_) => {
                    return Err(NotSent::ConnectTimeout {
                        host: destination.origin.host().to_string(),
                        after: patience,
                    });
                }
            },
        };
        Ok(Channel {
            client: self,
            destination: destination.clone(),
            sender,
            reused,
        })
    }

    async fn connect(&self, destination: &Destination) -> Result<Sender, NotSent> {
        let origin = &destination.origin;
        let host = origin.host().to_string();
        let found = addresses_of(self.resolver.as_ref(), origin.host(), destination.rule).await?;
        let stream = dial(self.connector.as_ref(), &found, origin.port()).await;
        let stream = stream.map_err(|source| NotSent::Connect {
            host: host.clone(),
            source,
        })?;
        // Small requests leave at once; failing to ask for that harms nothing.
        let _ = stream.set_nodelay(true);
        let spoken = if origin.is_secure() {
            let stream = self.tls.connect(stream, origin.host()).await;
            let stream = stream.map_err(|source| NotSent::Tls {
                host: host.clone(),
                source,
            })?;
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            self.speak(stream, http2).await
        } else {
            self.speak(stream, false).await
        };
        spoken.map_err(|source| NotSent::Closed { host, source })
    }

    async fn speak<S>(&self, stream: S, http2: bool) -> hyper::Result<Sender>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream = TokioIo::new(Yielding::new(stream));
        if http2 {
            let limit = u32::try_from(self.header_limit).unwrap_or(u32::MAX);
            let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
                .max_header_list_size(limit)
                .handshake(stream)
                .await?;
            drive(connection);
            sender.ready().await?;
            Ok(Sender::Http2(sender))
        } else {
            let limit = usize::try_from(self.header_limit).unwrap_or(usize::MAX);
            let (mut sender, connection) = http1::Builder::new()
                .max_header_size(limit)
                .handshake(stream)
                .await?;
            drive(connection);
            sender.ready().await?;
            Ok(Sender::Http1(sender))
        }
    }
}

/// A connection that is ready for one request.
pub(crate) struct Channel<'a> {
    client: &'a Client,
    destination: Destination,
    sender: Sender,
    /// Whether an earlier request used it, so that it may be stale.
    pub(crate) reused: bool,
}

impl Channel<'_> {
    /// Sends `request`, whose URI is absolute, and waits for the reply's header. From
    /// here on nobody can say that nothing left.
    pub(crate) async fn send(
        self,
        mut request: Request<RequestBody>,
        patience: Duration,
    ) -> Result<Reply, ReplyLost> {
        let Self {
            client,
            destination,
            mut sender,
            ..
        } = self;
        let lost = |error| ReplyLost::from_hyper(error, client.header_limit);
        let authority = destination.origin.authority();
        let headers = request.headers_mut();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.entry(USER_AGENT).or_insert(CLIENT_NAME);
        headers.remove(HOST);
        let replied = match &mut sender {
            Sender::Http1(sender) => {
                if let Ok(authority) = HeaderValue::from_str(&authority) {
                    request.headers_mut().insert(HOST, authority);
                }
                *request.uri_mut() = origin_form(request.uri());
                timeout(patience, sender.send_request(request)).await
            }
            Sender::Http2(sender) => timeout(patience, sender.send_request(request)).await,
        };
        let response = replied
            .map_err(|_| ReplyLost::Timeout { after: patience })?
            .map_err(lost)?;
        let (parts, body) = response.into_parts();
        spans::answered(parts.status);
        check_header(&parts.headers, client.header_limit)?;
        Ok(Reply {
            parts,
            body: Some(body),
            read: 0,
            begun: Instant::now(),
            grace: client.grace,
            header_limit: client.header_limit,
            pool: Arc::clone(&client.pool),
            back: Some((destination, sender)),
        })
    }
}

/// A reply whose body is still on its way.
pub(crate) struct Reply {
    pub(crate) parts: response::Parts,
    body: Option<Incoming>,
    read: u64,
    begun: Instant,
    grace: Duration,
    header_limit: u64,
    pool: Arc<Pool>,
    back: Option<(Destination, Sender)>,
}

impl Reply {
    /// How long the body says it is.
    pub(crate) fn announced(&self) -> Option<u64> {
        self.body.as_ref()?.size_hint().exact()
    }

    /// The next piece of the body; `None` at its end. Besides the patience for one piece
    /// there is one for the whole: after a time of grace, [`SLOWEST`] on average. A byte
    /// now and then would otherwise keep a transfer going for years.
    pub(crate) async fn chunk(&mut self, patience: Duration) -> Result<Option<Bytes>, ReplyLost> {
        let Some(body) = &mut self.body else {
            return Ok(None);
        };
        let whole = self.grace + Duration::from_secs(self.read / SLOWEST);
        let left = whole.saturating_sub(self.begun.elapsed());
        let (wait, after) = if left < patience {
            (left, whole)
        } else {
            (patience, patience)
        };
        loop {
            let frame = timeout(wait, body.frame())
                .await
                .map_err(|_| ReplyLost::Timeout { after })?;
            match frame {
                Some(Ok(frame)) => {
                    let Ok(bytes) = frame.into_data() else {
                        continue;
                    };
                    self.read += bytes.len() as u64;
                    return Ok(Some(bytes));
                }
                Some(Err(error)) => return Err(ReplyLost::from_hyper(error, self.header_limit)),
                None => {
                    self.body = None;
                    if let Some((destination, sender)) = self.back.take() {
                        self.pool.give_back(destination, sender);
                    }
                    return Ok(None);
                }
            }
        }
    }

    /// The whole body, up to `limit` bytes.
    pub(crate) async fn collect(
        mut self,
        limit: u64,
        patience: Duration,
    ) -> Result<(response::Parts, Bytes), ReplyLost> {
        let announced = self.announced();
        if announced.is_some_and(|announced| announced > limit) {
            return Err(ReplyLost::BodyTooLong { limit });
        }
        let mut collected = BytesMut::new();
        while let Some(bytes) = self.chunk(patience).await? {
            if self.read > limit {
                return Err(ReplyLost::BodyTooLong { limit });
            }
            collected.extend_from_slice(&bytes);
        }
        match announced {
            Some(announced) if announced != self.read => Err(ReplyLost::Length {
                announced,
                actual: self.read,
            }),
            _ => {
                spans::received(collected.len());
                Ok((self.parts, collected.freeze()))
            }
        }
    }
}

/// Sends a request that may be made anew: where a kept connection turns out to be
/// stale, once more over a fresh one.
pub(crate) async fn send_safely(
    client: &Client,
    destination: &Destination,
    request: impl Fn() -> Request<RequestBody>,
    connect: Duration,
    first_byte: Duration,
) -> Result<Reply, EgressError> {
    let channel = client.open(destination, Reuse::Pooled, connect).await?;
    let reused = channel.reused;
    match channel.send(request(), first_byte).await {
        Err(ReplyLost::Terminated(error)) if reused => {
            tracing::debug!(%error, "a kept connection was stale");
            let channel = client.open(destination, Reuse::Fresh, connect).await?;
            Ok(channel.send(request(), first_byte).await?)
        }
        outcome => Ok(outcome?),
    }
}

fn check_header(headers: &HeaderMap, limit: u64) -> Result<(), ReplyLost> {
    if length_of(headers) > limit {
        return Err(ReplyLost::HeaderTooLong { limit });
    }
    let other_than = |plain: &'static [u8]| {
        move |coding: &&HeaderValue| !coding.as_bytes().eq_ignore_ascii_case(plain)
    };
    let content = headers.get_all(CONTENT_ENCODING).iter();
    // Compression can travel as a transfer coding, too.
    let transfer = headers.get_all(TRANSFER_ENCODING).iter();
    let mut codings = content
        .filter(other_than(b"identity"))
        .chain(transfer.filter(other_than(b"chunked")));
    match codings.next() {
        Some(coding) => Err(ReplyLost::Encoded {
            encoding: String::from_utf8_lossy(coding.as_bytes()).into_owned(),
        }),
        None => Ok(()),
    }
}

/// Path and query alone, as HTTP/1.1 asks of a request that goes to no proxy.
fn origin_form(uri: &Uri) -> Uri {
    uri.path_and_query()
        .cloned()
        .map_or_else(|| Uri::from_static("/"), Uri::from)
}

/// Lets a connection do its work; its end is seen by whoever waits for a reply.
fn drive(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended");
        }
    });
}
