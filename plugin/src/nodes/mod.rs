//! The node types, one file each, the same order of items in each: the node's table,
//! its fields, its validators, its request, its typed form.

use serde_json::{Map, Value};

use crate::bindings::{MediaField, MediaKind, NodeError, Violation};
use crate::providers::Provider;

pub mod image_to_video;
pub mod image_to_video_v3;

/// Every node type, in the order that builders list them.
pub static ALL: &[&Node] = &[&image_to_video::NODE, &image_to_video_v3::NODE];

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
    /// Fields that a valid input has and its provider must not get, and why.
    pub not_forwarded: fn(&Map<String, Value>) -> Vec<NotForwarded>,
}

/// A field that the provider must not get, and why, in one sentence.
pub type NotForwarded = (&'static str, &'static str);

/// A property of an input schema, as far as completing an input needs it. A test
/// compares it with the schema.
pub struct Field {
    /// The property's name.
    pub name: &'static str,
    /// The property's `default`.
    pub default: Option<Default>,
    /// Whether its type is `integer`.
    pub integer: bool,
}

impl Field {
    const fn required(name: &'static str) -> Self {
        Self {
            name,
            default: None,
            integer: false,
        }
    }

    const fn optional(name: &'static str, default: Default) -> Self {
        Self {
            name,
            default: Some(default),
            integer: matches!(default, Default::Integer(_)),
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
                assert_eq!(property["type"] == "integer", field.integer, "{place}");
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
