//! The output of `zoetrope nodes`, as JSON and as text.

use std::fs;

use serde_json::Value;

use crate::support::sandbox::Sandbox;
use crate::support::{root, schema};

/// Every node type and the category of its connection.
pub(crate) const NODES: [(&str, &str); 5] = [
    ("image_to_video", "pixelml"),
    ("image_to_video_v3", "pixelml"),
    ("shortapi/poppy-v1.0/image-to-video", "shortapi"),
    ("popiskill-video-image2video-basic-v1", "popiart"),
    ("popiskill-image-img2img-basic-v1", "popiart"),
];

/// Categories that AgenticFlow does not list.
const ADDED: [&str; 2] = ["shortapi", "popiart"];

fn listed() -> Vec<Value> {
    let outcome = Sandbox::new().run(["nodes", "--json"]);
    assert_eq!(outcome.code, 0);
    serde_json::from_str(&outcome.stdout).expect("an array")
}

/// AgenticFlow's description of a node type, with additional categories of connections.
fn validator(added: &[&str]) -> jsonschema::Validator {
    let path = root().join("tests/data/agenticflow-node-type.json");
    let mut description: Value =
        serde_json::from_slice(&fs::read(path).expect("the description")).expect("JSON");
    let categories = "/components/schemas/AppConnectionCategoryName/enum";
    let categories = description.pointer_mut(categories).expect("the categories");
    let categories = categories.as_array_mut().expect("an array");
    categories.extend(added.iter().map(|name| Value::from(*name)));
    jsonschema::draft202012::new(&description).expect("a schema")
}

#[test]
fn nodes_json_matches_the_description_of_agenticflow() {
    let validator = validator(&ADDED);
    let listed = listed();
    assert_eq!(listed.len(), NODES.len());
    for (node, (_, category)) in listed.iter().zip(NODES) {
        let errors: Vec<_> = validator
            .iter_errors(node)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(node["connection"]["connection_category"], category);
        // Each of the added categories is needed.
        for left_out in ADDED {
            let one: Vec<_> = ADDED.into_iter().filter(|name| *name != left_out).collect();
            let without = self::validator(&one);
            assert_eq!(without.is_valid(node), category != left_out);
        }
    }
    // The validator rejects other documents.
    let mut other = listed[0].clone();
    other["scope"] = "nobody's".into();
    assert!(!validator.is_valid(&other));
}

/// The platform's default for an absent cost is 4, which nothing here costs.
#[test]
fn nodes_json_states_that_the_platform_charges_nothing() {
    for node in listed() {
        assert_eq!(
            (&node["cost"], &node["pml_cost"]),
            (&0.into(), &Value::Null)
        );
        assert!(node.as_object().expect("a node").contains_key("pml_cost"));
    }
}

/// The schema of forms has all that the published one has, the rules, and titles.
#[test]
fn nodes_json_has_the_published_schemas_and_the_rules() {
    for (node, (name, _)) in listed().iter().zip(NODES) {
        assert_eq!((&node["name"], &node["id"]), (&name.into(), &name.into()));
        let read = |which| -> Value { serde_json::from_str(&schema(name, which)).expect("JSON") };
        assert_eq!(node["output_schema"], read("output"), "{name}");
        let mut served = node["input_schema"].clone();
        contains(&served, &read("input"), name);
        contains(&served, &read("rules"), name);
        let properties = served["properties"].as_object_mut().expect("properties");
        for property in properties.values() {
            assert!(property["title"].is_string(), "{name}");
        }
        let form = Sandbox::new().run(["nodes", name, "--schema", "form"]);
        assert_eq!(form.json(), node["input_schema"], "{name}");
    }
}

/// Asserts that an object has every part of another one.
fn contains(object: &Value, part: &Value, name: &str) {
    match part {
        Value::Object(fields) => {
            for (key, value) in fields {
                contains(&object[key], value, name);
            }
        }
        value => assert_eq!(object, value, "{name}"),
    }
}

#[test]
fn schema_is_printed_byte_for_byte() {
    let sandbox = Sandbox::new();
    for (name, _) in NODES {
        for which in ["input", "output", "rules"] {
            let outcome = sandbox.run(["nodes", name, "--schema", which]);
            assert_eq!((outcome.code, outcome.stdout), (0, schema(name, which)));
        }
    }
}

#[test]
fn one_node_is_listed_as_an_array_of_one() {
    let sandbox = Sandbox::new();
    for (index, (name, _)) in NODES.into_iter().enumerate() {
        let outcome = sandbox.run(["nodes", name, "--json"]);
        let alone: Vec<Value> = serde_json::from_str(&outcome.stdout).expect("an array");
        assert_eq!(alone, [listed()[index].clone()]);
    }
}

#[test]
fn unknown_node_is_refused() {
    let outcome = Sandbox::new().run(["nodes", "image_to_vidoe", "--json"]);
    outcome.error("unknown_node_type");
    assert_eq!(outcome.code, 2);
}
