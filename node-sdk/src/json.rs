//! Reads and writes JSON. The only reader and writer, so that the component contains
//! `serde_json`'s parser and printer once.
//!
//! `serde_json` keeps the last of two equal keys; other readers keep the first. An input that
//! can cost money must not be ambiguous, so a repeated key is rejected in it, like broken
//! syntax. In a provider's reply the last one is used.
//!
//! Numbers keep the text in which they were written: `serde_json` reads them with its feature
//! `arbitrary_precision`, and `Numbers` undoes its changes of exponents. A number outside of the
//! range of `f64` is rejected in an input.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

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
    let numbers = Numbers::of(text);
    let value = Reader {
        repeated,
        numbers: &numbers,
    }
    .deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Appends a reference token to a JSON Pointer (RFC 6901).
#[must_use]
pub fn pointer(parent: &str, token: &str) -> String {
    format!("{parent}/{}", token.replace('~', "~0").replace('/', "~1"))
}

/// Moves the entries that `keeps` accepts into a new object. In place of `Map::retain` and
/// `Map::remove`, which would add 5 kB to the component.
#[must_use]
pub fn kept(object: Map<String, Value>, mut keeps: impl FnMut(&str) -> bool) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in object {
        if keeps(&name) {
            kept.insert(name, value);
        }
    }
    kept
}

/// Builds a [`Value`]. If `repeated` is given, rejects a repeated key and stores its pointer
/// there.
#[derive(Clone, Copy)]
struct Reader<'a> {
    repeated: Option<&'a RefCell<Option<String>>>,
    numbers: &'a Numbers<'a>,
}

/// The numbers of a text, in its order. `serde_json` reads `1E2` as `1e+2`; this finds the text
/// again.
struct Numbers<'a> {
    text: &'a str,
    /// How many have been read.
    read: Cell<usize>,
    /// Where the search goes on, and how many are before it.
    cursor: Cell<(usize, usize)>,
}

impl<'a> Numbers<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            read: Cell::new(0),
            cursor: Cell::new((0, 0)),
        }
    }

    /// Counts a number that is read. Returns its index.
    fn count(&self) -> usize {
        self.read.replace(self.read.get() + 1)
    }

    /// The text of the number at `index`, which is not before that of an earlier call. The text
    /// up to it is valid JSON.
    fn text_of(&self, index: usize) -> &'a str {
        let bytes = self.text.as_bytes();
        let (mut at, mut count) = self.cursor.get();
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    at += 1;
                    while let Some(byte) = bytes.get(at).filter(|byte| **byte != b'"') {
                        at += if *byte == b'\\' { 2 } else { 1 };
                    }
                    at += 1;
                }
                b'-' | b'0'..=b'9' => {
                    let rest = &self.text[at..];
                    let is_part = |letter: char| {
                        letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.' | 'e' | 'E')
                    };
                    let length = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
                    at += length;
                    count += 1;
                    if count > index {
                        self.cursor.set((at, count));
                        return &rest[..length];
                    }
                }
                _ => at += 1,
            }
        }
        ""
    }
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

impl Reader<'_> {
    /// The number of a map with a reserved key, whose text `serde_json` has checked.
    fn number<'de, A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let text: NumberText = entries.next_value()?;
        let number = Number::from_string_unchecked(text.0);
        // A reply of another system may have any number in a field that is not read.
        let is_strict = self.repeated.is_some();
        if is_strict && number.as_f64().is_none() {
            return Err(A::Error::custom("number out of range"));
        }
        let index = self.numbers.count();
        if number.as_str().contains('e') {
            let text = self.numbers.text_of(index);
            return Ok(Value::Number(Number::from_string_unchecked(text.into())));
        }
        Ok(Value::Number(number))
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

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        self.numbers.count();
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        self.numbers.count();
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
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
            if key.starts_with(RESERVED) {
                return self.number(entries);
            }
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

/// Longest decimal number, in bytes.
const DECIMAL_LIMIT: usize = 32;

/// The text of a decimal number without sign and exponent, in a text or bare.
#[must_use]
pub fn decimal(value: &Value) -> Option<String> {
    let decimal = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => match number.as_str().split_once(['e', 'E']) {
            Some((digits, exponent)) => shifted(digits, exponent.parse().ok()?)?,
            None => number.as_str().into(),
        },
        _ => return None,
    };
    let (whole, fraction) = decimal.split_once('.').unwrap_or((&decimal, "0"));
    let is_decimal = [whole, fraction]
        .iter()
        .all(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    (is_decimal && decimal.len() <= DECIMAL_LIMIT).then_some(decimal)
}

/// A decimal number, its point moved to the right by `places`.
fn shifted(number: &str, places: i32) -> Option<String> {
    let limit = i32::try_from(DECIMAL_LIMIT).ok()?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if places.abs() > limit || number.len() > DECIMAL_LIMIT {
        return None;
    }
    let point = i32::try_from(whole.len()).ok()? + places;
    let before = usize::try_from(-point).unwrap_or(0);
    let digits = format!("{}{whole}{fraction}", "0".repeat(before));
    let point = usize::try_from(point).unwrap_or(0);
    let after = point.saturating_sub(digits.len());
    let digits = digits + &"0".repeat(after);
    let (whole, fraction) = digits.split_at(point);
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let fraction = fraction.trim_end_matches('0');
    Some(if fraction.is_empty() {
        whole.into()
    } else {
        format!("{whole}.{fraction}")
    })
}

/// How the keys begin under which `serde_json` passes on values of its own, such as a number that
/// is not a 64-bit integer. A document cannot use such a key.
const RESERVED: &str = "$serde_json::private::";

/// The text of a number. It is an owned string to `serde_json`, where the value that a document
/// has at a reserved key is a newtype.
struct NumberText(String);

impl<'de> Deserialize<'de> for NumberText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct("", Self(String::new()))
    }
}

impl<'de> Visitor<'de> for NumberText {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, _: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("a reserved key"))
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self, E> {
        Err(E::custom("a text"))
    }

    fn visit_string<E>(self, text: String) -> Result<Self, E> {
        Ok(Self(text))
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
        let text = r#"{"a":[1,-2,2.5,1e+3,null,true,{"b":"\u00e9"}],"c":18446744073709551615}"#;
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
    fn numbers_keep_their_text() {
        let numbers = r#"[0.09090909090909091,123456789012345678901234567890,{"a":[1E+2,2E1]},0.10,-0,-0.0,2e1]"#;
        assert_eq!(super::text(&parse(numbers).unwrap()), numbers);
        assert!(refusal("[1e400]").1.contains("number out of range"));
    }

    #[test]
    fn numbers_are_found_behind_texts() {
        let text = r#"{"1e1 \" 2e2":"3e3\\","a":[4,-5e5,"6e6",{"7e7":8E-8}],"b":-9,"c":1e1}"#;
        let read = parse(text).unwrap();
        assert_eq!(read["a"].to_string(), r#"[4,-5e5,"6e6",{"7e7":8E-8}]"#);
        assert_eq!(read["c"].to_string(), "1e1");
    }

    #[test]
    fn key_that_stands_for_numbers_is_rejected() {
        for text in [
            r#"{"$serde_json::private::Number":"5"}"#,
            r#"{"a":{"\u0024serde_json::private::Number":"secret"}}"#,
            r#"{"a":1,"$serde_json::private::Number":["secret"]}"#,
            r#"{"$serde_json::private::RawValue":"secret"}"#,
        ] {
            let (path, message) = refusal(text);
            assert_eq!(path, "");
            assert!(!message.contains("secret"), "{message}");
        }
    }

    #[test]
    fn decimal_number_with_an_exponent_is_written_out() {
        for (number, expected) in [
            ("2e-5", Some("0.00002")),
            ("1.5E2", Some("150")),
            ("12.5e-1", Some("1.25")),
            ("4.80e0", Some("4.8")),
            ("0e9", Some("0")),
            ("1e300", None),
            ("-1e2", None),
        ] {
            let value = parse(number).unwrap();
            assert_eq!(decimal(&value).as_deref(), expected, "{number}");
        }
    }

    #[test]
    fn nesting_beyond_127_levels_is_rejected() {
        let text = "[".repeat(10_000) + &"]".repeat(10_000);
        assert!(refusal(&text).1.contains("recursion limit"));
    }
}
