//! An origin as a text of its own: scheme, host and port.

use std::str::FromStr;

use url::Url;

use super::urls::Origin;

/// Why a text is not an [`Origin`]. Never shows the text: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an origin is `http` or `https`, a host and a port alone, like https://media.example:8443")]
pub struct OriginError;

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| OriginError)?;
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        let origin = Self::of(&url).ok_or(OriginError)?;
        is_bare.then_some(origin).ok_or(OriginError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_parsed_from_scheme_host_and_port_alone() {
        for (text, expected) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("https://Media.Example.:443/", "https://media.example"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            let origin: Origin = text.parse().expect(text);
            assert_eq!(origin.to_string(), expected);
        }
        for text in [
            "",
            "media.example",
            "media.example:8443",
            "ftp://media.example",
            "https://media.example/a",
            "https://media.example?a",
            "https://media.example#a",
            "https://user@media.example",
            "https://media.example..",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError), "{text}");
        }
    }
}
