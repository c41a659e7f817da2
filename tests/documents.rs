//! What the documents say in commands and examples, done as they say it.

use std::fs;

use serde_json::Value;

use crate::support::desk::Desk;
use crate::support::mp4::Clip;
use crate::support::root;

/// The README's first command, from after `cargo run --`.
fn first_command() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let line = readme
        .lines()
        .find_map(|line| line.strip_prefix("cargo run -- "));
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for character in line.expect("a command").chars() {
        match (character, words.last_mut()) {
            ('"', _) => is_quoted = !is_quoted,
            (' ', _) if !is_quoted => words.push(String::new()),
            (other, Some(word)) => word.push(other),
            (_, None) => {}
        }
    }
    words
}

#[test]
fn the_first_command_of_the_readme_makes_its_clip() {
    let desk = Desk::new();
    let examples = root().join("examples/");
    let command = first_command();
    let outcome = desk.run(command.iter().map(|word| {
        word.strip_prefix("examples/")
            .map_or_else(|| word.into(), |name| examples.join(name))
    }));
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let clip = desk.path("clip.mp4");
    assert_eq!(outcome.stdout, format!("{}\n", clip.display()));
    let clip = Clip::open(&clip);
    assert_eq!((clip.frames, clip.milliseconds), (96, 4000));
}

#[test]
fn the_examples_are_good_inputs() {
    let desk = Desk::new();
    for node in ["image_to_video", "image_to_video_v3"] {
        let input = root().join(format!("examples/{node}.json"));
        let answer = desk
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
fn the_examples_connection_shapes_the_request() {
    let config = root().join("examples/zoetrope.toml");
    let input = root().join("examples/image_to_video_v3.json");
    let answer = Desk::new()
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
