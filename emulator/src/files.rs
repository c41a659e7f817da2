//! The names of stored pictures: digest and kind.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::{Host, Url};

use crate::picture::Kind;

/// The path below which stored pictures are served.
pub(crate) const PATH: &str = "/v1/files/";

/// The digest of some bytes, as 64 hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    Sha256::digest(bytes)
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// The name of a stored picture, `<sha256>.<extension>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct FileName {
    digest: String,
    kind: Kind,
}

impl FileName {
    /// The name of a picture; `None` if the first bytes are not those of a supported kind.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            kind: Kind::sniff(bytes)?,
            digest: sha256(bytes),
        })
    }

    /// The name of a picture with this digest; `None` if it is not a digest.
    pub(crate) fn new(digest: &str, kind: Kind) -> Option<Self> {
        let is_hex = digest
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (digest.len() == 64 && is_hex).then(|| Self {
            digest: digest.to_owned(),
            kind,
        })
    }

    /// Reads the name from a URL of this provider: a file's path on any loopback port.
    ///
    /// The port is ignored: it may be that of an earlier process on the same data directory.
    pub(crate) fn in_own_url(url: &Url) -> Option<Self> {
        let is_here = match url.host()? {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        if url.scheme() != "http" || !is_here {
            return None;
        }
        url.path().strip_prefix(PATH)?.parse().ok()
    }

    /// The digest of the bytes.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    /// The kind of picture.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }
}

/// The error of a text that is not the name of a stored picture.
#[derive(Debug, thiserror::Error)]
#[error("not the name of a stored picture")]
pub(crate) struct NotAFileName;

impl FromStr for FileName {
    type Err = NotAFileName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let (digest, extension) = name.split_once('.').ok_or(NotAFileName)?;
        let kind = Kind::from_extension(extension).ok_or(NotAFileName)?;
        Self::new(digest, kind).ok_or(NotAFileName)
    }
}

impl TryFrom<String> for FileName {
    type Error = NotAFileName;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.digest, self.kind.extension())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.webp";

    #[test]
    fn file_name_is_parsed_and_written_the_same_without_path_parts() {
        assert_eq!(sha256(b""), NAME[..64]);
        assert_eq!(NAME.parse::<FileName>().expect("a name").to_string(), NAME);
        for wrong in [
            "",
            ".png",
            "../key.png",
            "abc.png",
            &NAME[1..],
            &NAME.to_uppercase(),
        ] {
            assert!(wrong.parse::<FileName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn own_url_has_a_loopback_host() {
        let own = |url: String| FileName::in_own_url(&Url::parse(&url).expect("a URL")).is_some();
        for origin in [
            "http://127.0.0.1:1",
            "http://localhost:80",
            "http://[::1]:9",
            "http://127.1",
        ] {
            assert!(own(format!("{origin}/v1/files/{NAME}")), "{origin}");
        }
        for origin in [
            "http://example.com",
            "https://127.0.0.1",
            "http://localhost.example.com",
        ] {
            assert!(!own(format!("{origin}/v1/files/{NAME}")), "{origin}");
        }
        assert!(!own(format!("http://127.0.0.1/v1/files/../{NAME}")));
        assert!(!own("http://127.0.0.1/v1/files/picture.png".to_owned()));
    }
}
