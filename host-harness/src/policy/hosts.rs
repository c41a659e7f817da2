//! Rules for requests of a pack to hosts other than its connection's.

use std::fmt;
use std::str::FromStr;

use http::Method;
use serde::de::{self, Deserialize, Deserializer};
use url::{Host, Url};

use crate::net::addresses::{self, AddressKind};
use crate::net::{Origin, may_climb};

/// The methods that a rule can name.
const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// A rule like `GET https://cdn.example.com:8443/media`: a method, a scheme, a host, a port
/// (the scheme's default if there is none) and a path.
///
/// The rule permits the path and all paths below it, in whole segments. A path with a segment that
/// is or decodes to `.` or `..` is never permitted. `*.example.com` matches
/// every name below `example.com` and not that name itself. An address must be a public one.
///
/// # Example
///
/// ```
/// use http::Method;
/// use url::Url;
/// use zoetrope_host::policy::HostRule;
///
/// let rule: HostRule = "GET https://*.example.com/media".parse()?;
/// let clip = Url::parse("https://cdn.example.com/media/1.mp4")?;
/// assert!(rule.permits(&Method::GET, &clip));
/// assert!(!rule.permits(&Method::POST, &clip));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct HostRule {
    method: Method,
    /// Whether the rule matches names below the origin's host instead of the host itself.
    below: bool,
    origin: Origin,
    path: String,
}

impl HostRule {
    /// Whether this rule permits a request.
    #[must_use]
    pub fn permits(&self, method: &Method, url: &Url) -> bool {
        let Some(origin) = Origin::of(url) else {
            return false;
        };
        *method == self.method
            && self.is_at(&origin)
            && self.has_below(url.path())
            && !url.path().split('/').any(may_climb)
    }

    /// Whether this rule permits all requests that `other` permits.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let hosts = match (self.below, other.below) {
            (false, true) => false,
            (true, true) if self.origin == other.origin => true,
            _ => self.is_at(&other.origin),
        };
        self.method == other.method && hosts && self.has_below(&other.path)
    }

    /// The narrowest rule that permits this request; `None` if no rule can.
    #[must_use]
    pub fn of_request(method: &Method, url: &Url) -> Option<Self> {
        let mut bare = url.clone();
        bare.set_query(None);
        bare.set_fragment(None);
        let rule: Self = format!("{method} {bare}").parse().ok()?;
        rule.permits(method, url).then_some(rule)
    }

    fn is_at(&self, origin: &Origin) -> bool {
        if !self.below {
            return self.origin == *origin;
        }
        let (Host::Domain(parent), Host::Domain(name)) = (self.origin.host(), origin.host()) else {
            return false;
        };
        let is_below = name
            .strip_suffix(parent.as_str())
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
        is_below
            && self.origin.is_secure() == origin.is_secure()
            && self.origin.port() == origin.port()
    }

    fn has_below(&self, path: &str) -> bool {
        path.strip_prefix(&self.path).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        })
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.origin.is_secure() {
            "https"
        } else {
            "http"
        };
        let below = if self.below { "*." } else { "" };
        let (method, authority, path) = (&self.method, self.origin.authority(), &self.path);
        write!(f, "{method} {scheme}://{below}{authority}{path}")
    }
}

impl fmt::Debug for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostRuleError {
    /// The text is not a method and a URL.
    #[error("a host rule is a method and a URL, like `GET https://cdn.example.com/media`")]
    Form,
    /// A rule cannot name this method.
    #[error("a host rule names one of the methods GET, HEAD, POST, PUT, PATCH, DELETE")]
    Method,
    /// The URL is not an http or https URL of origin and path alone.
    #[error(
        "a host rule's URL is http or https, without user, query, fragment and steps like `..`"
    )]
    Url,
    /// The pattern is too wide, or not at the beginning of the host.
    #[error("a host rule's pattern is `*.` before a name of two parts or more")]
    Pattern,
    /// The address is not public.
    #[error("a host rule names no address of this machine or of a private network")]
    Address,
}

impl FromStr for HostRule {
    type Err = HostRuleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (method, url) = text.split_once(' ').ok_or(HostRuleError::Form)?;
        let method = METHODS
            .into_iter()
            .find(|known| known.as_str() == method)
            .ok_or(HostRuleError::Method)?;
        let (scheme, rest) = url.split_once("://").ok_or(HostRuleError::Form)?;
        if !matches!(scheme, "http" | "https") {
            return Err(HostRuleError::Url);
        }
        let (below, rest) = match rest.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let plain = |c: char| c.is_ascii_graphic() && !"\\\"*'`<>^{|}".contains(c);
        if !rest.chars().all(plain) {
            let pattern = rest.contains('*');
            return Err(if pattern {
                HostRuleError::Pattern
            } else {
                HostRuleError::Url
            });
        }
        let url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| HostRuleError::Url)?;
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let path = &rest[rest.find('/').unwrap_or(rest.len())..];
        if !is_bare || path.split('/').any(may_climb) {
            return Err(HostRuleError::Url);
        }
        let origin = Origin::of(&url).ok_or(HostRuleError::Url)?;
        let kind = match origin.host() {
            Host::Ipv4(address) => addresses::classify((*address).into()),
            Host::Ipv6(address) => addresses::classify((*address).into()),
            Host::Domain(_) if origin.is_loopback() => AddressKind::Loopback,
            Host::Domain(_) => AddressKind::Public,
        };
        if kind != AddressKind::Public {
            return Err(HostRuleError::Address);
        }
        let is_name = matches!(origin.host(), Host::Domain(name) if name.contains('.'));
        if below && !is_name {
            return Err(HostRuleError::Pattern);
        }
        Ok(Self {
            method,
            below,
            origin,
            path: url.path().to_owned(),
        })
    }
}

impl<'de> Deserialize<'de> for HostRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> HostRule {
        text.parse().expect(text)
    }

    fn permits(rule: &HostRule, request: &str) -> bool {
        let (method, url) = request.split_once(' ').expect("method and URL");
        let method: Method = method.parse().expect("a method");
        rule.permits(&method, &Url::parse(url).expect("a URL"))
    }

    #[test]
    fn host_rule_permits_only_its_method_origin_and_path() {
        let media = rule("GET https://cdn.example.com/media");
        for request in [
            "GET https://cdn.example.com/media",
            "GET https://CDN.example.com:443/media/a/b.mp4?signature=1",
            "GET https://cdn.example.com./media/",
        ] {
            assert!(permits(&media, request), "{request}");
        }
        for request in [
            "POST https://cdn.example.com/media",
            "GET http://cdn.example.com/media",
            "GET https://cdn.example.com:8443/media",
            "GET https://cdn.example.com/mediax",
            "GET https://cdn.example.com/",
            "GET https://cdn.example.com/media/%2e%2e%2fadmin",
            "GET https://cdn.example.com/media/%252e%252e/admin",
            "GET https://cdn.example.com/media/%25252e%25252e/admin",
            "GET https://cdn.example.com/media/..%5cadmin",
            "GET https://cdn.example.com//media",
            "GET https://a.cdn.example.com/media",
            "GET https://cdn.example.com.evil.example/media",
            "GET https://example.com/media",
        ] {
            assert!(!permits(&media, request), "{request}");
        }
        let all = rule("GET https://cdn.example.com");
        assert!(permits(&all, "GET https://cdn.example.com/anything"));
    }

    #[test]
    fn host_pattern_permits_only_names_below_it() {
        let below = rule("GET https://*.example.com/");
        assert!(permits(&below, "GET https://a.example.com/x"));
        assert!(permits(&below, "GET https://a.b.example.com/x"));
        for url in [
            "GET https://example.com/x",
            "GET https://evilexample.com/x",
            "GET https://.example.com/x",
            "GET https://a.example.com.evil.example/x",
            "GET https://a.example.com:444/x",
        ] {
            assert!(!permits(&below, url), "{url}");
        }
    }

    #[test]
    fn wider_rules_cover_narrower_ones() {
        for (wide, narrow) in [
            ("GET https://a.example.com/", "GET https://a.example.com/x"),
            ("GET https://a.example.com/x", "GET https://a.example.com/x"),
            ("GET https://*.example.com/", "GET https://a.example.com/x"),
            ("GET https://*.example.com/", "GET https://*.example.com/x"),
            ("GET https://*.example.com/", "GET https://*.a.example.com/"),
        ] {
            assert!(rule(wide).covers(&rule(narrow)), "{wide} {narrow}");
            let same = wide == narrow;
            assert_eq!(rule(narrow).covers(&rule(wide)), same, "{narrow} {wide}");
        }
        assert!(!rule("GET https://a.example.com/").covers(&rule("PUT https://a.example.com/")));
    }

    #[test]
    fn host_rules_round_trip_through_text() {
        for text in [
            "GET https://cdn.example.com/media",
            "DELETE http://*.example.com:8080/",
            "POST https://93.184.216.34/",
        ] {
            assert_eq!(rule(text).to_string(), text);
        }
        assert_eq!(
            rule("GET https://CDN.Example.com:443").to_string(),
            "GET https://cdn.example.com/"
        );
    }

    #[test]
    fn invalid_host_rule_is_refused() {
        for (text, expected) in [
            ("", HostRuleError::Form),
            ("https://a.example.com", HostRuleError::Form),
            ("GET a.example.com", HostRuleError::Form),
            ("get https://a.example.com", HostRuleError::Method),
            ("CONNECT https://a.example.com", HostRuleError::Method),
            ("* https://a.example.com", HostRuleError::Method),
            ("GET ftp://a.example.com", HostRuleError::Url),
            ("GET https://user@a.example.com", HostRuleError::Url),
            ("GET https://a.example.com?x", HostRuleError::Url),
            ("GET https://a.example.com/#x", HostRuleError::Url),
            ("GET https://a.example.com/a/../b", HostRuleError::Url),
            ("GET https://a.example.com/a b", HostRuleError::Url),
            ("GET https://a.example.com/\n", HostRuleError::Url),
            (
                "GET https:/a.example.com/ https://b.example.com/",
                HostRuleError::Url,
            ),
            ("GET https://*", HostRuleError::Pattern),
            ("GET https://*.com", HostRuleError::Pattern),
            ("GET https://a.*.example.com", HostRuleError::Pattern),
            ("GET https://*.93.184.216.34", HostRuleError::Pattern),
            ("GET https://127.0.0.1", HostRuleError::Address),
            ("GET https://0x7f.1/", HostRuleError::Address),
            ("GET https://[::ffff:10.0.0.1]/", HostRuleError::Address),
            ("GET https://localhost", HostRuleError::Address),
            ("GET https://169.254.169.254/latest", HostRuleError::Address),
        ] {
            assert_eq!(text.parse::<HostRule>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn rule_of_a_request_omits_query_and_fragment() {
        let url = Url::parse("https://cdn.example.com/a?signature=secret#x").expect("a URL");
        let needed = HostRule::of_request(&Method::GET, &url).expect("a rule");
        assert_eq!(needed.to_string(), "GET https://cdn.example.com/a");
        let local = Url::parse("http://127.0.0.1/").expect("a URL");
        assert_eq!(HostRule::of_request(&Method::GET, &local), None);
    }
}
