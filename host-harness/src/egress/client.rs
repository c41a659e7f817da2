//! The HTTP client: takes a connection from the pool or opens one, and sends.
//!
//! [`Client::open`] and [`Channel::send`] have different error types. After [`NotSent`] from
//! `open`, nothing was sent and nothing charged. After [`ReplyLost`] from `send`, the request
//! may have arrived.

mod collect;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING, USER_AGENT};
use http::{Request, Uri, response};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout};

use super::destination::{Destination, RequestBody};
use super::error::{EgressError, NotSent, ReplyLost};
use super::header::{CLIENT_NAME, length_of};
use super::limits::HttpLimits;
use super::opener::Opener;
use super::pool::{KEPT, Pool, Sender};
use super::spans;
use crate::sanitize::sentence;

/// The lowest average rate of a transfer, in bytes a second: a poor mobile connection.
pub(super) const SLOWEST: u64 = 32 << 10;

/// Which open connections a request may reuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// None.
    Fresh,
    /// One that answered within [`RECENT`], and so is hardly stale.
    Recent,
    /// Any in the pool: for a request that can be repeated.
    Pooled,
}

/// The idle time up to which a connection is [`Reuse::Recent`]. Common servers close idle
/// connections after 2 s (Gunicorn) or later.
const RECENT: Duration = Duration::from_millis(500);

pub(crate) struct Client {
    opener: Opener,
    grace: Duration,
    pool: Arc<Pool>,
}

impl Client {
    pub(super) fn new(opener: Opener, limits: &HttpLimits) -> Self {
        Self {
            opener,
            grace: limits.total,
            pool: Arc::default(),
        }
    }

    /// A connection to `destination`, ready for a request.
    pub(crate) async fn open(
        &self,
        destination: &Destination,
        reuse: Reuse,
        time_limit: Duration,
    ) -> Result<Channel<'_>, NotSent> {
        let kept = match reuse {
            Reuse::Pooled => self.pool.take(destination, KEPT),
            Reuse::Recent => {
                // Lets the tasks of pooled connections notice closed ones.
                tokio::task::yield_now().await;
                self.pool.take(destination, RECENT)
            }
            Reuse::Fresh => None,
        };
        let reused = kept.is_some();
        spans::connected(reused);
        let sender = match kept {
            Some(sender) => sender,
            None => self.opener.open(destination, time_limit).await?,
        };
        Ok(Channel {
            client: self,
            destination: destination.clone(),
            sender,
            reused,
        })
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
    /// Sends `request`, whose URI is absolute, and waits for the reply's header. From here on
    /// bytes may have been sent.
    pub(crate) async fn send(
        self,
        mut request: Request<RequestBody>,
        time_limit: Duration,
    ) -> Result<Reply, ReplyLost> {
        let Self {
            client,
            destination,
            mut sender,
            ..
        } = self;
        let lost = |error| ReplyLost::from_hyper(error, client.opener.header_limit);
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
                timeout(time_limit, sender.send_request(request)).await
            }
            Sender::Http2(sender) => timeout(time_limit, sender.send_request(request)).await,
        };
        let response = replied
            .map_err(|_| ReplyLost::Timeout { after: time_limit })?
            .map_err(lost)?;
        let (parts, body) = response.into_parts();
        spans::answered(parts.status);
        check_header(&parts.headers, client.opener.header_limit)?;
        Ok(Reply {
            parts,
            body: Some(body),
            read: 0,
            begun: Instant::now(),
            grace: client.grace,
            header_limit: client.opener.header_limit,
            pool: Arc::clone(&client.pool),
            back: Some((destination, sender)),
        })
    }
}

/// A reply whose body has not been read.
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
    /// The announced length of the body, as it is transferred.
    pub(crate) fn announced(&self) -> Option<u64> {
        self.body.as_ref()?.size_hint().exact()
    }

    /// The next piece of the body as it is transferred, within `time_limit`; `None` at its end. The whole body must
    /// also arrive within the grace time plus its length at the rate [`SLOWEST`], so that
    /// single bytes do not keep a transfer alive indefinitely.
    pub(crate) async fn chunk(&mut self, time_limit: Duration) -> Result<Option<Bytes>, ReplyLost> {
        let Some(body) = &mut self.body else {
            return Ok(None);
        };
        let whole = self.grace + Duration::from_secs(self.read / SLOWEST);
        let left = whole.saturating_sub(self.begun.elapsed());
        let (wait, after) = if left < time_limit {
            (left, whole)
        } else {
            (time_limit, time_limit)
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
}

/// Sends a request that can be repeated: if a pooled connection was stale, once more over a
/// fresh one.
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
            tracing::debug!(%error, "a pooled connection was stale");
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
    // Compression can also be a transfer coding. It is rare, and not decoded.
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let other = codings.find(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    match other {
        Some(coding) => Err(ReplyLost::Encoded {
            encoding: sentence(&String::from_utf8_lossy(coding.as_bytes())).into_owned(),
        }),
        None => Ok(()),
    }
}

/// Path and query only, as HTTP/1.1 requires of a request that is not for a proxy.
fn origin_form(uri: &Uri) -> Uri {
    uri.path_and_query()
        .cloned()
        .map_or_else(|| Uri::from_static("/"), Uri::from)
}
