//! Runs the examples of the crates: a pack of one node built with the SDK, and a program that embeds
//! the host.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use zoetrope_bundled_pack::COMPONENT;

use crate::support::cases::accepted;
use crate::support::packages::built;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::{CANARY_KEY, Sandbox};

/// A server of the example's protocol, with one job.
fn echo_provider() -> Server {
    let image = json!({"status": "done", "image": "{provider}/1.png"});
    let picture: Reply =
        serde_json::from_value(json!({"status": 200, "picture": true})).expect("a reply");
    Server::start(Script::from([
        (
            "POST /jobs".into(),
            vec![Reply::json(200, json!({"id": "e-1"}))],
        ),
        (
            "GET /jobs/e-1".into(),
            vec![
                Reply::json(200, json!({"status": "running"})),
                Reply::json(200, image),
            ],
        ),
        ("GET /1.png".into(), vec![picture]),
    ]))
}

#[test]
fn example_pack_of_the_sdk_is_allowed_checked_and_run() {
    let provider = echo_provider();
    let sandbox = Sandbox::new();
    sandbox.configure(&provider.connection("").replace("pixelml", "echo"));
    sandbox.write(
        "echo.wasm",
        built("zoetrope-node-sdk", Some("echo")).expect("the example"),
    );

    let checked = |image: &str| {
        sandbox.write("input.json", json!({ "image": image }).to_string());
        sandbox.run([
            "--component",
            "echo.wasm",
            "check",
            "echo",
            "--input",
            "input.json",
            "--json",
        ])
    };
    checked("https://p.example/a.png").error("denied");
    assert_eq!(sandbox.run(["packs", "allow", "echo.wasm"]).code, 0);
    let plan = checked("https://p.example/a.png").answer();
    assert_eq!(plan["input"]["image"], "https://p.example/a.png");
    let again = sandbox
        .run(["--component", "echo.wasm", "nodes", "--json"])
        .json();
    assert_eq!(again[0]["name"], "echo");
    let refused = checked(&"x".repeat(2001)).error("invalid_input");
    assert_eq!(refused["violations"][0]["keyword"], "maxLength");

    let answer = sandbox
        .run([
            "--component",
            "echo.wasm",
            "run",
            "echo",
            "--set",
            "image=https://p.example/a.png",
            "--out",
            "back.png",
            "--json",
        ])
        .answer();
    assert_eq!(answer["media_type"], "image/png");
    assert!(sandbox.path("back.png").is_file());
    assert_eq!(provider.counts()["POST /jobs"], 1);
}

#[test]
fn pack_of_a_stranger_is_refused_allowed_and_run_with_the_practice_provider() {
    let sandbox = Sandbox::new();
    let pack = built("zoetrope-stranger", None).expect("the pack");
    sandbox.write("stranger.wasm", pack);
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/lighthouse.jpg");
    let run = |json: &str| {
        sandbox.run([
            "--component",
            "stranger.wasm",
            "run",
            "slow_zoom",
            "--image",
            picture,
            "--set",
            "direction=out",
            "--out",
            "zoom.mp4",
            json,
        ])
    };
    run("--json").error("denied");
    assert_eq!(sandbox.run(["packs", "allow", "stranger.wasm"]).code, 0);
    let answer = run("--json").answer();
    assert_eq!(answer["media_type"], "video/mp4");
    assert_eq!(sandbox.jobs()[0]["node"], "slow_zoom");
    assert!(sandbox.path("zoom.mp4").is_file());
}

/// A program that embeds the host, with the bundled pack as its component. Cargo builds it with the
/// tests of the whole workspace, but gives its path to no test of another package.
#[test]
fn example_that_embeds_the_host_runs_a_job() {
    let program = Path::new(env!("CARGO_BIN_EXE_zoetrope"));
    let embed = program.with_file_name("examples").join("embed");
    if !embed.is_file() {
        eprintln!("skipped: run it with `cargo test --workspace`, which builds the example");
        return;
    }
    let ended = json!({
        "id": "j-1", "status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true,
    });
    let provider = Server::start(Script::from([
        ("POST /v1/jobs".into(), vec![accepted()]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]));
    let sandbox = Sandbox::new();
    sandbox.write("pack.wasm", COMPONENT);
    let input = json!({"prompt": "waves", "image": "https://p.example/a.png"});
    let output = Command::new(embed)
        .args([sandbox.path("pack.wasm"), sandbox.data_dir()])
        .args([&provider.url(), "image_to_video_v3", &input.to_string()])
        .env("PROVIDER_KEY", CANARY_KEY)
        .output()
        .expect("the example runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let file = String::from_utf8(output.stdout).expect("a path");
    assert!(Path::new(file.trim()).is_file(), "{file}");
    assert_eq!(provider.counts()["POST /v1/jobs"], 1);
}
