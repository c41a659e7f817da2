//! The parts of a node's table: its fields, its media fields and its price.

use serde_json::{Map, Value};

use crate::bindings::{Basis, Estimate, MediaField, MediaKind, Price};
use crate::json;

/// A property of an input schema, with the data that completing an input needs. A property
/// without a field is dropped from every input, with a note: test that the table names every
/// property of the schema, as the bundled pack does in `plugin/src/nodes/mod.rs`.
pub struct Field {
    /// The property's name.
    pub name: &'static str,
    /// The property's `default`.
    pub default: Option<Default>,
    /// The property's `type`, except `null`.
    pub kind: Kind,
}

impl Field {
    /// A text without a default.
    #[must_use]
    pub const fn text(name: &'static str) -> Self {
        Self {
            name,
            default: None,
            kind: Kind::Text,
        }
    }

    /// A number without a default.
    #[must_use]
    pub const fn number(name: &'static str) -> Self {
        Self {
            kind: Kind::Number,
            ..Self::text(name)
        }
    }

    /// A property with a default, from which its kind follows.
    #[must_use]
    pub const fn optional(name: &'static str, default: Default) -> Self {
        Self {
            name,
            default: Some(default),
            kind: match default {
                Default::Null | Default::Text(_) => Kind::Text,
                Default::Boolean(_) => Kind::Boolean,
                Default::Integer(_) => Kind::Integer,
            },
        }
    }
}

/// The JSON type of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the JSON types")]
pub enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
}

impl Kind {
    /// Its name in JSON Schema.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }
}

/// A default value.
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "the JSON types")]
pub enum Default {
    Null,
    Boolean(bool),
    Integer(i64),
    Text(&'static str),
}

impl Default {
    /// The value as JSON.
    #[must_use]
    pub fn value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(value) => value.into(),
            Self::Integer(value) => value.into(),
            Self::Text(value) => value.into(),
        }
    }
}

/// A field that holds a picture or a clip.
pub struct Media {
    /// JSON Pointer.
    pub pointer: &'static str,
    /// Whether it holds a picture or a clip.
    pub kind: MediaKind,
}

impl From<&Media> for MediaField {
    fn from(media: &Media) -> Self {
        Self {
            pointer: media.pointer.into(),
            kind: media.kind,
        }
    }
}

/// A price from a provider's page.
pub struct ListPrice {
    /// Decimal.
    pub amount: &'static str,
    /// ISO 4217 code.
    pub unit: &'static str,
    /// The unit that the amount is for.
    pub basis: Basis,
    /// The page.
    pub source: &'static str,
    /// The field that states the clip's length in seconds, if there is one.
    pub length_field: Option<&'static str>,
}

impl ListPrice {
    /// The estimate for an input with these fields.
    #[must_use]
    pub fn estimate(&self, input: &Map<String, Value>) -> Estimate {
        let length = self.length_field.and_then(|field| input.get(field));
        Estimate {
            price: Price {
                amount: self.amount.into(),
                unit: self.unit.into(),
            },
            basis: self.basis,
            source: self.source.into(),
            seconds: length.and_then(json::decimal),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn estimate_has_the_length_that_the_input_states() {
        let price = |length_field| ListPrice {
            amount: "0.1",
            unit: "USD",
            basis: Basis::PerSecondOfVideo,
            source: "a page",
            length_field,
        };
        let seconds = |length_field, input: Value| {
            let input = input.as_object().cloned().unwrap_or_default();
            price(length_field).estimate(&input).seconds
        };
        let length = Some("duration_s");
        assert_eq!(
            seconds(length, json!({"duration_s": 5})).as_deref(),
            Some("5")
        );
        assert_eq!(seconds(length, json!({"duration_s": -5})), None);
        assert_eq!(seconds(length, json!({})), None);
        assert_eq!(seconds(None, json!({"duration_s": 5})), None);
    }
}
