//! Runs the commands and examples of the documents, and checks the names and links in them.
//!
//! - [`links`]: relative links, anchors, and the table of contents of the book

pub(crate) mod links;

use std::fs;

use serde_json::Value;

use crate::catalogue::NODES;
use crate::support::mp4::Clip;
use crate::support::root;
use crate::support::sandbox::Sandbox;
use crate::support::shell::words;
use crate::support::test_names::is_test;

/// The README's first command, from after `cargo run --`.
fn first_command() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let line = readme
        .lines()
        .find_map(|line| line.strip_prefix("cargo run -- "));
    words(line.expect("a command"))
}

#[test]
fn first_command_of_the_readme_makes_its_clip() {
    let sandbox = Sandbox::new();
    let examples = root().join("examples/");
    let command = first_command();
    let outcome = sandbox.run(command.iter().map(|word| {
        word.strip_prefix("examples/")
            .map_or_else(|| word.into(), |name| examples.join(name))
    }));
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let clip = sandbox.path("clip.mp4");
    assert_eq!(outcome.stdout, format!("{}\n", clip.display()));
    let clip = Clip::open(&clip);
    assert_eq!((clip.frames, clip.milliseconds), (96, 4000));
}

#[test]
fn examples_are_good_inputs() {
    let sandbox = Sandbox::new();
    for (node, _) in NODES {
        let input = root().join(format!("examples/{node}.json"));
        let answer = sandbox
            .run([
                "--json",
                "check",
                node,
                "--input",
                input.to_str().expect("a path"),
            ])
            .answer();
        let given: Value = serde_json::from_slice(&fs::read(&input).expect("it")).expect("JSON");
        for (field, value) in given.as_object().expect("an object") {
            assert_eq!(
                &answer["input"][field], value,
                "{field} is a field of {node}"
            );
        }
    }
}

#[test]
fn example_connection_shapes_the_request() {
    let config = root().join("examples/zoetrope.toml");
    let input = root().join("examples/image_to_video_v3.json");
    let answer = Sandbox::new()
        .run([
            "--json",
            "check",
            "image_to_video_v3",
            "--input",
            input.to_str().expect("a path"),
            "--config",
            config.to_str().expect("a path"),
        ])
        .answer();
    let request = &answer["request"];
    assert_eq!(request["method"], "POST");
    assert_eq!(request["url"], "https://api.example.com/video/generate");
}

/// The words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn what_the_page_of_the_nodes_names_is_there() {
    let page = fs::read_to_string(root().join("docs/reference/nodes.md")).expect("the page");
    for (node, _) in NODES {
        assert!(page.contains(&format!("| `{node}` |")), "{node} has no row");
    }
    let mut named = 0;
    let tables = page.split("## What each document says").nth(1);
    let tables = tables.and_then(|rest| rest.split("## Decided").next());
    for row in tables
        .expect("tables")
        .lines()
        .filter(|line| line.starts_with("| "))
    {
        let proven_by = row
            .trim_matches('|')
            .split(" | ")
            .last()
            .unwrap_or_default();
        for test in quoted(proven_by) {
            assert!(is_test(test), "{test} is gone");
            named += 1;
        }
    }
    assert!(named > 40, "{named} tests are named");
}

#[test]
fn what_the_threat_model_names_is_there() {
    let page = fs::read_to_string(root().join("SECURITY.md")).expect("the threat model");
    let mut named = 0;
    let rows = page.split("## What each may try").nth(1).expect("tables");
    for row in rows.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
        let [_, stopped_by, proven_by] = cells[..] else {
            panic!("three columns: {row}");
        };
        for file in quoted(stopped_by).filter(|word| word.contains('/')) {
            assert!(root().join(file).exists(), "{file} is gone");
        }
        for test in quoted(proven_by) {
            let is_there = match test.strip_prefix("attacks::") {
                Some(family) => root().join(format!("tests/attacks/{family}.rs")).exists(),
                None => is_test(test),
            };
            assert!(is_there, "{test} is gone");
            named += 1;
        }
    }
    assert!(named > 50, "{named} tests are named");
}
