//! Where a pack's requests carry the credential and the idempotency key.

use std::fmt;
use std::str::FromStr;

use http::header::HeaderName;
use serde::Deserialize;

use crate::reserved_headers::{is_reserved, is_unfit_for_credentials};

/// The longest name of a credential's header, and the longest text before the credential.
const MAX_HEADER: usize = 64;
const MAX_PREFIX: usize = 64;

/// The header that carries a credential, and the text before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "Fields")]
pub struct CredentialPlace {
    header: String,
    prefix: String,
}

/// Why a credential cannot have a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialPlaceError {
    /// The text is not a header's name.
    #[error("`header` is not the name of a header of up to {MAX_HEADER} characters")]
    Header,
    /// Such a header has another meaning, or servers log it or send it back.
    #[error(
        "the header `{header}` cannot carry a credential; use `authorization` or one such as `x-api-key`"
    )]
    Unfit {
        /// The header's name.
        header: String,
    },
    /// The prefix is too long or has other characters.
    #[error("`prefix` is not up to {MAX_PREFIX} characters of visible ASCII and spaces")]
    Prefix,
}

impl CredentialPlace {
    /// A header of this name, in which this text stands before the credential.
    ///
    /// # Errors
    ///
    /// When the header cannot carry a credential, or the text cannot stand in it.
    pub fn new(header: &str, prefix: &str) -> Result<Self, CredentialPlaceError> {
        let name: HeaderName = header.parse().map_err(|_| CredentialPlaceError::Header)?;
        if name.as_str().len() > MAX_HEADER {
            return Err(CredentialPlaceError::Header);
        }
        if is_unfit_for_credentials(name.as_str()) {
            let header = name.as_str().to_owned();
            return Err(CredentialPlaceError::Unfit { header });
        }
        let is_visible = prefix.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        // The texts of `packs show` and of errors put it between these.
        if prefix.len() > MAX_PREFIX || !is_visible || prefix.contains(['"', '`', '\\']) {
            return Err(CredentialPlaceError::Prefix);
        }
        Ok(Self {
            header: name.as_str().to_owned(),
            prefix: prefix.to_owned(),
        })
    }

    /// The header's name, in lower case.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// The text before the credential.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

/// As a header line: `x-api-key: …`, `authorization: Key …`.
impl fmt::Display for CredentialPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}…", self.header, self.prefix)
    }
}

/// The place as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    header: String,
    #[serde(default)]
    prefix: String,
}

impl TryFrom<Fields> for CredentialPlace {
    type Error = CredentialPlaceError;

    fn try_from(fields: Fields) -> Result<Self, Self::Error> {
        Self::new(&fields.header, &fields.prefix)
    }
}

/// Where the submit of a pack carries the idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// As the value of this header.
    Header(HeaderName),
    /// As a text of the JSON body, at this JSON Pointer.
    Field(String),
}

/// The header `idempotency-key`.
impl Default for KeyPlace {
    fn default() -> Self {
        Self::Header(HeaderName::from_static("idempotency-key"))
    }
}

/// Why a text is not the place of an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the place of an idempotency key is the name of a header that a pack may set, or a JSON Pointer such as `/key`; headers such as `user-agent` are the host's"
)]
pub struct KeyPlaceError;

impl FromStr for KeyPlace {
    type Err = KeyPlaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_pointer = text.len() <= 256
            && text.len() > 1
            && text.starts_with('/')
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'"');
        if is_pointer {
            return Ok(Self::Field(text.to_owned()));
        }
        let name: HeaderName = text.parse().map_err(|_| KeyPlaceError)?;
        let is_content = name.as_str().starts_with("content-");
        if text.len() > MAX_HEADER || is_content || is_reserved(name.as_str()) {
            return Err(KeyPlaceError);
        }
        Ok(Self::Header(name))
    }
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => f.write_str(name.as_str()),
            Self::Field(pointer) => f.write_str(pointer),
        }
    }
}

impl<'de> Deserialize<'de> for KeyPlace {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfit(header: &str) -> CredentialPlaceError {
        let header = header.to_owned();
        CredentialPlaceError::Unfit { header }
    }

    #[test]
    fn place_of_a_key_is_a_header_or_a_pointer() {
        for (text, is_field) in [("Idempotency-Key", false), ("/meta/key", true)] {
            let place: KeyPlace = text.parse().expect("a place");
            assert_eq!(matches!(place, KeyPlace::Field(_)), is_field);
            assert_eq!(place.to_string(), text.to_lowercase());
        }
        for text in [
            "",
            "/",
            "a b",
            "x:y",
            "/a\"b",
            "authorization",
            "User_Agent",
            "content-type",
        ] {
            assert_eq!(text.parse::<KeyPlace>(), Err(KeyPlaceError), "{text}");
        }
    }

    #[test]
    fn credential_has_a_fit_header_and_a_printable_prefix() {
        let place = CredentialPlace::new("X-Api-Key", "Key ").expect("a place");
        assert_eq!((place.header(), place.prefix()), ("x-api-key", "Key "));
        assert_eq!(place.to_string(), "x-api-key: Key …");
        for (header, prefix, error) in [
            ("", "", CredentialPlaceError::Header),
            ("x key", "", CredentialPlaceError::Header),
            (&*"x".repeat(65), "", CredentialPlaceError::Header),
            ("content-type", "", unfit("content-type")),
            ("X_Forwarded_Host", "", unfit("x_forwarded_host")),
            ("x-key", "Bearer\n", CredentialPlaceError::Prefix),
            ("x-key", "\u{202e}", CredentialPlaceError::Prefix),
            ("x-key", "\"", CredentialPlaceError::Prefix),
            ("x-key", &"x".repeat(65), CredentialPlaceError::Prefix),
        ] {
            assert_eq!(CredentialPlace::new(header, prefix), Err(error), "{header}");
        }
    }
}
