//! The parts of a node's table: its fields, its media fields and its price.

use serde_json::Value;

use crate::bindings::{Basis, Estimate, MediaField, MediaKind, Price};

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
}

impl From<&ListPrice> for Estimate {
    fn from(listed: &ListPrice) -> Self {
        Self {
            price: Price {
                amount: listed.amount.into(),
                unit: listed.unit.into(),
            },
            basis: listed.basis,
            source: listed.source.into(),
        }
    }
}
