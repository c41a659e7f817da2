//! Chooses the proxy for a destination.
//!
//! The choice depends on the origin alone and the settings are read once. So a destination is
//! either always or never reached through a proxy, and the pool, whose key is the destination,
//! mixes no direct connection with one through a proxy.

use std::fmt;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

use super::proxy_error::NetworkError;
use super::variables::NetworkVariables;
use crate::net::hostnames::{self, NameKind};
use crate::net::{Network, Origin, ProxySetting, ProxyUrl};

/// A proxy. `Debug` and `Display` show its origin alone.
#[derive(Clone)]
pub(super) struct Proxy {
    pub(super) origin: Origin,
    /// The value of `proxy-authorization`.
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxy {
    /// `None` if the library reads the URL differently.
    fn of(url: &ProxyUrl) -> Option<Self> {
        let matcher = Matcher::builder().all(url.reveal()).build();
        let found = matcher.intercept(&Uri::from_static("https://api.example.com"))?;
        let origin = Origin::of(&Url::parse(&found.uri().to_string()).ok()?)?;
        (origin.to_string() == url.to_string()).then(|| Self {
            origin,
            authorization: found.basic_auth().cloned(),
        })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin.fmt(f)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.origin)
    }
}

/// The proxies of an egress. The default has none.
#[derive(Default)]
pub(super) struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    /// The hosts without a proxy; `None` without any proxy.
    matcher: Option<Matcher>,
    /// Whether a proxy may resolve the name of any permitted host.
    pub(super) resolve: bool,
}

impl Proxies {
    pub(super) fn new(
        network: &Network,
        variables: &NetworkVariables,
    ) -> Result<Self, NetworkError> {
        let (https, http) = match &network.proxy {
            ProxySetting::Off => (None, None),
            ProxySetting::Url(url) => (Some(url.clone()), Some(url.clone())),
            ProxySetting::Environment => (variables.https()?, variables.http()?),
        };
        if https.is_none() && http.is_none() {
            return Ok(Self::default());
        }
        let exceptions = variables.exceptions()?;
        // The library applies `*` to names alone.
        if exceptions.split(',').any(|entry| entry == "*") {
            return Ok(Self::default());
        }
        let mut matcher = Matcher::builder().no(exceptions);
        if let Some(url) = &https {
            matcher = matcher.https(url.reveal());
        }
        if let Some(url) = &http {
            matcher = matcher.http(url.reveal());
        }
        let proxy = |url: Option<ProxyUrl>| {
            let unusable = |url: &ProxyUrl| NetworkError::Proxy {
                proxy: url.to_string(),
            };
            let proxy = url.map(|url| Proxy::of(&url).ok_or_else(|| unusable(&url)));
            proxy.transpose()
        };
        let proxies = Self {
            https: proxy(https)?,
            http: proxy(http)?,
            matcher: Some(matcher.build()),
            resolve: network.proxy_resolves,
        };
        tracing::debug!(https = ?proxies.https, http = ?proxies.http, "requests use a proxy");
        Ok(proxies)
    }

    /// The proxy for `origin`, if it is reached through one.
    pub(super) fn of(&self, origin: &Origin) -> Option<&Proxy> {
        let matcher = self.matcher.as_ref()?;
        let proxy = if origin.is_secure() {
            self.https.as_ref()?
        } else {
            self.http.as_ref()?
        };
        if is_this_machine(origin) {
            return None;
        }
        let is_excepted = origin
            .to_string()
            .parse()
            .is_ok_and(|uri| matcher.intercept(&uri).is_none());
        (!is_excepted).then_some(proxy)
    }
}

/// Whether `origin` names this machine: a proxy would reach its own machine under that name.
fn is_this_machine(origin: &Origin) -> bool {
    origin.is_loopback()
        || matches!(origin.host(), Host::Domain(name)
            if hostnames::classify(name) == Some(NameKind::Loopback))
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
