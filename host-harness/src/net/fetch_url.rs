//! URLs that the host fetches: those of results, artifacts, pictures and redirects. A URL is
//! resolved once, and the outcome is judged and sent.

use std::fmt;

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

use super::urls::{BaseUrl, Origin};

/// The bytes of a path that are percent-encoded, besides non-ASCII ones: those that a request
/// line cannot have, and those that the HTTP library refuses in a path. All others stay as they
/// are, `'`, `{`, `}`, `|` and `^` included: a signature covers them as they are written.
const PATH: &AsciiSet = &QUERY.add(b'`');

/// The same for a query.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');

/// A scheme in an error is no longer than this.
const LONGEST_SCHEME: usize = 16;

/// A URL that can be fetched, in the form in which it is sent: an origin in normal form, and the
/// path and query byte for byte, without dot segments and fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FetchUrl {
    origin: Origin,
    /// Path and query.
    target: String,
    /// Length of the path.
    path: usize,
}

/// Why a text is not a URL that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FetchUrlError {
    /// No URL, or a relative one without another one before it.
    NotAUrl,
    /// A URL of another scheme than `http` and `https`, or without a valid host; as it may be
    /// shown.
    Place(String),
    /// The URL has a user or a password; as it may be shown.
    Userinfo(String),
}

impl FetchUrl {
    /// Parses an absolute URL.
    pub(crate) fn parse(text: &str) -> Result<Self, FetchUrlError> {
        Self::resolved(None, text)
    }

    /// The URL that `reference` names in a reply from this one (RFC 3986, 5.2). As in browsers,
    /// `\` is `/` before a query, and `%2e` is a dot.
    pub(crate) fn join(&self, reference: &str) -> Result<Self, FetchUrlError> {
        Self::resolved(Some(self), reference)
    }

    fn resolved(base: Option<&Self>, text: &str) -> Result<Self, FetchUrlError> {
        let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter < ' ');
        let text = text.replace(['\t', '\r', '\n'], "");
        let text = text.split('#').next().unwrap_or_default();
        let (scheme, rest) = match scheme_of(text) {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let below = rest.trim_start_matches(['/', '\\']);
        let has_authority = rest.len() - below.len() >= 2;
        match (scheme.as_deref(), base) {
            (Some("http" | "https") | None, Some(base))
                if !has_authority && scheme.as_deref().is_none_or(|own| own == base.scheme()) =>
            {
                Ok(base.with_relative(rest))
            }
            (Some(scheme @ ("http" | "https")), _) => Self::with_authority(scheme, below),
            (None, Some(base)) => Self::with_authority(base.scheme(), below),
            (None, None) => Err(FetchUrlError::NotAUrl),
            (Some(scheme), _) => {
                let scheme = &scheme[..scheme.len().min(LONGEST_SCHEME)];
                Err(FetchUrlError::Place(format!("{scheme}:…")))
            }
        }
    }

    /// The URL of an authority, and of the path and query after it.
    fn with_authority(scheme: &str, text: &str) -> Result<Self, FetchUrlError> {
        let end = text.find(['/', '\\', '?']).unwrap_or(text.len());
        let (authority, rest) = text.split_at(end);
        let url = Url::parse(&format!("{scheme}://{authority}/"));
        let url = url.map_err(|_| FetchUrlError::NotAUrl)?;
        let shown = || format!("{scheme}://{}/…", url.host_str().unwrap_or_default());
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchUrlError::Userinfo(shown()));
        }
        let origin = Origin::of(&url).ok_or_else(|| FetchUrlError::Place(shown()))?;
        let (path, query) = split(rest);
        Ok(Self::of(origin, &path.replace('\\', "/"), query))
    }

    /// The URL that a relative one names.
    fn with_relative(&self, text: &str) -> Self {
        let (path, query) = split(text);
        let path = path.replace('\\', "/");
        let (own, own_query) = split(&self.target);
        let folder = &own[..=own.rfind('/').unwrap_or_default()];
        let (path, query) = match path.as_bytes().first() {
            None => (own.to_owned(), query.or(own_query)),
            Some(b'/') => (path, query),
            Some(_) => (format!("{folder}{path}"), query),
        };
        Self::of(self.origin.clone(), &path, query)
    }

    fn of(origin: Origin, path: &str, query: Option<&str>) -> Self {
        let encoded = utf8_percent_encode(path, PATH).to_string();
        let mut target = without_dots(&encoded);
        let path = target.len();
        if let Some(query) = query {
            target.push('?');
            target.extend(utf8_percent_encode(query, QUERY));
        }
        Self {
            origin,
            target,
            path,
        }
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The path as it is sent.
    pub(crate) fn path(&self) -> &str {
        &self.target[..self.path]
    }

    /// The URI as it is sent; `None` if the HTTP library cannot send exactly this one, because it
    /// is longer than 64 KiB.
    pub(crate) fn uri(&self) -> Option<Uri> {
        let uri: Uri = format!("{}{}", self.origin, self.target).parse().ok()?;
        let is_whole = uri.path_and_query()?.as_str() == self.target;
        is_whole.then_some(uri)
    }

    /// Whether it is at the origin of a base URL and below its path.
    pub(crate) fn is_below(&self, base: &BaseUrl) -> bool {
        self.origin == *base.origin() && base.has_below(self.path())
    }

    fn scheme(&self) -> &'static str {
        if self.origin.is_secure() {
            "https"
        } else {
            "http"
        }
    }
}

/// For errors and logs: without the query, which may hold credentials.
impl fmt::Display for FetchUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path())
    }
}

/// The scheme of a text in lower case, and the rest; `None` if it has none.
fn scheme_of(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_legal = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_legal.then(|| (scheme.to_ascii_lowercase(), rest))
}

/// A path and its query.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    }
}

/// A path without its segments `.` and `..` (RFC 3986, 5.2.4). `%2e` is such a dot.
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let dots = segment.replace("%2e", ".").replace("%2E", ".");
        if !matches!(&*dots, "." | "..") {
            kept.push(segment);
            continue;
        }
        if dots == ".." {
            kept.pop();
        }
        if segments.peek().is_none() {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests;
