//! Components of earlier versions of the contract.
//!
//! `components_kept/` has the bundled component of contract 0.1.0, whose digest rows of that
//! time name.

use std::fs;

use serde_json::json;

use crate::support::guests::allowing;
use crate::support::provider::{Reply, Script, Server};
use crate::support::root;
use crate::support::sandbox::Sandbox;

#[test]
fn component_of_contract_0_1_0_is_listed_checked_and_run() {
    let path = root().join("tests/components_kept/image-to-video-contract-0.1.0.wasm");
    let component = fs::read(&path).expect("the component");
    let done = json!({
        "id": "j-1", "status": "succeeded", "charged": true, "output": {"video": "{self}/1.mp4"},
    });
    let server = Server::start(Script::from([
        (
            "POST /v1/jobs".into(),
            vec![Reply::json(202, json!({"id": "j-1", "status": "queued"}))],
        ),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, done)]),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]));
    server.name("self", server.url());
    let sandbox = Sandbox::new();
    sandbox.configure(&(server.connection("") + &allowing(&component)));
    let path = path.to_str().expect("a path");
    let run = |arguments: &[&str]| {
        let own = ["--json", "--component", path];
        sandbox.run([&own[..], arguments].concat())
    };

    let listed = run(&["nodes"]).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(5));
    assert_eq!(listed[0]["extensions"], json!({}));

    sandbox.write(
        "input.json",
        r#"{"prompt": "p", "image": "https://a.b/c", "steps": 20.0}"#,
    );
    let checked = run(&["check", "image_to_video_v3", "--input", "input.json"]).answer();
    assert_eq!(checked["input"]["steps"], 20);
    let adjustments: Vec<_> = checked["notes"]
        .as_array()
        .expect("notes")
        .iter()
        .map(|note| &note["adjustment"])
        .collect();
    assert_eq!(
        adjustments,
        ["defaulted", "coerced", "defaulted", "defaulted"]
    );

    let answer = run(&["run", "image_to_video_v3", "--input", "input.json"]).answer();
    assert_eq!(answer["charged"], "yes");
    assert_eq!(server.counts()["POST /v1/jobs"], 1);
    let pulled = run(&["artifacts", "pull", "art_1"]);
    assert_eq!(pulled.error("unsupported")["charged"], "no");
    assert_eq!(pulled.code, 3);
}
