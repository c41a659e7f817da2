//! The values in a rule: lists, when a connection ends, names, pointers and headers.

use std::fmt;
use std::marker::PhantomData;

use axum::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde::de::value::{SeqAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use super::schedule::PathPattern;

/// A text or a list of texts, which are read as `T`; no text by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OneOrMany<T>(pub(crate) Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Texts<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Texts<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                let one = T::deserialize(StrDeserializer::new(text))?;
                Ok(OneOrMany(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                let list = Vec::deserialize(SeqAccessDeserializer::new(list))?;
                if list.is_empty() {
                    return Err(A::Error::custom("a list of strings is not empty"));
                }
                Ok(OneOrMany(list))
            }
        }

        from.deserialize_any(Texts(PhantomData))
    }
}

/// When a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Moment {
    /// Before the handler runs.
    Before,
    /// After the handler has run.
    After,
}

/// How a clip's URL moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Moved {
    /// Without a redirect.
    Gone,
    /// With a redirect to the new URL.
    Redirect,
}

/// `true` means `before`.
pub(crate) fn moment_or_true<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Moment>, D::Error> {
    struct MomentOrTrue;

    impl Visitor<'_> for MomentOrTrue {
        type Value = Option<Moment>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("`true`, \"before\" or \"after\"")
        }

        fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
            Ok(value.then_some(Moment::Before))
        }

        fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
            match value {
                "before" => Ok(Some(Moment::Before)),
                "after" => Ok(Some(Moment::After)),
                _ => Err(E::unknown_variant(value, &["before", "after"])),
            }
        }
    }

    from.deserialize_any(MomentOrTrue)
}

pub(crate) fn media_type(text: &str) -> Result<HeaderValue, String> {
    text.parse()
        .map_err(|_| "`content_type` is not a header value that can be sent".to_owned())
}

pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = || format!("`{name}` is not a header with a value that can be sent");
    let header: HeaderName = name.parse().map_err(|_| wrong())?;
    if header == CONTENT_LENGTH || header == TRANSFER_ENCODING {
        return Err(format!("`{name}` is set by the server; see `truncate`"));
    }
    Ok((header, value.parse().map_err(|_| wrong())?))
}

pub(crate) fn method(text: &str) -> Result<Method, String> {
    // Methods are case-sensitive, and clients send them in capital letters.
    text.parse()
        .ok()
        .filter(|_| !text.contains(|letter: char| letter.is_ascii_lowercase()))
        .ok_or_else(|| "`method` is a word in capital letters".to_owned())
}

pub(crate) fn path(text: &str) -> Result<PathPattern, String> {
    PathPattern::parse(text).ok_or_else(|| "`path` begins with `/` and has no query".to_owned())
}

/// A JSON Pointer in the value of a key.
pub(crate) fn pointer(key: &str, text: String) -> Result<String, String> {
    Some(text)
        .filter(|text| text.starts_with('/'))
        .ok_or_else(|| format!("`{key}` has JSON Pointers, which begin with `/`"))
}
