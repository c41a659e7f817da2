//! What `zoetrope nodes` says, for builders and for people.

use std::fs;

use serde_json::Value;

use crate::support::desk::Desk;
use crate::support::{root, schema};

const NODES: [&str; 2] = ["image_to_video", "image_to_video_v3"];

fn listed() -> Vec<Value> {
    let outcome = Desk::new().run(["nodes", "--json"]);
    assert_eq!(outcome.code, 0);
    serde_json::from_str(&outcome.stdout).expect("an array")
}

#[test]
fn the_list_is_what_agenticflow_lists() {
    let path = root().join("tests/data/agenticflow-node-type.json");
    let description: Value =
        serde_json::from_slice(&fs::read(path).expect("the description")).expect("JSON");
    let validator = jsonschema::draft202012::new(&description).expect("a schema");
    let listed = listed();
    assert_eq!(listed.len(), NODES.len());
    for node in &listed {
        let errors: Vec<_> = validator
            .iter_errors(node)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(node["connection"]["connection_category"], "pixelml");
    }
    // The validator tells a node type from what is none.
    let mut other = listed[0].clone();
    other["scope"] = "nobody's".into();
    assert!(!validator.is_valid(&other));
}

#[test]
fn the_schemas_in_the_list_are_the_published_ones() {
    for (node, name) in listed().iter().zip(NODES) {
        assert_eq!((&node["name"], &node["id"]), (&name.into(), &name.into()));
        for which in ["input", "output"] {
            let published: Value = serde_json::from_str(&schema(name, which)).expect("JSON");
            assert_eq!(node[format!("{which}_schema")], published, "{name}");
        }
    }
}

#[test]
fn a_schema_is_printed_byte_for_byte() {
    let desk = Desk::new();
    for name in NODES {
        for which in ["input", "output"] {
            let outcome = desk.run(["nodes", name, "--schema", which]);
            assert_eq!((outcome.code, outcome.stdout), (0, schema(name, which)));
        }
    }
}

#[test]
fn one_node_is_listed_as_an_array_of_one() {
    let desk = Desk::new();
    for (index, name) in NODES.into_iter().enumerate() {
        let outcome = desk.run(["nodes", name, "--json"]);
        let alone: Vec<Value> = serde_json::from_str(&outcome.stdout).expect("an array");
        assert_eq!(alone, [listed()[index].clone()]);
    }
}

#[test]
fn an_unknown_node_is_refused() {
    let outcome = Desk::new().run(["nodes", "image_to_vidoe", "--json"]);
    outcome.error("unknown_node_type");
    assert_eq!(outcome.code, 2);
}
