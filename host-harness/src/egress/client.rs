//! The HTTP client: takes a connection from the pool or opens one, and sends.
//!
//! After [`NotSent`] from [`Client::open`], nothing was sent and nothing charged. After
//! [`ReplyLost`](super::ReplyLost) from [`Channel::send`], the request may have arrived. After
//! [`NotSent`] from `send`, the header of a request was sent whose body was withheld.

mod collect;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HOST, HeaderMap, HeaderValue, TRANSFER_ENCODING, USER_AGENT};
use http::{Request, StatusCode, Uri, Version, response};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::destination::{Destination, RequestBody};
use super::error::{EgressError, NotSent, ReplyLost};
use super::expect::{Gate, Unsent};
use super::header::{CLIENT_NAME, length_of};
use super::limits::HttpLimits;
use super::opener::Opener;
use super::pool::{KEPT, Pool, Sender};
use super::spans;
use crate::awake::{Deadline, Elapsed, timeout};
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
    /// Destinations that ended a connection on which a body waited. They may not know `Expect`, and
    /// are not asked again.
    unasked: Mutex<HashSet<Destination>>,
}

impl Client {
    pub(super) fn new(opener: Opener, limits: &HttpLimits) -> Self {
        Self {
            opener,
            grace: limits.total,
            pool: Arc::default(),
            unasked: Mutex::default(),
        }
    }

    pub(super) fn opener(&self) -> &Opener {
        &self.opener
    }

    fn unasked(&self) -> MutexGuard<'_, HashSet<Destination>> {
        self.unasked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error of a request without the header of a reply.
    fn unanswered(
        &self,
        error: hyper::Error,
        is_withheld: bool,
        destination: &Destination,
    ) -> EgressError {
        // No request is complete without its body, so a provider cannot have accepted it. What is
        // not HTTP may mean anything.
        if is_withheld && !error.is_parse() {
            self.unasked().insert(destination.clone());
            let host = destination.origin.host().to_string();
            let source = error;
            return NotSent::BodyWithheld { host, source }.into();
        }
        ReplyLost::from_hyper(error, self.opener.header_limit).into()
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
            asks: !self.unasked().contains(destination),
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
    /// Whether the server is asked before a large body is sent.
    asks: bool,
}

impl Channel<'_> {
    /// Sends a large body without asking the server first.
    pub(crate) fn without_asking(self) -> Self {
        Self {
            asks: false,
            ..self
        }
    }

    /// Sends `request`, whose URI is absolute, and waits for the reply's header. From here on
    /// bytes may have been sent.
    pub(crate) async fn send(
        self,
        mut request: Request<RequestBody>,
        time_limit: Duration,
    ) -> Result<Reply, EgressError> {
        let Self {
            client,
            destination,
            mut sender,
            asks,
            ..
        } = self;
        let header_limit = client.opener.header_limit;
        let authority = destination.origin.authority();
        let headers = request.headers_mut();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.entry(USER_AGENT).or_insert(CLIENT_NAME);
        headers.remove(HOST);
        let mut gate = None;
        let replied = match &mut sender {
            Sender::Http1(sender) => {
                if let Ok(authority) = HeaderValue::from_str(&authority) {
                    request.headers_mut().insert(HOST, authority);
                }
                *request.uri_mut() = origin_form(request.uri());
                if asks {
                    (request, gate) = Gate::before(request, time_limit);
                }
                timeout(time_limit, sender.send_request(request)).await
            }
            // The windows of HTTP/2 bound what is sent before a reply, and the library cannot wait.
            Sender::Http2(sender) => timeout(time_limit, sender.send_request(request)).await,
        };
        let response = replied
            .map_err(|_| ReplyLost::Timeout { after: time_limit })?
            .map_err(|error| {
                let is_withheld = gate.as_ref().is_some_and(|gate| gate.withhold());
                client.unanswered(error, is_withheld, &destination)
            })?;
        let (parts, body) = response.into_parts();
        spans::answered(parts.status);
        let unsent = Unsent::after(gate, parts.status);
        check_header(&parts.headers, header_limit)?;
        Ok(Reply {
            parts,
            unsent,
            announced: body.size_hint().exact(),
            body: Some(body),
            read: 0,
            deadline: Deadline::after(client.grace),
            grace: client.grace,
            header_limit,
            pool: Arc::clone(&client.pool),
            back: Some((destination, sender)),
        })
    }
}

/// A reply whose body has not been read.
pub(crate) struct Reply {
    pub(crate) parts: response::Parts,
    unsent: Option<Unsent>,
    announced: Option<u64>,
    body: Option<Incoming>,
    read: u64,
    /// When the whole body must have arrived. Each part of it moves the deadline on.
    deadline: Deadline,
    grace: Duration,
    header_limit: u64,
    pool: Arc<Pool>,
    back: Option<(Destination, Sender)>,
}

impl Reply {
    /// The announced length of the body, as it is transferred.
    pub(crate) fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// Whether the server takes no request that asks it first, and has got no byte of the body. The
    /// same request can be sent [without asking](Channel::without_asking).
    pub(crate) fn is_expectation_failed(&self) -> bool {
        self.unsent
            .as_ref()
            .is_some_and(|unsent| unsent.is_withheld)
            && self.parts.status == StatusCode::EXPECTATION_FAILED
    }

    /// Whether the end of the body is part of the reply: a length, a last chunk, or the end of a
    /// stream of HTTP/2. Otherwise it ends with the connection, wherever that is cut.
    pub(crate) fn has_end(&self) -> bool {
        self.announced().is_some()
            || self.parts.version == Version::HTTP_2
            || self.parts.headers.contains_key(TRANSFER_ENCODING)
    }

    /// The next piece of the body as it is transferred, within `time_limit`; `None` at its end. The whole body must
    /// also arrive within the grace time plus its length at the rate [`SLOWEST`], so that
    /// single bytes do not keep a transfer alive indefinitely.
    pub(crate) async fn chunk(&mut self, time_limit: Duration) -> Result<Option<Bytes>, ReplyLost> {
        let Some(body) = &mut self.body else {
            return Ok(None);
        };
        let whole = self.grace + time_at_slowest(self.read);
        loop {
            let frame = self.deadline.limit(timeout(time_limit, body.frame())).await;
            let frame = frame
                .map_err(|Elapsed| ReplyLost::Timeout { after: whole })?
                .map_err(|Elapsed| ReplyLost::Timeout { after: time_limit })?;
            match frame {
                Some(Ok(frame)) => {
                    let Ok(bytes) = frame.into_data() else {
                        continue;
                    };
                    let read = self.read + bytes.len() as u64;
                    let more = time_at_slowest(read).saturating_sub(time_at_slowest(self.read));
                    self.deadline.extend(more);
                    self.read = read;
                    return Ok(Some(bytes));
                }
                // A connection of HTTP/2 may end before the end of the body is noticed.
                Some(Err(_)) if self.announced == Some(self.read) => {
                    self.body = None;
                    return Ok(None);
                }
                Some(Err(error)) => return Err(ReplyLost::from_hyper(error, self.header_limit)),
                None => {
                    self.body = None;
                    // Without the whole request, the server's next reply would belong to it.
                    let is_whole = self.unsent.take().is_none_or(Unsent::cancel);
                    if let Some((destination, sender)) = self.back.take()
                        && is_whole
                    {
                        self.pool.give_back(destination, sender);
                    }
                    return Ok(None);
                }
            }
        }
    }
}

/// The time that a transfer of this length takes at the rate [`SLOWEST`].
fn time_at_slowest(length: u64) -> Duration {
    Duration::from_secs(length / SLOWEST)
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
        Err(EgressError::ReplyLost(ReplyLost::Terminated(error))) if reused => {
            tracing::debug!(?error, "a pooled connection was stale");
            let channel = client.open(destination, Reuse::Fresh, connect).await?;
            channel.send(request(), first_byte).await
        }
        outcome => outcome,
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
