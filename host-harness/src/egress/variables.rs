//! The environment variables of proxies and certificate authorities.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use super::proxy_error::NetworkError;
use crate::net::ProxyUrl;

/// The variable with a file of certificate authorities, as OpenSSL names it.
pub const CERTIFICATES_VARIABLE: &str = "SSL_CERT_FILE";

/// Set by a web server for the programs that it starts (CGI, RFC 3875). It passes the header
/// `Proxy` of a request as `HTTP_PROXY`, so that the client would choose the proxy (httpoxy).
const CGI_VARIABLE: &str = "REQUEST_METHOD";

/// A variable that is set and not empty.
#[derive(Clone)]
struct Variable {
    name: &'static str,
    value: OsString,
}

impl Variable {
    fn text(&self) -> Result<&str, NetworkError> {
        let name = self.name;
        self.value.to_str().ok_or(NetworkError::NotUnicode { name })
    }

    fn url(&self) -> Result<ProxyUrl, NetworkError> {
        let fault = |source| NetworkError::Variable {
            name: self.name,
            source,
        };
        self.text()?.parse().map_err(fault)
    }
}

/// The variables that choose a proxy and add certificate authorities. In each pair, the upper
/// case name comes first, and an empty variable counts as unset.
///
/// | variables | meaning |
/// | --- | --- |
/// | `HTTPS_PROXY`, `https_proxy` | the proxy for `https` |
/// | `HTTP_PROXY`, `http_proxy` | the proxy for `http`; the first one is ignored in a CGI program |
/// | `ALL_PROXY`, `all_proxy` | the proxy for the scheme without one |
/// | `NO_PROXY`, `no_proxy` | hosts without a proxy: names and all below, addresses, CIDR, `*` |
/// | `SSL_CERT_FILE` | certificate authorities that are trusted besides the platform's |
#[derive(Clone, Default)]
pub struct NetworkVariables {
    https: Option<Variable>,
    http: Option<Variable>,
    all: Option<Variable>,
    no: Option<Variable>,
    certificates: Option<PathBuf>,
}

impl NetworkVariables {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    /// The variables that `lookup` returns.
    #[must_use]
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let first = |names: &[&'static str]| {
            names.iter().find_map(|&name| {
                let value = set(name)?;
                Some(Variable { name, value })
            })
        };
        let is_cgi = lookup(CGI_VARIABLE).is_some();
        Self {
            https: first(&["HTTPS_PROXY", "https_proxy"]),
            http: first(if is_cgi {
                &["http_proxy"]
            } else {
                &["HTTP_PROXY", "http_proxy"]
            }),
            all: first(&["ALL_PROXY", "all_proxy"]),
            no: first(&["NO_PROXY", "no_proxy"]),
            certificates: set(CERTIFICATES_VARIABLE).map(PathBuf::from),
        }
    }

    /// The proxy for `https`.
    pub(super) fn https(&self) -> Result<Option<ProxyUrl>, NetworkError> {
        let variable = self.https.as_ref().or(self.all.as_ref());
        variable.map(Variable::url).transpose()
    }

    /// The proxy for `http`.
    pub(super) fn http(&self) -> Result<Option<ProxyUrl>, NetworkError> {
        let variable = self.http.as_ref().or(self.all.as_ref());
        variable.map(Variable::url).transpose()
    }

    /// The hosts without a proxy: entries with commas between them. Entries may also be
    /// divided by spaces, and begin with `*.`, as many programs permit.
    pub(super) fn exceptions(&self) -> Result<String, NetworkError> {
        let Some(variable) = &self.no else {
            return Ok(String::new());
        };
        let entries = variable
            .text()?
            .split(|letter: char| letter == ',' || letter.is_whitespace());
        let entries = entries.map(|entry| {
            let entry = entry.strip_prefix("*.").unwrap_or(entry);
            let unbracketed = entry
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            unbracketed.unwrap_or(entry).trim_end_matches('.')
        });
        let entries: Vec<_> = entries.filter(|entry| !entry.is_empty()).collect();
        Ok(entries.join(","))
    }

    /// The file with certificate authorities.
    pub(super) fn certificates(&self) -> Option<&PathBuf> {
        self.certificates.as_ref()
    }
}

/// The names alone: a value may contain a password.
impl fmt::Debug for NetworkVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variables = [&self.https, &self.http, &self.all, &self.no];
        let names = variables
            .into_iter()
            .flatten()
            .map(|variable| variable.name);
        let certificates = self.certificates.as_ref().map(|_| CERTIFICATES_VARIABLE);
        f.debug_set().entries(names.chain(certificates)).finish()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// These variables.
    pub(in crate::egress) fn variables(set: &[(&str, &str)]) -> NetworkVariables {
        NetworkVariables::from_lookup(|wanted| {
            let found = set.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.into())
        })
    }

    fn https(set: &[(&str, &str)]) -> Option<String> {
        let proxy = variables(set).https().expect("a proxy");
        proxy.map(|proxy| proxy.to_string())
    }

    #[test]
    fn proxy_variable_is_read_in_upper_and_lower_case() {
        let expected = Some("http://p.example:3128".to_owned());
        for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            assert_eq!(
                https(&[(name, "http://p.example:3128")]),
                expected,
                "{name}"
            );
        }
        let upper = ("HTTPS_PROXY", "http://p.example:3128");
        let lower = ("https_proxy", "http://q.example");
        assert_eq!(https(&[lower, upper]), expected);
        assert_eq!(https(&[upper, ("ALL_PROXY", "http://q.example")]), expected);
        // An empty variable is the same as none.
        let empty = ("HTTPS_PROXY", "");
        assert_eq!(https(&[empty]), None);
        assert_eq!(https(&[empty, lower]), Some("http://q.example".into()));
        for name in ["HTTP_PROXY", "http_proxy"] {
            let set = [(name, "http://p.example:3128")];
            let proxy = variables(&set).http().expect("a proxy");
            assert_eq!(proxy.map(|proxy| proxy.to_string()), expected);
            assert_eq!(https(&set), None);
        }
    }

    #[test]
    fn http_proxy_of_a_cgi_program_is_ignored() {
        let cgi = ("REQUEST_METHOD", "GET");
        let chosen_by_a_client = ("HTTP_PROXY", "http://evil.example");
        let http = |set: &[_]| variables(set).http().expect("a proxy");
        assert!(http(&[chosen_by_a_client]).is_some());
        assert_eq!(http(&[cgi, chosen_by_a_client]), None);
        let own = ("http_proxy", "http://p.example");
        let proxy = http(&[cgi, chosen_by_a_client, own]).expect("a proxy");
        assert_eq!(proxy.to_string(), "http://p.example");
    }

    #[test]
    fn error_of_a_proxy_variable_names_it_and_shows_no_value() {
        for value in [
            "socks5://u:hunter2@p.example",
            "http://u:hunter2@",
            "http://p/hunter2",
        ] {
            let set = variables(&[("https_proxy", value)]);
            let error = set.https().expect_err(value);
            let text = crate::error::chain(&error);
            assert!(
                text.contains("https_proxy") && !text.contains("hunter2"),
                "{text}"
            );
            assert_eq!(format!("{set:?}"), r#"{"https_proxy"}"#);
        }
    }

    #[test]
    fn exceptions_are_divided_by_commas_and_spaces() {
        let set = variables(&[(
            "NO_PROXY",
            " *.a.example, .b.example c.example.\t[fd00::1],,10.0.0.0/8, *",
        )]);
        assert_eq!(
            set.exceptions().expect("a list"),
            "a.example,.b.example,c.example,fd00::1,10.0.0.0/8,*"
        );
    }
}
