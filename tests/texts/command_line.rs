//! Harmful characters in arguments and files of users, and on a terminal; their definition; inputs
//! with many unknown keys.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use zoetrope_host::sanitize::is_harmful;

use super::{HARMFUL, hostile_text, provider, run_both};
use crate::support::hostile::{hostile_listing, sandbox_with};
use crate::support::root;
use crate::support::sandbox::Sandbox;

#[test]
fn texts_of_the_command_line_are_printed_without_harmful_characters() {
    let bad = hostile_text();
    let bad = bad.as_str();
    let sandbox = Sandbox::new();
    sandbox.write("lines.jsonl", format!("{{\"{bad}\": 1}}\n{{}}\n"));
    sandbox.write("input.json", json!({bad: bad}).to_string());
    let node = "image_to_video_v3";
    for arguments in [
        &["nodes", bad] as &[&str],
        &["check", bad, "--input", "input.json"],
        &["check", node, "--input", bad],
        &["check", node, "--input", "input.json"],
        &["check", node, "--input", "input.json", "--set", bad],
        &["check", node, "--input", "input.json", "--image", bad],
        &["check", node, "--input", "input.json", "--connection", bad],
        &["run", bad, "--batch", "lines.jsonl", "--out-dir", "clips"],
        &["run", node, "--batch", "lines.jsonl", "--out-dir", "clips"],
        &["run", node, "--batch", bad, "--out-dir", "clips"],
        &["run", bad, "--input", "input.json", "--out", bad],
        &[
            "run",
            node,
            "--input",
            "input.json",
            "--out",
            "a.mp4",
            "--key",
            bad,
        ],
        &["jobs", "show", bad],
        &["jobs", "cancel", bad],
        &["jobs", "resume", bad],
        &["jobs", "fetch", bad],
        &["artifacts", "pull", bad],
        &["packs", "show", bad],
        &["packs", "allow", bad],
        &["packs", "revoke", bad],
        &["trust", bad],
        &["config", "check", "--config", bad],
        &["nodes", "--component", bad],
        &["nodes", "--config", bad],
        &["nodes", &format!("--{bad}")],
        &["nodes", &format!("--schema={bad}")],
        &[bad],
    ] {
        run_both(&sandbox, arguments);
    }
}

#[test]
fn json_on_a_terminal_has_no_harmful_characters() {
    let bad: String = HARMFUL.iter().filter(|letter| **letter != '\r').collect();
    let name = format!("named{bad}");
    let component = hostile_listing(&json!({"name": name, "title": &bad}));
    let sandbox = sandbox_with(&component, &provider());
    for json in ["--json", ""] {
        let program = env!("CARGO_BIN_EXE_zoetrope");
        let line = format!("{program} {json} --component hostile.wasm nodes");
        let mut command = Command::new("script");
        let shape = sandbox.command([""; 0]);
        let variables = shape.get_envs();
        command
            .args(["-qec", &line, "/dev/null"])
            .current_dir(sandbox.path(""))
            .envs(variables.filter_map(|(name, value)| Some((name, value?))));
        let Ok(output) = command.output() else {
            eprintln!("skipped: there is no `script` of util-linux");
            return;
        };
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(shown.contains("named"), "{shown:?}");
        let found = shown
            .chars()
            .find(|letter| is_harmful(*letter) && !matches!(letter, '\n' | '\r' | '\t'));
        assert_eq!(found, None, "{shown:?}");
    }
}

#[test]
fn sdk_and_host_have_the_same_definition_of_a_harmful_character() {
    let definition = |file: &str, function: &str| {
        let text = fs::read_to_string(root().join(file)).expect("a file");
        let (_, text) = text.split_once(function).expect("the function");
        let (body, _) = text.split_once("\n}\n").expect("its end");
        body.split_whitespace().collect::<String>()
    };
    let host = definition(
        "host-harness/src/sanitize.rs",
        "pub fn is_harmful(letter: char) -> bool {",
    );
    let sdk = definition("node-sdk/src/http.rs", "fn steers(letter: char) -> bool {");
    assert_eq!(host, sdk);
    assert!(host.contains("202e"), "{host}");
}

#[test]
fn input_with_240000_unknown_keys_is_checked() {
    let sandbox = Sandbox::new();
    let mut input = json!({"prompt": "p", "image": "https://p.example/a.png"});
    for number in 0..240_000 {
        input[format!("unknown key {number}")] = Value::Null;
    }
    sandbox.write("input.json", input.to_string());
    let arguments = [
        "--json",
        "check",
        "image_to_video_v3",
        "--input",
        "input.json",
    ];
    let plan = sandbox.run(arguments).answer();
    let notes = plan["notes"].as_array().expect("notes");
    assert!(notes.len() < 200, "{} notes", notes.len());
    let last = notes[notes.len() - 1]["message"]
        .as_str()
        .expect("a message");
    assert_eq!(last, "239900 more keys are not fields of this node.");
}
