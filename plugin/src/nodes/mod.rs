//! The node types, one file each, the same order of items in each: the node's table,
//! its fields, its validators, its request, its typed form.

use serde_json::Value;

use crate::bindings::{
    Basis, Connection, Estimate, MediaField, MediaKind, NodeError, Price, Violation,
};
use crate::input::Draft;
use crate::providers::Provider;

pub mod image_to_video;
pub mod image_to_video_v3;
pub mod popiart_image2video;
pub mod popiart_img2img;
mod popiart_source;
pub mod shortapi_poppy;

/// Every node type, in the order that builders list them.
pub static ALL: &[&Node] = &[
    &image_to_video::NODE,
    &image_to_video_v3::NODE,
    &shortapi_poppy::NODE,
    &popiart_image2video::NODE,
    &popiart_img2img::NODE,
];

/// One node type.
pub struct Node {
    /// As a workflow writes it.
    pub name: &'static str,
    /// Semantic version of its behaviour.
    pub version: &'static str,
    /// For people.
    pub title: &'static str,
    /// For people: what it does.
    pub description: &'static str,
    /// Who runs it.
    pub provider: &'static dyn Provider,
    /// As published, byte for byte.
    pub input_schema: &'static str,
    /// As published, byte for byte.
    pub output_schema: &'static str,
    /// The properties of the input schema, in its order.
    pub fields: &'static [Field],
    /// The input fields that hold a picture or a clip.
    pub input_media: &'static [Media],
    /// The output fields that hold a picture or a clip.
    pub output_media: &'static [Media],
    /// Where an input breaks `input_schema`.
    pub validate_input: fn(&Value) -> Vec<Violation>,
    /// Where an output breaks `output_schema`.
    pub validate_output: fn(&Value) -> Vec<Violation>,
    /// What the schema cannot say: further rules, aliases, fields that the provider must
    /// not get. Some rules depend on the connection; where it is not known, those of its
    /// default options hold.
    pub amend: fn(&mut Draft, Option<&Connection>) -> Result<(), NodeError>,
    /// The published price, if there is one.
    pub estimate: Option<ListPrice>,
}

/// A price from a provider's page.
pub struct ListPrice {
    /// Decimal.
    pub amount: &'static str,
    /// ISO 4217 code.
    pub unit: &'static str,
    /// What the amount is for.
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

/// A property of an input schema, as far as completing an input needs it. A test
/// compares it with the schema.
pub struct Field {
    /// The property's name.
    pub name: &'static str,
    /// The property's `default`.
    pub default: Option<Default>,
    /// The property's `type`, `null` aside.
    pub kind: Kind,
}

impl Field {
    /// A text without a default.
    const fn text(name: &'static str) -> Self {
        Self {
            name,
            default: None,
            kind: Kind::Text,
        }
    }

    /// A number without a default.
    const fn number(name: &'static str) -> Self {
        Self {
            kind: Kind::Number,
            ..Self::text(name)
        }
    }

    const fn optional(name: &'static str, default: Default) -> Self {
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

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the JSON types")]
pub enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
}

impl Kind {
    /// As JSON Schema calls it.
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
    /// As it stands in the schema.
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
    /// What it holds.
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

/// The node type of this name.
///
/// # Errors
///
/// `unknown-node-type`.
pub fn find(name: &str) -> Result<&'static Node, NodeError> {
    let node = ALL.iter().find(|node| node.name == name);
    node.copied()
        .ok_or_else(|| NodeError::unknown_node_type(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_those_of_the_schema() {
        for node in ALL {
            let schema: Value = serde_json::from_str(node.input_schema).unwrap();
            let properties = schema["properties"].as_object().unwrap();
            assert_eq!(properties.len(), node.fields.len(), "{}", node.name);
            for field in node.fields {
                let property = &properties[field.name];
                let place = format!("{}: {}", node.name, field.name);
                assert_eq!(
                    property.get("default").cloned(),
                    field.default.map(Default::value),
                    "{place}"
                );
                let branch = property.pointer("/anyOf/0").unwrap_or(property);
                assert_eq!(branch["type"], field.kind.name(), "{place}");
            }
        }
    }

    #[test]
    fn the_fields_stand_in_the_order_of_the_schema() {
        for node in ALL {
            let places: Vec<_> = node
                .fields
                .iter()
                .map(|field| {
                    node.input_schema
                        .find(&format!("\"{}\": {{", field.name))
                        .unwrap()
                })
                .collect();
            assert!(places.is_sorted(), "{}", node.name);
        }
    }

    #[test]
    fn media_fields_exist() {
        for node in ALL {
            for (schema, media) in [
                (node.input_schema, node.input_media),
                (node.output_schema, node.output_media),
            ] {
                let schema: Value = serde_json::from_str(schema).unwrap();
                for field in media {
                    let property = schema.pointer(&format!("/properties{}", field.pointer));
                    assert!(property.is_some(), "{}: {}", node.name, field.pointer);
                }
            }
        }
    }
}
