//! Inputs of a node, generated from its published schema: mostly valid, with some invalid fields.

use proptest::prelude::*;
use proptest::strategy::Union;
use serde_json::{Map, Value};

use crate::catalogue::NODES;
use crate::support::schema;

/// Part of the generated texts; no message may repeat it.
pub(super) const CANARY: &str = "canary";

/// Pictures and texts similar to one, for picture fields and others.
const PICTURES: [&str; 5] = [
    "https://pictures.example/a.png",
    "data:image/png;base64,iVBORw0KGgo=",
    "iVBO\r\nRw0K\nGgo",
    "iVBORw0KGg=",
    " ",
];

/// A node type and its input's published schema.
pub(super) struct Published {
    pub(super) node: &'static str,
    pub(super) validator: jsonschema::Validator,
    pub(super) properties: Map<String, Value>,
    required: Vec<String>,
}

impl Published {
    pub(super) fn all() -> [Self; NODES.len()] {
        NODES.map(|(node, _)| {
            let schema: Value = serde_json::from_str(&schema(node, "input")).expect("JSON");
            let properties = schema["properties"].as_object().expect("properties");
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let names = required.iter().filter_map(Value::as_str);
            Self {
                node,
                validator: jsonschema::draft202012::new(&schema).expect("a schema"),
                properties: properties.clone(),
                required: names.map(str::to_owned).collect(),
            }
        })
    }

    /// An object with most of the node's fields, and some others.
    fn input(&self) -> BoxedStrategy<Value> {
        let known: Vec<_> = self
            .properties
            .iter()
            .map(|(name, property)| {
                let is_required = self.required.contains(name);
                let name = name.clone();
                let value = prop_oneof![15 => fitting(property), 1 => anything()];
                let field = value.prop_map(move |value| (name.clone(), value));
                proptest::option::weighted(if is_required { 0.98 } else { 0.6 }, field)
            })
            .collect();
        let slips = proptest::sample::select(vec!["stepz", "imageurl", "second"]);
        let key = prop_oneof![".{0,12}", slips.prop_map(str::to_owned)];
        let others = proptest::collection::btree_map(key, anything(), 0..2);
        let object = (known, others).prop_map(|(known, others)| {
            let known = known.into_iter().flatten();
            Value::Object(others.into_iter().chain(known).collect())
        });
        object.boxed()
    }
}

/// An input of any of these nodes, and the node's index.
pub(super) fn inputs(published: &[Published]) -> impl Strategy<Value = (usize, Value)> + use<> {
    let indexed = published.iter().enumerate();
    Union::new(indexed.map(|(index, one)| one.input().prop_map(move |input| (index, input))))
}

/// A value that is mostly valid by a schema.
fn fitting(schema: &Value) -> BoxedStrategy<Value> {
    if let Some(values) = schema["enum"].as_array() {
        return proptest::sample::select(values.clone()).boxed();
    }
    if let Some(branches) = schema["anyOf"].as_array() {
        return Union::new(branches.iter().map(fitting)).boxed();
    }
    let usual = match schema["type"].as_str().expect("a type") {
        "null" => Just(Value::Null).boxed(),
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        "integer" | "number" => number(schema),
        "string" => text(schema),
        other => panic!("no generator for the type {other}"),
    };
    match schema["examples"].as_array() {
        Some(examples) => prop_oneof![usual, proptest::sample::select(examples.clone())].boxed(),
        None => usual,
    }
}

/// A number, mostly within the bounds, whole or not.
fn number(schema: &Value) -> BoxedStrategy<Value> {
    let bound = |name: &str| i32::try_from(schema[name].as_i64()?).ok();
    let within = bound("minimum").unwrap_or(-1)..=bound("maximum").unwrap_or(60);
    let near = within.start() - 2..=within.end() + 2;
    prop_oneof![
        8 => within.clone().prop_map(Value::from),
        2 => within.prop_map(|whole| Value::from(f64::from(whole))),
        1 => near.prop_map(Value::from),
        1 => (0.0..60.0).prop_map(|number: f64| Value::from(number)),
    ]
    .boxed()
}

/// A text; where the schema bounds its length, also one about as long, in characters of one to
/// four bytes.
fn text(schema: &Value) -> BoxedStrategy<Value> {
    let short = prop_oneof![
        2 => ".{0,30}",
        1 => ".{0,9}".prop_map(|text| text + CANARY),
        1 => proptest::sample::select(PICTURES.to_vec()).prop_map(str::to_owned),
    ];
    let Some(longest) = schema["maxLength"].as_u64() else {
        return short.prop_map(Value::from).boxed();
    };
    let longest = usize::try_from(longest).expect("a length");
    let characters = proptest::sample::select(vec!["a", "\u{e9}", "\u{4e2d}", "\u{1f3a5}"]);
    let long = (longest - 4..=longest + 2, characters)
        .prop_map(|(count, character)| character.repeat(count));
    prop_oneof![3 => short, 1 => long]
        .prop_map(Value::from)
        .boxed()
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(Value::from(CANARY)),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(".{0,8}", inner, 0..6)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}
