//! The base URL of a connection and the origin of any URL, parsed once. Queries, fragments and
//! user names are neither stored nor shown.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{percent_decode, percent_decode_str};
use url::{Host, Url};

use super::addresses::{self, AddressKind};

/// Scheme, host and port: what a credential is bound to.
///
/// The host is normalised: lower case, punycode, without a trailing dot, every
/// spelling of an IPv4 address as that address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    secure: bool,
    host: Host<String>,
    port: u16,
}

impl Origin {
    /// The origin of an `http` or `https` URL; `None` for any other.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = match url.host()? {
            Host::Domain(name) => Host::Domain(name.strip_suffix('.').unwrap_or(name).to_owned()),
            Host::Ipv4(address) => Host::Ipv4(address),
            Host::Ipv6(address) => Host::Ipv6(address),
        };
        if matches!(&host, Host::Domain(name) if name.is_empty() || name.ends_with('.')) {
            return None;
        }
        let port = url.port_or_known_default()?;
        Some(Self { secure, host, port })
    }

    /// Whether it is `https`.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host<String> {
        &self.host
    }

    /// The port, the scheme's own where the URL names none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the host names this machine: a loopback address, `localhost`, or a
    /// name below `localhost` (RFC 6761).
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => addresses::classify((*address).into()) == AddressKind::Loopback,
            Host::Ipv6(address) => addresses::classify((*address).into()) == AddressKind::Loopback,
        }
    }

    /// Whether scheme and authority are the origin in its normal form.
    pub(crate) fn is_written(&self, scheme: Option<&str>, authority: &str) -> bool {
        scheme == Some(self.scheme()) && authority == self.authority()
    }

    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// Host and port as in the `host` header: without the scheme's default port.
    #[must_use]
    pub fn authority(&self) -> String {
        match (self.secure, self.port) {
            (true, 443) | (false, 80) => self.host.to_string(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}

/// The URL that every request of a connection is below: its origin and its path.
///
/// `https`, or `http` to this machine only, since a credential must be encrypted on a network.
/// No user, query or fragment; no trailing slash.
///
/// # Example
///
/// ```
/// use zoetrope_host::net::BaseUrl;
///
/// let base: BaseUrl = "https://API.example.com/v1".parse()?;
/// assert_eq!(base.join("/jobs")?.as_str(), "https://api.example.com/v1/jobs");
/// assert!("https://user:password@example.com".parse::<BaseUrl>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    origin: Origin,
    path: String,
}

impl BaseUrl {
    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The path that requests stay below, without a trailing slash; empty for the
    /// whole origin.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a path of a URL is at or below this base's, in whole segments, and no server may
    /// read it as another one.
    pub(crate) fn has_below(&self, path: &str) -> bool {
        let below = path.strip_prefix(&*self.path);
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
            && !path.split('/').any(may_climb)
    }

    /// The URL of `path`, which starts with a slash, below this base.
    ///
    /// # Errors
    ///
    /// When base and path do not make a URL.
    pub fn join(&self, path: &str) -> Result<Url, url::ParseError> {
        Url::parse(&format!("{self}{path}"))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

/// Why a text is not a [`BaseUrl`]. Never shows the text: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// Not an absolute URL.
    #[error("the base URL is not an absolute URL like https://api.example.com")]
    NotAUrl,
    /// Neither `http` nor `https`.
    #[error("the base URL is neither https nor http")]
    Scheme,
    /// `user:password@`.
    #[error("the base URL holds a user or password; the credential has its own key")]
    Userinfo,
    /// `?…`.
    #[error("the base URL has a query")]
    Query,
    /// `#…`.
    #[error("the base URL has a fragment")]
    Fragment,
    /// Plain `http` over a network.
    #[error(
        "the base URL is plain http to another machine: the credential would be sent unencrypted; use https"
    )]
    Clear,
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| BaseUrlError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BaseUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Userinfo);
        }
        if url.query().is_some() {
            return Err(BaseUrlError::Query);
        }
        if url.fragment().is_some() {
            return Err(BaseUrlError::Fragment);
        }
        let origin = Origin::of(&url).ok_or(BaseUrlError::NotAUrl)?;
        if !origin.is_secure() && !origin.is_loopback() {
            return Err(BaseUrlError::Clear);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        Ok(Self { origin, path })
    }
}

/// A URL for errors and logs: without user, query and fragment, which may hold credentials.
#[must_use]
pub fn shown(url: &Url) -> String {
    if url.cannot_be_a_base() {
        return format!("{}:…", url.scheme());
    }
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only for URLs that cannot have a user.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

/// Whether a path segment is, or some server may read it as, a step to another folder: `..`,
/// `%2e%2e`, `..%2fx`, `..\x`, `..;x`, a dot in overlong UTF-8, or other bytes that are not a
/// plain text.
pub(crate) fn may_climb(segment: &str) -> bool {
    let Some(decoded) = decoded(segment) else {
        return true;
    };
    decoded
        .split(['/', '\\'])
        .filter_map(|part| part.split(';').next())
        .any(|name| matches!(name, "." | ".."))
        || segment.contains('\\')
        || decoded.contains(char::is_control)
}

/// The most times that a server decodes a path: itself, and a proxy or two before it.
const DECODINGS: usize = 4;

/// `segment` percent-decoded as often as some servers do. `None` if the result is not UTF-8, or
/// could be decoded further.
fn decoded(segment: &str) -> Option<String> {
    let mut bytes: Vec<u8> = percent_decode_str(segment).collect();
    for _ in 1..DECODINGS {
        bytes = percent_decode(&bytes).collect();
    }
    let again: Vec<u8> = percent_decode(&bytes).collect();
    (again == bytes)
        .then(|| String::from_utf8(bytes).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_normalised() {
        for (text, expected) in [
            ("https://API.Example.com", "https://api.example.com"),
            (
                "https://api.example.com:443/v1//",
                "https://api.example.com/v1",
            ),
            ("https://api.example.com./v1/", "https://api.example.com/v1"),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("http://0x7f.1:80", "http://127.0.0.1"),
            ("http://127.0.0.1.:9", "http://127.0.0.1:9"),
            ("http://[::1]:9/x", "http://[::1]:9/x"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("https://a.example/x/../y", "https://a.example/y"),
        ] {
            let base: BaseUrl = text.parse().expect(text);
            assert_eq!(base.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn invalid_base_url_is_rejected_and_not_shown() {
        for (text, expected) in [
            ("api.example.com", BaseUrlError::NotAUrl),
            ("", BaseUrlError::NotAUrl),
            ("https://", BaseUrlError::NotAUrl),
            ("https://a.example..", BaseUrlError::NotAUrl),
            ("ftp://api.example.com", BaseUrlError::Scheme),
            ("https://user@api.example.com", BaseUrlError::Userinfo),
            ("https://:hunter2@api.example.com", BaseUrlError::Userinfo),
            ("https://api.example.com?key=1", BaseUrlError::Query),
            ("https://api.example.com#x", BaseUrlError::Fragment),
            ("http://api.example.com", BaseUrlError::Clear),
            ("http://10.0.0.1", BaseUrlError::Clear),
            ("http://localhost.example.com", BaseUrlError::Clear),
        ] {
            assert_eq!(text.parse::<BaseUrl>(), Err(expected), "{text}");
            assert!(!expected.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn shown_url_has_no_user_query_or_fragment() {
        let url = Url::parse("https://user:pass@cdn.example/a/clip.mp4?sig=SECRET#t").expect("url");
        assert_eq!(shown(&url), "https://cdn.example/a/clip.mp4");
        let data = Url::parse("data:image/png;base64,AAAA").expect("url");
        assert_eq!(shown(&data), "data:…");
    }
}
