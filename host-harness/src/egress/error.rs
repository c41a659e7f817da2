//! The errors of a request without a reply, divided by whether the request may have arrived
//! and so may be charged.

use std::time::Duration;
use std::{fmt, io};

use url::Host;

use super::proxy_error::ProxyFault;
use crate::net::Origin;
use crate::net::addresses::AddressKind;
use crate::net::hostnames::NameKind;
use crate::policy::Missing;

/// A request without a reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EgressError {
    /// No byte was sent.
    #[error(transparent)]
    NotSent(#[from] NotSent),
    /// It may have arrived.
    #[error(transparent)]
    ReplyLost(#[from] ReplyLost),
}

impl EgressError {
    /// Whether it is certain that nothing was sent.
    #[must_use]
    pub fn is_not_sent(&self) -> bool {
        matches!(self, Self::NotSent(_))
    }
}

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// The policy refused the request.
    #[error("the request is refused: {0}")]
    Denied(Denial),
    /// The pack has used up its requests for a minute.
    #[error("the request is put off: {0}")]
    PutOff(Missing),
    /// The body was not what the request announced.
    #[error("the request's body cannot be sent: {0}")]
    Body(BodyFault),
    /// The file to upload cannot be read.
    #[error("the file to send cannot be read")]
    File(#[source] io::Error),
    /// The host's name has no address.
    #[error("`{host}` could not be resolved")]
    Resolve {
        /// The name.
        host: String,
        /// The resolver's error.
        source: io::Error,
    },
    /// The host's name has no address here, and the proxy may not resolve it.
    #[error(
        "`{host}` could not be resolved here; a proxy resolves only the origins of connections, \
         or every host with `proxy_resolves = true` in `[network]`"
    )]
    ResolvedByProxyAlone {
        /// The name.
        host: String,
        /// The resolver's error.
        source: io::Error,
    },
    /// The proxy gave no connection.
    #[error("nothing was sent to `{host}`: the proxy `{proxy}` gave no connection")]
    Proxy {
        /// The name or address of the destination.
        host: String,
        /// The proxy, without user and password.
        proxy: String,
        /// Why.
        source: ProxyFault,
    },
    /// The host's name is reserved for this machine, its network or a metadata service. It was
    /// not resolved.
    #[error("`{host}` is a name for {}, which is refused", kind.as_str())]
    Name {
        /// The name.
        host: String,
        /// What it is reserved for.
        kind: NameKind,
    },
    /// The host has an address that this connection may not use.
    #[error("`{host}` is at a {} address, which is refused", kind.as_str())]
    Address {
        /// The name or address.
        host: String,
        /// The kind of its address.
        kind: AddressKind,
    },
    /// The host is unreachable, or no server listens on the port.
    #[error("no connection to `{host}`")]
    Connect {
        /// The name or address.
        host: String,
        /// The system's error.
        source: io::Error,
    },
    /// Name resolution, connection and handshake together took too long.
    #[error("no connection to `{host}` within {}", humantime::format_duration(*.after))]
    ConnectTimeout {
        /// The name or address.
        host: String,
        /// The time limit.
        after: Duration,
    },
    /// The time of the request was over before the host was ready to send it, for example because
    /// another process held the ledger.
    #[error(
        "the host did not get to send the request within {}, and nothing was sent",
        humantime::format_duration(*.after)
    )]
    HeldUp {
        /// The time limit.
        after: Duration,
    },
    /// The TLS handshake failed, for example because the certificate is not trusted.
    #[error(
        "no trusted connection to `{host}` (a private authority is named by `ca_file` in `[network]`)"
    )]
    Tls {
        /// The name or address.
        host: String,
        /// The handshake's error.
        source: io::Error,
    },
    /// The connection was closed before the request was sent.
    #[error("`{host}` closed the connection before the request was sent")]
    Closed {
        /// The name or address.
        host: String,
        /// The protocol's error.
        source: hyper::Error,
    },
    /// The connection ended after the header of a request with a large body, before any of the body
    /// was sent. No provider can have the whole request.
    #[error("`{host}` ended the connection before any of the request's body was sent")]
    BodyWithheld {
        /// The name or address.
        host: String,
        /// The protocol's error.
        source: hyper::Error,
    },
}

impl NotSent {
    pub(crate) fn denied(denial: Denial) -> Self {
        Self::Denied(denial)
    }

    pub(crate) fn address(host: &Host<String>, kind: AddressKind) -> Self {
        let host = host.to_string();
        Self::Address { host, kind }
    }

    /// `proxy` is displayed without user and password.
    pub(super) fn proxy(origin: &Origin, proxy: &dyn fmt::Display, source: ProxyFault) -> Self {
        Self::Proxy {
            host: origin.host().to_string(),
            proxy: proxy.to_string(),
            source,
        }
    }
}

/// Why a request's body is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyFault {
    /// It is too long.
    #[error("it is longer than {0} bytes")]
    TooLong(u64),
    /// Its length was not announced.
    #[error("it has no content-length")]
    NoLength,
    /// A request that changes nothing (`GET`, `HEAD`, …) must not have a body.
    #[error("a request that changes nothing must not have one")]
    Unexpected,
    /// Its length is not the announced one: the component stopped before its end.
    #[error("it is {actual} bytes long, {announced} were announced")]
    Length {
        /// By `content-length`.
        announced: u64,
        /// Bytes written.
        actual: u64,
    },
    /// The requests and replies of the call would take more memory than its share.
    #[error(
        "it does not fit into the {0} bytes of requests and replies that a call may hold in \
         memory: read or drop the replies to earlier requests first"
    )]
    Memory(u64),
    /// It did not end in time.
    #[error("it was not finished in time")]
    Unfinished,
    /// The component reported an error in it.
    #[error("the component ended it with an error")]
    Broken,
}

/// Why the policy refuses a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denial {
    /// This call sends nothing, by contract.
    #[error("this call sends nothing")]
    CallSendsNothing,
    /// The call has no connection.
    #[error("the call has no connection")]
    NoConnection,
    /// The call that began the request has ended.
    #[error("the call has ended")]
    CallEnded,
    /// `start` sends at most one request that can cost money, `cancel` one that changes
    /// something.
    #[error("a call sends only one request that can cost money")]
    SecondSubmit,
    /// The host's [`SubmitHook`](super::SubmitHook) denied the request.
    #[error("the host holds the request back")]
    HeldBack,
    /// Not a URL.
    #[error("the URL cannot be read")]
    Url,
    /// `user@host`.
    #[error("the URL names a user")]
    Userinfo,
    /// The origin is not that of the connection.
    #[error("the connection reaches only {allowed}")]
    Origin {
        /// The connection's origin.
        allowed: String,
    },
    /// The URL is not in normal form, so that two programs may read it as two URLs.
    #[error(
        "the URL is not in normal form: its host is written as a name or an address, its path \
         begins with one `/`, has no segment that is or decodes to `.` or `..`, and percent-encodes \
         every character that RFC 3986 does not allow"
    )]
    Form,
    /// Not below the connection's base path, or a path that may mean another one.
    #[error("the path is not below the connection's base URL")]
    Path,
    /// A cancellation at the path of the job's submit.
    #[error("a cancellation is not sent to the path of the job's submit")]
    SubmitPath,
    /// A read of another method than `GET` and `HEAD` where something is ordered.
    #[error(
        "a read by another method than GET and HEAD is not sent to the path of a submit, nor on the \
         route of an upload or a cancellation"
    )]
    ReadPath,
    /// Such a read for a job without a submit.
    #[error("a job that was not submitted is read by GET and HEAD alone")]
    NoSubmit,
    /// `CONNECT` and `TRACE` are for proxies and their debugging.
    #[error("the methods CONNECT and TRACE are not allowed")]
    Method,
    /// A header that only the host sets.
    #[error("only the host may set the header `{0}`")]
    Header(String),
    /// The pack has no permission for it.
    #[error(transparent)]
    NotGranted(#[from] Missing),
}

/// Why a request that may have arrived has no reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyLost {
    /// The connection ended before the reply did; with the cause, if that says more.
    #[error("the connection broke before the reply was complete")]
    Terminated(#[source] Option<hyper::Error>),
    /// No reply in time.
    #[error("no reply within {}", humantime::format_duration(*.after))]
    Timeout {
        /// The time limit.
        after: Duration,
    },
    /// The reply does not follow HTTP.
    #[error("the reply is not HTTP")]
    Protocol(#[source] hyper::Error),
    /// The reply's header is too long.
    #[error("the reply's header is longer than {limit} bytes")]
    HeaderTooLong {
        /// The limit.
        limit: u64,
    },
    /// The reply's body is too long.
    #[error("the reply's body is longer than {limit} bytes")]
    BodyTooLong {
        /// The limit.
        limit: u64,
    },
    /// The body has a content or transfer encoding that is not supported.
    #[error("the reply has the encoding `{encoding}`, which is not supported")]
    Encoded {
        /// The encoding, made printable.
        encoding: String,
    },
    /// The body is not in the encoding that its header names.
    #[error("the reply's `{encoding}` encoding is damaged")]
    Damaged {
        /// The encoding.
        encoding: &'static str,
    },
    /// The encoded body ends early.
    #[error("the reply's `{encoding}` encoding ends before it is complete")]
    Truncated {
        /// The encoding.
        encoding: &'static str,
    },
    /// The pictures and clips inside the reply are too long.
    #[error(
        "the pictures and clips inside the reply are longer than {limit} bytes \
         (the limit `clip_bytes` of the pack)"
    )]
    ClipTooLong {
        /// The limit.
        limit: u64,
    },
    /// The host stopped before the reply was read.
    #[error("the host stopped before it had read the reply")]
    Unread,
    /// The body's length is not the announced one.
    #[error("the reply's body is {actual} bytes long, {announced} were announced")]
    Length {
        /// By `content-length`.
        announced: u64,
        /// Bytes received.
        actual: u64,
    },
}

impl ReplyLost {
    pub(crate) fn from_hyper(error: hyper::Error, header_limit: u64) -> Self {
        if error.is_parse_too_large() {
            Self::HeaderTooLong {
                limit: header_limit,
            }
        } else if error.is_parse() {
            Self::Protocol(error)
        } else {
            Self::Terminated(Some(error).filter(|error| !error.is_incomplete_message()))
        }
    }
}

impl From<NotSent> for wasmtime_wasi_http::Error {
    fn from(error: NotSent) -> Self {
        match error {
            NotSent::Denied(_) | NotSent::Body(BodyFault::Unexpected) => Self::HttpRequestDenied,
            NotSent::PutOff(_) => Self::ConnectionLimitReached,
            NotSent::Body(BodyFault::TooLong(limit) | BodyFault::Memory(limit)) => {
                Self::HttpRequestBodySize(Some(limit))
            }
            NotSent::Body(BodyFault::NoLength) => Self::HttpRequestLengthRequired,
            NotSent::Body(BodyFault::Length { actual, .. }) => {
                Self::HttpRequestBodySize(Some(actual))
            }
            NotSent::Body(BodyFault::Unfinished | BodyFault::Broken) => {
                Self::HttpRequestBodySize(None)
            }
            NotSent::File(_) => Self::HttpRequestBodySize(None),
            NotSent::Resolve { .. } | NotSent::ResolvedByProxyAlone { .. } => Self::DnsError {
                rcode: None,
                info_code: None,
            },
            NotSent::Name { .. } | NotSent::Address { .. } => Self::DestinationIpProhibited,
            NotSent::Connect { .. }
            | NotSent::Closed { .. }
            | NotSent::Proxy { .. }
            | NotSent::BodyWithheld { .. } => Self::ConnectionRefused,
            NotSent::ConnectTimeout { .. } | NotSent::HeldUp { .. } => Self::ConnectionTimeout,
            NotSent::Tls { .. } => Self::TlsCertificateError,
        }
    }
}

impl From<ReplyLost> for wasmtime_wasi_http::Error {
    fn from(error: ReplyLost) -> Self {
        match error {
            ReplyLost::Terminated(_) => Self::ConnectionTerminated,
            ReplyLost::Timeout { .. } => Self::HttpResponseTimeout,
            ReplyLost::Protocol(_) => Self::HttpProtocolError,
            ReplyLost::HeaderTooLong { limit } => {
                Self::HttpResponseHeaderSectionSize(u32::try_from(limit).ok())
            }
            ReplyLost::BodyTooLong { limit } | ReplyLost::ClipTooLong { limit } => {
                Self::HttpResponseBodySize(Some(limit))
            }
            ReplyLost::Encoded { .. } | ReplyLost::Damaged { .. } => {
                Self::HttpResponseContentCoding(None)
            }
            ReplyLost::Length { .. } | ReplyLost::Truncated { .. } | ReplyLost::Unread => {
                Self::HttpResponseIncomplete
            }
        }
    }
}

impl From<EgressError> for wasmtime_wasi_http::Error {
    fn from(error: EgressError) -> Self {
        match error {
            EgressError::NotSent(error) => error.into(),
            EgressError::ReplyLost(error) => error.into(),
        }
    }
}
