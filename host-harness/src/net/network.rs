//! The settings of the table `[network]`: the proxy and further certificate authorities.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;
use zeroize::Zeroizing;

use super::urls::Origin;

/// How requests leave this machine. The default reads the proxy variables and trusts the
/// platform's certificate authorities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The proxy.
    pub proxy: ProxySetting,
    /// Whether the proxy may resolve the name of any permitted host that has no address here.
    /// Without it, it may do so for the origins of connections alone.
    pub proxy_resolves: bool,
    /// A PEM file with certificate authorities that are trusted besides the platform's.
    pub ca_file: Option<PathBuf>,
}

/// Which proxy is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProxySetting {
    /// The proxies that the environment variables name.
    #[default]
    Environment,
    /// None, whatever the environment variables say.
    Off,
    /// This one. `NO_PROXY` still applies.
    Url(ProxyUrl),
}

impl FromStr for ProxySetting {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::Url)
    }
}

/// The URL of a proxy, which may contain a user and a password. `Debug` and `Display` show
/// the origin alone.
///
/// # Example
///
/// ```
/// use zoetrope_host::net::ProxyUrl;
///
/// let proxy: ProxyUrl = "http://user:hunter2@proxy.example:3128".parse()?;
/// assert_eq!(proxy.to_string(), "http://proxy.example:3128");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    origin: Origin,
    /// Normalised, so that other parsers divide it at the same places.
    whole: Zeroizing<String>,
}

impl ProxyUrl {
    /// The URL with user and password.
    pub(crate) fn reveal(&self) -> &str {
        &self.whole
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin.fmt(f)
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({})", self.origin)
    }
}

/// Why a text is not a [`ProxyUrl`]. Never shows the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyUrlError {
    /// Not a URL.
    #[error(
        "not a proxy's URL like http://proxy.example:3128; \
         special characters of a password are percent-encoded"
    )]
    NotAUrl,
    /// A SOCKS proxy.
    #[error("SOCKS proxies are not supported; use an http or https proxy")]
    Socks,
    /// Another scheme.
    #[error("a proxy's URL begins with http:// or https://")]
    Scheme,
    /// More than an origin and a user.
    #[error(
        "a proxy's URL has no path, query or fragment; \
         special characters of a password are percent-encoded"
    )]
    Path,
}

impl FromStr for ProxyUrl {
    type Err = ProxyUrlError;

    /// Parses `scheme://[user[:password]@]host[:port]`. Without a scheme it is `http`, as for
    /// other programs that read these variables.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let whole = Zeroizing::new(if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        });
        let url = Url::parse(&whole).map_err(|_| ProxyUrlError::NotAUrl)?;
        match url.scheme() {
            "http" | "https" => {}
            scheme if scheme.starts_with("socks") => return Err(ProxyUrlError::Socks),
            _ => return Err(ProxyUrlError::Scheme),
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(ProxyUrlError::Path);
        }
        Ok(Self {
            origin: Origin::of(&url).ok_or(ProxyUrlError::NotAUrl)?,
            whole: Zeroizing::new(url.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxy_urls_are_parsed_with_and_without_a_scheme() {
        for (text, shown, whole) in [
            (
                "http://p.example:3128",
                "http://p.example:3128",
                "http://p.example:3128/",
            ),
            (
                " p.example:3128 ",
                "http://p.example:3128",
                "http://p.example:3128/",
            ),
            (
                "HTTPS://P.example",
                "https://p.example",
                "https://p.example/",
            ),
            (
                "user:hunter2@proxy:80",
                "http://proxy",
                "http://user:hunter2@proxy/",
            ),
            (
                "http://u:p@ss@10.0.0.1:1",
                "http://10.0.0.1:1",
                "http://u:p%40ss@10.0.0.1:1/",
            ),
            (
                "http://[fd00::1]:3128/",
                "http://[fd00::1]:3128",
                "http://[fd00::1]:3128/",
            ),
        ] {
            let parsed: ProxyUrl = text.parse().expect(text);
            assert_eq!(parsed.to_string(), shown, "{text}");
            assert_eq!(parsed.reveal(), whole, "{text}");
        }
    }

    #[test]
    fn invalid_proxy_url_is_refused_and_not_shown() {
        for (text, expected) in [
            ("http://", ProxyUrlError::NotAUrl),
            ("http://user:hunter2@proxy:port", ProxyUrlError::NotAUrl),
            ("socks5://user:hunter2@proxy:1080", ProxyUrlError::Socks),
            ("socks5h://hunter2", ProxyUrlError::Socks),
            ("ftp://hunter2", ProxyUrlError::Scheme),
            ("http://user:12#hunter2@proxy:3128", ProxyUrlError::Path),
            ("http://user:12/hunter2@proxy:3128", ProxyUrlError::Path),
            ("http://user:12?hunter2@proxy:3128", ProxyUrlError::Path),
        ] {
            assert_eq!(text.parse::<ProxyUrl>(), Err(expected), "{text}");
            assert!(!expected.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn proxy_setting_shows_no_credential() {
        let setting: ProxySetting = "http://user:hunter2@p.example".parse().expect("a URL");
        let network = Network {
            proxy: setting,
            ..Network::default()
        };
        let shown = format!("{network:?}");
        assert!(
            shown.contains("http://p.example") && !shown.contains("hunter2"),
            "{shown}"
        );
        assert!(!shown.contains("user"), "{shown}");
        assert_eq!("none".parse(), Ok(ProxySetting::Off));
    }
}
