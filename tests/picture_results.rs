//! Picture results of a node whose name has special characters: the files' extensions match their
//! content, and the name is harmless in shells and terminals.

use std::path::PathBuf;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::hostile::{hostile_listing, run_node, sandbox_with};
use crate::support::outcome::Outcome;
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::run_next_command;

/// A name with a slash, dots, a space and characters that a shell interprets.
const NODE: &str = "maker/pictures-v1.0/img2img; echo $HOME";

/// A provider of pictures, and a sandbox with a node that makes them.
fn picture_provider() -> (Server, Sandbox) {
    let file = |format| vec![Reply::bytes_of(picture(format))];
    let provider = Server::start(Script::from([
        ("POST /v1/jobs".into(), vec![Reply::json(200, json!({}))]),
        ("GET /png".into(), file(ImageFormat::Png)),
        ("GET /jpg".into(), file(ImageFormat::Jpeg)),
        ("GET /webp".into(), file(ImageFormat::WebP)),
        ("GET /clip".into(), vec![Reply::clip()]),
    ]));
    let component = hostile_listing(&json!({"name": NODE, "picture": "/image"}));
    let sandbox = sandbox_with(&component, &provider);
    (provider, sandbox)
}

/// The instructions of a run whose result is at this path of the provider.
fn input(provider: &Server, place: &str) -> Value {
    let url = format!("{}/{place}", provider.url());
    let succeed = json!({"output": json!({"image": url}).to_string(), "media": 1, "pointer": "/image", "url": url});
    let submit = json!([{"request": {"body": {"text": "{}"}}}]);
    json!({"start": {"do": submit}, "poll": {"then": {"succeed": succeed}}})
}

fn run(sandbox: &Sandbox, input: &Value, more: &[&str]) -> Outcome {
    run_node(sandbox, NODE, input, more)
}

#[test]
fn picture_file_gets_the_extension_of_its_content() {
    let (provider, sandbox) = picture_provider();
    for (place, media_type) in [
        ("png", "image/png"),
        ("jpg", "image/jpeg"),
        ("webp", "image/webp"),
    ] {
        let answer = run(&sandbox, &input(&provider, place), &[]).answer();
        assert_eq!(
            (&answer["node"], &answer["media_type"]),
            (&json!(NODE), &json!(media_type))
        );
        // Its name has the day, the node and the start of the job's id.
        let id = answer["job"].as_str().expect("an id");
        let file = PathBuf::from(answer["file"].as_str().expect("a path"));
        assert_eq!(file.parent(), Some(&*sandbox.data_dir().join("clips")));
        let name = file.file_name().expect("a name").to_string_lossy();
        let end = format!(
            "-maker_pictures-v1.0_img2img; echo $HOME-{}.{place}",
            &id[..8]
        );
        assert!(name.ends_with(&end), "{name}");
        assert!(file.is_file());
    }
    let answer = run(&sandbox, &input(&provider, "png"), &["--out", "mine.PNG"]);
    assert!(!answer.stderr.contains("note: "), "{answer:?}");
    assert!(sandbox.path("mine.PNG").is_file());
    // A given name with another extension is kept and noted.
    let answer = run(&sandbox, &input(&provider, "png"), &["--out", "mine.jpg"]);
    assert!(
        answer
            .stderr
            .lines()
            .any(|line| line == "note: mine.jpg is a PNG"),
        "{answer:?}"
    );
    assert!(sandbox.path("mine.jpg").is_file());
}

#[test]
fn clip_in_place_of_a_picture_is_rejected() {
    let (provider, sandbox) = picture_provider();
    let mut input = input(&provider, "clip");
    // The submit itself reports the result, so that no deadline passes before.
    input["start"]["then"] = input["poll"]["then"].clone();
    let outcome = run(&sandbox, &input, &["--out", "a.png", "--deadline", "1s"]);
    let error = outcome.error("download_failed");
    let message = error["message"].as_str().expect("words");
    assert!(
        message.contains("should be a picture, but is a video"),
        "{message}"
    );
    assert!(!sandbox.path("a.png").exists());
}

#[test]
fn batch_of_pictures_replaces_no_existing_file() {
    let (provider, sandbox) = picture_provider();
    let lines = ["png", "jpg"].map(|place| input(&provider, place).to_string());
    sandbox.write("lines.jsonl", lines.join("\n"));
    let batch = |folder: &str| {
        let run = [
            "--json",
            "--component",
            "hostile.wasm",
            "run",
            NODE,
            "--batch",
            "lines.jsonl",
        ];
        sandbox.run(run.iter().chain(&["--out-dir", folder]))
    };
    assert_eq!(batch("made").answer()["summary"]["finalized"], 2);
    assert!(sandbox.path("made/1.png").is_file() && sandbox.path("made/2.jpg").is_file());
    std::fs::create_dir(sandbox.path("full")).expect("a folder");
    sandbox.write("full/2.webp", "mine");
    let submits = provider.counts()["POST /v1/jobs"];
    assert_eq!(batch("full").error("usage")["charged"], "no");
    assert_eq!(provider.counts()["POST /v1/jobs"], submits);
}

#[test]
fn node_name_with_shell_characters_works_in_every_command() {
    let (provider, sandbox) = picture_provider();
    let zoetrope =
        |arguments: &[&str]| sandbox.run(["--component", "hostile.wasm"].iter().chain(arguments));
    let listed = zoetrope(&["nodes"]);
    assert!(
        listed.stdout.contains(&format!("\n  {NODE}  ")),
        "{listed:?}"
    );
    let shown = zoetrope(&["nodes", NODE]);
    let quoted = format!("zoetrope nodes '{NODE}' --schema");
    assert!(shown.stdout.contains(&quoted), "{shown:?}");
    sandbox.write(
        "input.json",
        r#"{"check": {"then": {"error": {"message": "no"}}}}"#,
    );
    let refused =
        zoetrope(&["--json", "check", NODE, "--input", "input.json"]).error("unsupported");
    let next = refused["next"].as_str().expect("the next command");
    assert!(
        next.contains(&format!("zoetrope check '{NODE}' --input ")),
        "{next}"
    );

    let mut logged = sandbox.command(["--json", "--component", "hostile.wasm", "run", NODE]);
    sandbox.write("input.json", input(&provider, "png").to_string());
    logged.args(["--input", "input.json", "--detach", "--log-format", "json"]);
    logged.env("ZOETROPE_LOG", "info");
    let detached = sandbox.start(logged).end();
    let mut events = detached
        .stderr
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_named = |event: Value| {
        let spans = event["spans"].as_array();
        spans.is_some_and(|spans| spans.iter().any(|span| span["node"] == NODE))
    };
    assert!(events.any(is_named), "{detached:?}");
    let detached = detached.answer();
    run_next_command(&sandbox, &detached).answer();
    let jobs = zoetrope(&["--json", "jobs", "--node", NODE]).json();
    assert_eq!(jobs[0]["node"], NODE);
}

#[test]
fn node_name_with_escape_codes_is_printed_without_them() {
    let (provider, _) = picture_provider();
    let component = hostile_listing(&json!({"name": "maker/\u{1b}[2J"}));
    let sandbox = sandbox_with(&component, &provider);
    let outcome = sandbox.run(["--component", "hostile.wasm", "nodes", "nope"]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(outcome.stderr.contains("`maker/"), "{outcome:?}");
    assert!(!outcome.stderr.contains('\u{1b}'), "{outcome:?}");
}
