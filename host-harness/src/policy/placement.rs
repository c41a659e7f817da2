//! Where a pack's requests carry the credential and the idempotency key.

use std::fmt;
use std::str::FromStr;

use http::header::HeaderName;
use serde::Deserialize;

/// The header that carries a credential, and the text before it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialPlace {
    /// The header's name.
    pub header: String,
    /// The text before the credential.
    #[serde(default)]
    pub prefix: String,
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
#[error("the place of an idempotency key is a header's name or a JSON Pointer such as `/key`")]
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
        let name = text.parse().map_err(|_| KeyPlaceError)?;
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

    #[test]
    fn place_of_a_key_is_a_header_or_a_pointer() {
        for (text, is_field) in [("Idempotency-Key", false), ("/meta/key", true)] {
            let place: KeyPlace = text.parse().expect("a place");
            assert_eq!(matches!(place, KeyPlace::Field(_)), is_field);
            assert_eq!(place.to_string(), text.to_lowercase());
        }
        for text in ["", "/", "a b", "x:y", "/a\"b"] {
            assert_eq!(text.parse::<KeyPlace>(), Err(KeyPlaceError), "{text}");
        }
    }
}
