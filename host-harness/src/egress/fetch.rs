//! Fetches pictures and clips for the host: follows and checks redirects, and sends the
//! credential to its own origin only.

use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, RANGE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use url::Url;

use super::broker::Egress;
use super::client::{Reply, send_safely};
use super::destination::{Destination, full};
use super::error::{Denial, EgressError, NotSent};
use super::resolver::AddressRule;
use super::spans;
use crate::connections::OpenConnection;
use crate::net::{Origin, shown};
use crate::trace;

/// Most redirects that are followed: storage and its CDN need two or three.
const REDIRECTS: usize = 5;

/// What to fetch, and from which addresses.
pub(crate) struct Wanted<'a> {
    pub(crate) url: Url,
    pub(crate) rule: AddressRule,
    /// The connection whose credential is sent: to its own origin only, and not after a
    /// redirect to another one.
    pub(crate) credential: Option<&'a OpenConnection>,
    /// The origin of the connection, if there is one. A proxy may resolve its name.
    pub(crate) own: Option<&'a Origin>,
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
        let url = Url::parse(url).map_err(|_| FetchError::Url)?;
        let reply = self
            .fetch(Wanted {
                url: url.clone(),
                rule,
                credential: None,
                own: None,
                from: 0,
            })
            .await?;
        let media_type = media_type(&reply.parts.headers);
        let collected = reply.collect(limit, self.limits().idle).await;
        let (_, bytes) = collected.map_err(|lost| failed(&url, lost.into()))?;
        Ok(Fetched {
            media_type,
            bytes: bytes.freeze(),
        })
    }

    /// Fetches `wanted`: a reply with status 200, or 206 to a request that does not begin at
    /// 0. The caller reads the body and checks the range of a 206.
    pub(crate) async fn fetch(&self, wanted: Wanted<'_>) -> Result<Reply, FetchError> {
        let mut url = wanted.url.clone();
        let mut credential = wanted.credential;
        for _ in 0..=REDIRECTS {
            // Another origin also chooses a redirect back to the own one, so the credential is
            // not sent again.
            credential = credential.filter(|own| {
                Origin::of(&url).is_some_and(|origin| origin == *own.base_url().origin())
            });
            let reply = self
                .hop(&url, &wanted, credential)
                .await
                .map_err(|error| failed(&url, error))?;
            match reply.parts.status {
                StatusCode::OK => return Ok(reply),
                // A part that was not requested would be taken for the whole.
                StatusCode::PARTIAL_CONTENT if wanted.from > 0 => return Ok(reply),
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => {
                    let next = next_hop(&url, &reply.parts.headers, wanted.credential);
                    url = next.ok_or_else(|| FetchError::Redirect {
                        url: shown(&wanted.url),
                    })?;
                }
                status => {
                    return Err(FetchError::Status {
                        url: shown(&url),
                        status: status.as_u16(),
                    });
                }
            }
        }
        Err(FetchError::Redirect {
            url: shown(&wanted.url),
        })
    }

    async fn hop(
        &self,
        url: &Url,
        wanted: &Wanted<'_>,
        credential: Option<&OpenConnection>,
    ) -> Result<Reply, EgressError> {
        let denied = |denial| {
            spans::denied(&denial);
            EgressError::from(NotSent::denied(denial))
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(denied(Denial::Userinfo));
        }
        let origin = Origin::of(url).ok_or_else(|| denied(Denial::Url))?;
        let credential = credential.and_then(OpenConnection::credential);
        let mut target = url.clone();
        target.set_fragment(None);
        let uri: Uri = target.as_str().parse().map_err(|_| denied(Denial::Url))?;
        let rule = if wanted.own == Some(&origin) {
            wanted.rule.at_connection()
        } else {
            wanted.rule
        };
        let destination = Destination { origin, rule };
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

/// The URL of a redirect; `None` if it leads from `https` to `http`, or holds the credential.
fn next_hop(url: &Url, headers: &HeaderMap, connection: Option<&OpenConnection>) -> Option<Url> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let credential = connection.and_then(OpenConnection::credential);
    if credential.is_some_and(|credential| credential.is_in(location.as_bytes())) {
        return None;
    }
    let next = url.join(location).ok()?;
    (url.scheme() == "http" || next.scheme() == "https").then_some(next)
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next()?.trim();
    (!essence.is_empty()).then(|| essence.to_ascii_lowercase())
}

fn failed(url: &Url, source: EgressError) -> FetchError {
    FetchError::Egress {
        url: shown(url),
        source,
    }
}

#[cfg(test)]
mod tests;
