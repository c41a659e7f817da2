//! `run --profile`: the rules by which an input is checked before a run, and the connection used.

use serde_json::{Value, json};

use crate::support::guests::allowing;
use crate::support::hostile::{hostile, sandbox_with};
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

/// The options of `check` that the component got.
fn asked(sandbox: &Sandbox, more: &[&str]) -> String {
    let says = json!({"check": {"then": {"error": {"message": "{seen}"}}}});
    sandbox.write("input.json", says.to_string());
    sandbox.write("lines.jsonl", says.to_string());
    let run = ["--json", "--component", "hostile.wasm", "run", "hostile"];
    let error = sandbox.run(run.iter().chain(more)).error("unsupported");
    error["message"].as_str().expect("words").to_owned()
}

#[test]
fn input_is_read_by_the_rules_of_its_profile() {
    let provider = Server::start(Script::new());
    let sandbox = sandbox_with(hostile(), &provider);
    for input in [
        &["--input", "input.json"][..],
        &["--batch", "lines.jsonl", "--out-dir", "made"],
    ] {
        let message = asked(&sandbox, input);
        assert!(message.contains("Strict"), "{message}");
        for (profile, expected) in [("strict", "Strict"), ("lax", "Lax")] {
            let message = asked(&sandbox, &[input, &["--profile", profile]].concat());
            assert!(message.contains(expected), "{message}");
        }
    }
    assert_eq!(provider.arrived().len(), 0);
}

#[test]
fn request_is_previewed_over_the_configured_connection_only() {
    let provider = Server::start(Script::new());
    let sandbox = sandbox_with(hostile(), &provider);
    let input = ["--input", "input.json"];
    let message = asked(&sandbox, &input);
    assert!(message.contains("preview-request: true"), "{message}");
    let chosen = ["--connection", "practice"];
    let message = asked(&sandbox, &[&input[..], &chosen].concat());
    assert!(message.contains("preview-request: false"), "{message}");
    sandbox.configure(&allowing(hostile()).replace("scripted", "practice"));
    let message = asked(&sandbox, &input);
    assert!(message.contains("preview-request: false"), "{message}");
}

#[test]
fn submit_sends_the_completed_input() {
    let provider = Server::start(Script::from([(
        "POST /v1/jobs".into(),
        vec![Reply::json(200, json!({}))],
    )]));
    let sandbox = sandbox_with(hostile(), &provider);
    let completed = json!({"start": {"do": [{"request": {"body": {"text": "as completed"}}}]}});
    let plan = json!({"plan": {"input": completed.to_string()}});
    let given: Value = json!({"check": {"then": plan}, "start": {"then": {"error": {}}}});
    sandbox.write("input.json", given.to_string());
    let run = [
        "--json",
        "--component",
        "hostile.wasm",
        "run",
        "hostile",
        "--profile",
        "lax",
    ];
    let outcome = sandbox.run(run.iter().chain(&["--input", "input.json", "--detach"]));
    let arrived = provider.arrived();
    let bodies: Vec<_> = arrived
        .iter()
        .map(|request| request.body.as_slice())
        .collect();
    assert_eq!(bodies, [b"as completed"], "{outcome:?}");
}
