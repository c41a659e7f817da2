//! Reads and writes JSON. The only reader and writer, so that the component contains
//! `serde_json`'s parser and printer once.
//!
//! `serde_json` keeps the last of two equal keys; other readers keep the first. An input that
//! can cost money must not be ambiguous, so a repeated key is rejected in it, like broken
//! syntax. In a provider's reply the last one is used.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};

use crate::bindings::Violation;

/// The keyword of a [`Violation`] of JSON syntax rather than of a schema.
pub const KEYWORD: &str = "json";

/// Reads a document.
///
/// # Errors
///
/// One violation, its keyword [`KEYWORD`]: broken syntax, a repeated key, nesting deeper than
/// 127 levels, a number outside the range of `f64`, a lone surrogate.
pub fn parse(text: &str) -> Result<Value, Violation> {
    let repeated = RefCell::new(None);
    read(text, Some(&repeated)).map_err(|error| match repeated.into_inner() {
        Some(instance_path) => Violation {
            instance_path,
            keyword: KEYWORD.into(),
            message: "This key is given more than once.".into(),
        },
        None => Violation {
            instance_path: String::new(),
            keyword: KEYWORD.into(),
            message: format!("Not a JSON document that can be read: {error}."),
        },
    })
}

/// Reads a document of another system, such as a reply: of two equal keys the last one is
/// used. `None` if it cannot be read.
#[must_use]
pub fn parse_leniently(text: &str) -> Option<Value> {
    read(text, None).ok()
}

/// Writes a document.
#[must_use]
pub fn text(document: &Value) -> String {
    // Writing a `Value` to memory cannot fail.
    serde_json::to_string(document).unwrap_or_default()
}

fn read(text: &str, repeated: Option<&RefCell<Option<String>>>) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Reader { repeated }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Appends a reference token to a JSON Pointer (RFC 6901).
#[must_use]
pub fn pointer(parent: &str, token: &str) -> String {
    format!("{parent}/{}", token.replace('~', "~0").replace('/', "~1"))
}

/// Builds a [`Value`]. If `repeated` is given, rejects a repeated key and stores its pointer
/// there.
#[derive(Clone, Copy)]
struct Reader<'a> {
    repeated: Option<&'a RefCell<Option<String>>>,
}

impl Reader<'_> {
    fn store(self, path: String) {
        if let Some(repeated) = self.repeated {
            repeated.replace(Some(path));
        }
    }

    /// Prepends `token` to the stored pointer, when a nested value has failed.
    fn within(self, token: &str) {
        if let Some(path) = self.repeated.and_then(RefCell::take) {
            self.store(pointer("", token) + &path);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        loop {
            match items.next_element_seed(self) {
                Ok(Some(value)) => array.push(value),
                Ok(None) => return Ok(Value::Array(array)),
                Err(error) => {
                    self.within(&array.len().to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let place = match object.entry(key) {
                Entry::Occupied(given) if self.repeated.is_some() => {
                    self.store(pointer("", given.key()));
                    return Err(A::Error::custom("a key given twice"));
                }
                place => place,
            };
            let value = entries.next_value_seed(self);
            let value = value.inspect_err(|_| self.within(place.key()))?;
            *place.or_insert(Value::Null) = value;
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> (String, String) {
        let violation = parse(text).unwrap_err();
        assert_eq!(violation.keyword, KEYWORD);
        (violation.instance_path, violation.message)
    }

    #[test]
    fn parse_equals_serde_json_on_valid_documents() {
        let text = r#"{"a":[1,-2,2.5,1e3,null,true,{"b":"\u00e9"}],"c":18446744073709551615}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn repeated_key_is_rejected_with_its_pointer() {
        assert_eq!(refusal(r#"{"a":1,"a":2}"#).0, "/a");
        assert_eq!(
            refusal(r#"{"a/b":[0,{"x~y":1,"x~y":1}]}"#).0,
            "/a~1b/1/x~0y"
        );
    }

    #[test]
    fn broken_syntax_is_rejected_without_echoing_the_text() {
        for text in [
            "",
            "{",
            "secret",
            r#"{"a": secret}"#,
            r#"{"a":1} secret"#,
            r#""\ud800""#,
            "1e999",
        ] {
            let (path, message) = refusal(text);
            assert_eq!(path, "");
            assert!(!message.contains("secret"), "{message}");
        }
    }

    #[test]
    fn nesting_beyond_127_levels_is_rejected() {
        let text = "[".repeat(10_000) + &"]".repeat(10_000);
        assert!(refusal(&text).1.contains("recursion limit"));
    }
}
