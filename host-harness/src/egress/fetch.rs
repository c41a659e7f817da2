//! Fetches pictures and clips for the host: follows redirects, and judges each hop by itself. The
//! credential is sent below the base URL of its connection only.

use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, RANGE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use super::broker::Egress;
use super::client::{Reply, send_safely};
use super::destination::{Destination, full};
use super::error::{Denial, EgressError, NotSent};
use super::fetch_addresses::FetchAddresses;
use super::resolver::AddressRule;
use super::spans;
use crate::connections::{ConnectionId, OpenConnection};
use crate::net::{FetchUrl, FetchUrlError};
use crate::trace;

/// Most redirects that are followed: storage and its CDN need two or three.
const REDIRECTS: usize = 5;

/// What to fetch, and from which addresses.
pub(crate) struct Wanted<'a> {
    pub(crate) url: FetchUrl,
    pub(crate) addresses: FetchAddresses<'a>,
    /// The connection whose credential is sent: to URLs below its base URL only, and not after a
    /// hop to any other one.
    pub(crate) credential: Option<&'a OpenConnection>,
    /// The first byte to request, to resume a file.
    pub(crate) from: u64,
}

/// A small file, fetched completely.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetched {
    /// `image/png`, if the server sent a type; without its parameters.
    pub media_type: Option<String>,
    /// The body.
    pub bytes: Bytes,
}

/// Without the bytes.
impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Fetched");
        shown.field("media_type", &self.media_type);
        shown
            .field("length", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Why a URL could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Not a URL that can be fetched.
    #[error("this is not an http or https URL")]
    Url,
    /// No reply.
    #[error("{url} could not be fetched")]
    Egress {
        /// What was fetched, without its query.
        url: String,
        /// Why.
        source: EgressError,
    },
    /// A URL of a connection's result is at an address that is not public, and at no origin that
    /// may have one.
    #[error(
        "{cause}: a result may have such an address only at the host and port of its connection; \
         to allow {url}, under [connections.{connection}] in zoetrope.toml: {line}"
    )]
    ResultOrigin {
        /// What was fetched, without its query.
        url: String,
        /// The connection.
        connection: ConnectionId,
        /// The line that its table lacks.
        line: String,
        /// Why nothing was sent. It is part of the message.
        cause: Box<EgressError>,
    },
    /// The server answered with another status than 200.
    #[error("{url} answered with status {status}")]
    Status {
        /// What was fetched, without its query.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// Too many redirects, or one that is not allowed.
    #[error("{url} redirects too often or to a URL that is not allowed")]
    Redirect {
        /// What was fetched first, without its query.
        url: String,
    },
}

impl Egress {
    /// Fetches a small file such as a picture: any `http` or `https` URL whose addresses
    /// `rule` permits, up to `limit` bytes, without a credential.
    ///
    /// # Errors
    ///
    /// When the server is not reached, the policy refuses the URL, the status is not 200, or
    /// the body is longer than `limit`.
    pub async fn fetch_bytes(
        &self,
        url: &str,
        rule: AddressRule,
        limit: u64,
    ) -> Result<Fetched, FetchError> {
        let url = FetchUrl::parse(url)?;
        let addresses = FetchAddresses::of_rule(rule);
        let reply = self
            .fetch(Wanted {
                url: url.clone(),
                addresses,
                credential: None,
                from: 0,
            })
            .await?;
        let status = reply.parts.status;
        if status != StatusCode::OK {
            return Err(FetchError::Status {
                url: url.to_string(),
                status: status.as_u16(),
            });
        }
        let media_type = media_type(&reply.parts.headers);
        let collected = reply.collect(limit, self.limits().idle).await;
        let (_, bytes) = collected.map_err(|lost| failed(&url, &addresses, lost.into()))?;
        Ok(Fetched {
            media_type,
            bytes: bytes.freeze(),
        })
    }

    /// Fetches `wanted`: a reply with status 200 or 206, or 416 to a request that does not begin at
    /// 0. The caller reads the body and checks the range of a 206 or 416.
    pub(crate) async fn fetch(&self, wanted: Wanted<'_>) -> Result<Reply, FetchError> {
        let mut url = wanted.url.clone();
        let mut credential = wanted.credential;
        for _ in 0..=REDIRECTS {
            // Another place also chooses a redirect back below the base URL, so the credential is
            // not sent again.
            credential = credential.filter(|own| url.is_below(own.base_url()));
            let reply = self
                .hop(&url, &wanted, credential)
                .await
                .map_err(|error| failed(&url, &wanted.addresses, error))?;
            match reply.parts.status {
                // Some servers send a part, or the whole as a part, that was not requested.
                StatusCode::OK | StatusCode::PARTIAL_CONTENT => return Ok(reply),
                StatusCode::RANGE_NOT_SATISFIABLE if wanted.from > 0 => return Ok(reply),
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => {
                    let next = next_hop(&url, &reply.parts.headers, wanted.credential)?;
                    url = next.ok_or_else(|| FetchError::Redirect {
                        url: wanted.url.to_string(),
                    })?;
                }
                status => {
                    return Err(FetchError::Status {
                        url: url.to_string(),
                        status: status.as_u16(),
                    });
                }
            }
        }
        Err(FetchError::Redirect {
            url: wanted.url.to_string(),
        })
    }

    async fn hop(
        &self,
        url: &FetchUrl,
        wanted: &Wanted<'_>,
        credential: Option<&OpenConnection>,
    ) -> Result<Reply, EgressError> {
        let credential = credential.and_then(OpenConnection::credential);
        let uri = url.uri().ok_or_else(|| denied(Denial::Url))?;
        let destination = Destination {
            origin: url.origin().clone(),
            rule: wanted.addresses.rule_at(url.origin()),
        };
        let build = || {
            let mut request = Request::new(full(Bytes::new()));
            *request.method_mut() = Method::GET;
            *request.uri_mut() = uri.clone();
            let headers = request.headers_mut();
            if wanted.from > 0
                && let Ok(range) = HeaderValue::from_str(&format!("bytes={}-", wanted.from))
            {
                headers.insert(RANGE, range);
            }
            trace::stamp(headers, &destination.origin);
            if let Some(credential) = credential {
                headers.insert(credential.name().clone(), credential.header_value());
            }
            request
        };
        let limits = self.limits();
        let sent = send_safely(
            self.client(),
            &destination,
            build,
            limits.connect,
            limits.first_byte,
        );
        let span = spans::span(&Method::GET, &destination.origin, uri.path(), 0);
        spans::traced(span, sent).await
    }
}

/// The URL of a redirect; `None` if there is none, if it leads from `https` to `http`, or holds the
/// credential.
fn next_hop(
    url: &FetchUrl,
    headers: &HeaderMap,
    connection: Option<&OpenConnection>,
) -> Result<Option<FetchUrl>, FetchError> {
    let Some(location) = headers.get(LOCATION) else {
        return Ok(None);
    };
    let credential = connection.and_then(OpenConnection::credential);
    if credential.is_some_and(|credential| credential.is_in(location.as_bytes())) {
        return Ok(None);
    }
    let location = match std::str::from_utf8(location.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => percent_encode(location.as_bytes(), OTHER_BYTES).to_string(),
    };
    match url.join(&location) {
        Ok(next) if next.origin().is_secure() || !url.origin().is_secure() => Ok(Some(next)),
        Ok(_) | Err(FetchUrlError::NotAUrl) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The bytes of a `Location` that is not UTF-8 which are encoded: all that are not ASCII.
const OTHER_BYTES: &AsciiSet = &CONTROLS.remove(b'\t');

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next()?.trim();
    (!essence.is_empty()).then(|| essence.to_ascii_lowercase())
}

fn denied(denial: Denial) -> EgressError {
    spans::denied(&denial);
    NotSent::denied(denial).into()
}

fn failed(url: &FetchUrl, addresses: &FetchAddresses<'_>, source: EgressError) -> FetchError {
    let missing = match &source {
        EgressError::NotSent(error) => addresses.missing(url.origin(), error),
        EgressError::ReplyLost(_) => None,
    };
    let url = url.to_string();
    match missing {
        Some((connection, line)) => FetchError::ResultOrigin {
            url,
            connection,
            line,
            cause: Box::new(source),
        },
        None => FetchError::Egress { url, source },
    }
}

impl From<FetchUrlError> for FetchError {
    fn from(error: FetchUrlError) -> Self {
        let (url, denial) = match error {
            FetchUrlError::NotAUrl => return Self::Url,
            FetchUrlError::Place(url) => (url, Denial::Url),
            FetchUrlError::Userinfo(url) => (url, Denial::Userinfo),
        };
        Self::Egress {
            url,
            source: denied(denial),
        }
    }
}

#[cfg(test)]
mod tests;
