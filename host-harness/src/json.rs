//! Reads JSON documents with numbers as they were written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

/// The beginning of a reserved key.
const RESERVED: &str = "\"$serde_json::private::";

/// Levels of nesting in which the text of numbers is restored. Each takes a pass over the text
/// below it.
const LEVELS: u8 = 16;

/// Reads a document. `serde_json` keeps the digits of numbers, with its feature
/// `arbitrary_precision`, but reads `1E2` as `1e+2`; here it stays `1E2`, in the
/// first 16 levels of nesting.
///
/// # Errors
///
/// As `serde_json::from_str`; also for a text with a key under which `serde_json` passes on values
/// of its own.
pub fn parse(text: &str) -> serde_json::Result<Value> {
    if text.contains(RESERVED) {
        return Err(serde_json::Error::custom("a reserved key"));
    }
    let mut value = serde_json::from_str(text)?;
    restore(&mut value, text, LEVELS)?;
    Ok(value)
}

fn restore(value: &mut Value, text: &str, levels: u8) -> serde_json::Result<()> {
    if levels == 0 || !has_exponent(value) {
        return Ok(());
    }
    match value {
        // `serde_json` also reads an object with its private key as a number.
        Value::Number(_) if text.trim_start().starts_with('{') => {}
        // The text is a number, so this cannot make an invalid document.
        Value::Number(number) => *number = Number::from_string_unchecked(text.trim().into()),
        Value::Array(items) => {
            let texts: Vec<&RawValue> = serde_json::from_str(text)?;
            for (item, text) in items.iter_mut().zip(texts) {
                restore(item, text.get(), levels - 1)?;
            }
        }
        Value::Object(fields) => {
            let texts: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            for (name, text) in texts {
                if let Some(field) = fields.get_mut(&name) {
                    restore(field, text.get(), levels - 1)?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn has_exponent(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_str().contains('e'),
        Value::Array(items) => items.iter().any(has_exponent),
        Value::Object(fields) => fields.values().any(has_exponent),
        _ => false,
    }
}

/// A document's text without white space between its parts: on one line, in the same order.
#[must_use]
pub fn compact(text: &str) -> String {
    let (mut is_text, mut is_escaped) = (false, false);
    let is_kept = |letter: char| {
        let is_quote = letter == '"' && !is_escaped;
        is_escaped = is_text && letter == '\\' && !is_escaped;
        is_text ^= is_quote;
        is_text || is_quote || !letter.is_ascii_whitespace()
    };
    text.chars()
        .filter({
            let mut is_kept = is_kept;
            move |letter| is_kept(*letter)
        })
        .collect()
}

/// A document in which no object has two fields of one name, without letter case. It holds nothing.
pub(crate) struct Unambiguous;

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnambiguousVisitor)
    }
}

struct UnambiguousVisitor;

impl<'de> Visitor<'de> for UnambiguousVisitor {
    type Value = Unambiguous;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unambiguous, E> {
        Ok(Unambiguous)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unambiguous, A::Error> {
        while items.next_element::<Unambiguous>()?.is_some() {}
        Ok(Unambiguous)
    }

    // A number is an object of one field here.
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Unambiguous, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            if !names.insert(name.to_lowercase()) {
                return Err(A::Error::custom("two fields of one name"));
            }
            fields.next_value::<Unambiguous>()?;
        }
        Ok(Unambiguous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_they_were_written() {
        let text =
            r#"{"a":[1E2,{"b":2e1}],"c":-0.10E-3,"d":123456789012345678901234567890,"e":0.0}"#;
        assert_eq!(parse(text).expect("a document").to_string(), text);
        assert!(parse("[1e2").is_err());
    }

    #[test]
    fn compact_text_keeps_order_and_strings() {
        let text = "{ \"b c\" :\n[1, 2 ],\t\"a\": \"x \\\" y \\\\\" , \"d\": \" \" }";
        assert_eq!(compact(text), r#"{"b c":[1,2],"a":"x \" y \\","d":" "}"#);
    }

    #[test]
    fn keys_of_serde_json_are_refused_or_harmless() {
        assert!(parse(r#"{"a":{"$serde_json::private::RawValue":"5"}}"#).is_err());
        for text in [
            r#"{"\u0024serde_json::private::Number":"1e5"}"#,
            r#"[{"\u0024serde_json::private::Number":"1e5"}, 1E5]"#,
            r#"{"a":{"\u0024serde_json::private::Number":"x"}}"#,
        ] {
            let _ = parse(text);
        }
    }
}
