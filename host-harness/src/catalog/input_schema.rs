//! The schema of an input as forms use it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value};

use crate::contract::NodeType;

/// The published schema of a node's input, merged with the node's rules: `check` without a
/// connection accepts exactly the inputs that satisfy it. Each property has a `title`, since
/// forms need one.
///
/// It serializes with the properties in the order of the published text.
pub struct InputSchema {
    schema: Map<String, Value>,
    /// The names of the properties, in the published order.
    names: Vec<String>,
}

impl InputSchema {
    /// The schema of this node's input.
    ///
    /// # Errors
    ///
    /// When the published schema or the rules are not JSON objects.
    pub fn of(node: &NodeType) -> Result<Self, serde_json::Error> {
        let mut schema: Map<String, Value> = serde_json::from_str(&node.input_schema)?;
        let rules: Map<String, Value> = serde_json::from_str(&node.rules)?;
        let mut names = property_names(&node.input_schema)?;
        let properties = schema
            .entry("properties")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(properties) = properties {
            let more = rules.get("properties").and_then(Value::as_object);
            for (name, rule) in more.into_iter().flatten() {
                match (properties.get_mut(name), rule) {
                    (Some(Value::Object(property)), Value::Object(rule)) => merge(property, rule),
                    (Some(Value::Bool(false)), _) => {}
                    (known, _) => {
                        if known.is_none() {
                            names.push(name.clone());
                        }
                        properties.insert(name.clone(), rule.clone());
                    }
                }
            }
            for (name, property) in properties {
                if let Value::Object(property) = property {
                    let title = || title(name).into();
                    property.entry("title").or_insert_with(title);
                }
            }
        }
        let mut others = rules;
        others.remove("properties");
        merge(&mut schema, &others);
        Ok(Self { schema, names })
    }

    /// Fields of which one is required, by an `anyOf` each of whose branches requires one field;
    /// empty if there is none.
    #[must_use]
    pub fn one_of(&self) -> Vec<&str> {
        let branches = self.schema.get("anyOf").and_then(Value::as_array);
        let names = branches.into_iter().flatten().map(|branch| {
            let required = branch["required"].as_array()?;
            match required.as_slice() {
                [name] => name.as_str(),
                _ => None,
            }
        });
        names.collect::<Option<_>>().unwrap_or_default()
    }

    /// The names of the properties, in the published order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The schema of one property; null if there is none.
    #[must_use]
    pub fn property(&self, name: &str) -> &Value {
        let properties = self.schema.get("properties");
        properties
            .and_then(|known| known.get(name))
            .unwrap_or(&Value::Null)
    }

    /// Whether the input must have this field.
    #[must_use]
    pub fn requires(&self, name: &str) -> bool {
        let required = self.schema.get("required").and_then(Value::as_array);
        required.is_some_and(|names| names.iter().any(|known| known == name))
    }
}

/// The names of a schema's properties, in the order of its text.
///
/// # Errors
///
/// When the schema, or its `properties`, is not a JSON object.
pub fn property_names(schema: &str) -> Result<Vec<String>, serde_json::Error> {
    serde_json::from_str(schema).map(|Names(names)| names)
}

/// Adds the keywords of `rules`. A keyword that has another value already is added in `allOf`,
/// so that both apply.
fn merge(schema: &mut Map<String, Value>, rules: &Map<String, Value>) {
    let mut conflicts = Map::new();
    for (keyword, rule) in rules {
        match schema.get(keyword) {
            None => {
                schema.insert(keyword.clone(), rule.clone());
            }
            Some(known) if known == rule => {}
            Some(_) => {
                conflicts.insert(keyword.clone(), rule.clone());
            }
        }
    }
    if !conflicts.is_empty() {
        let all = schema
            .entry("allOf")
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(all) = all {
            all.push(Value::Object(conflicts));
        }
    }
}

/// A title for people: `image_url` is "Image url".
fn title(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(char::to_uppercase);
    let rest = letters.map(|letter| if letter == '_' { ' ' } else { letter });
    first.into_iter().flatten().chain(rest).collect()
}

impl Serialize for InputSchema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.schema.len()))?;
        for (keyword, value) in &self.schema {
            match value {
                Value::Object(properties) if keyword == "properties" => {
                    let names = &self.names;
                    object.serialize_entry(keyword, &Ordered { properties, names })?;
                }
                value => object.serialize_entry(keyword, value)?,
            }
        }
        object.end()
    }
}

/// Properties in the order of these names.
struct Ordered<'a> {
    properties: &'a Map<String, Value>,
    names: &'a [String],
}

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = |name: &'_ String| Some((name.clone(), self.properties.get(name)?));
        serializer.collect_map(self.names.iter().filter_map(known))
    }
}

/// The names of a schema's properties, in the order of its text.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfSchema).map(Self)
    }
}

struct OfSchema;

impl<'de> Visitor<'de> for OfSchema {
    type Value = Vec<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON Schema")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Vec<String>, A::Error> {
        let mut names = Vec::new();
        while let Some(keyword) = entries.next_key::<String>()? {
            if keyword == "properties" {
                names = entries.next_value::<Keys>()?.0;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(names)
    }
}

/// The keys of an object, in the order of its text.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfObject).map(Self)
    }
}

struct OfObject;

impl<'de> Visitor<'de> for OfObject {
    type Value = Vec<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of properties")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Vec<String>, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, IgnoredAny)) = entries.next_entry()? {
            keys.push(key);
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(published: &str, rules: &Value) -> NodeType {
        NodeType {
            name: "example".into(),
            version: "1.0.0".into(),
            title: String::new(),
            description: String::new(),
            connection: None,
            input_schema: published.into(),
            rules: rules.to_string(),
            output_schema: "{}".into(),
            input_media: Vec::new(),
            output_media: Vec::new(),
            extensions: "{}".into(),
        }
    }

    #[test]
    fn rules_are_merged_and_the_published_order_is_kept() {
        let published = r#"{"type": "object", "properties": {
            "zoom": {"type": "number", "minimum": 1, "title": "Zoom"},
            "image_url": {"type": "string"}
        }, "anyOf": [{"required": ["zoom"]}]}"#;
        let rules = json!({
            "properties": {"zoom": {"minimum": 2, "maximum": 9}},
            "anyOf": [{"required": ["image_url"]}],
        });
        let schema = InputSchema::of(&node(published, &rules)).expect("a schema");
        assert_eq!(schema.names(), ["zoom", "image_url"]);
        let text = serde_json::to_string(&schema).expect("JSON");
        assert_eq!(
            text,
            r#"{"allOf":[{"anyOf":[{"required":["image_url"]}]}],"anyOf":[{"required":["zoom"]}],"properties":{"zoom":{"allOf":[{"minimum":2}],"maximum":9,"minimum":1,"title":"Zoom","type":"number"},"image_url":{"title":"Image url","type":"string"}},"type":"object"}"#
        );
    }

    #[test]
    fn schema_without_rules_only_gets_titles() {
        let published = r#"{"properties": {"a": {"title": "A"}}, "required": ["a"]}"#;
        let schema = InputSchema::of(&node(published, &json!({}))).expect("a schema");
        assert!(schema.requires("a") && !schema.requires("b"));
        let expected: Value = serde_json::from_str(published).expect("JSON");
        assert_eq!(serde_json::to_value(&schema).expect("JSON"), expected);
        let rules =
            json!({"properties": {"b": {"minimum": 1}}, "anyOf": [{"required": ["a", "b"]}]});
        let schema = InputSchema::of(&node("{}", &rules)).expect("a schema");
        assert_eq!(
            (schema.names(), schema.one_of()),
            (&["b".to_owned()][..], vec![])
        );
        assert_eq!(schema.property("b")["minimum"], 1);
        assert!(InputSchema::of(&node("[]", &json!({}))).is_err());
        assert!(InputSchema::of(&node("{}", &json!([]))).is_err());
    }
}
