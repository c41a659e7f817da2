//! `zoetrope artifacts`: pulled to files, uploaded from files, and used as the source of a run.

use image::ImageFormat;
use serde_json::json;

use crate::support::guests::{LISTS_ONLY, allowing};
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::{CANARY_KEY, KEY_VARIABLE, Sandbox};

const REDRAW: &str = "popiskill-image-img2img-basic-v1";
const ANIMATE: &str = "popiskill-video-image2video-basic-v1";

fn connection(server: &Server) -> String {
    format!(
        "[connections.popi]\ncategory = \"popiart\"\nbase_url = \"{}/v1\"\n\
         credential = {{ env = \"{KEY_VARIABLE}\" }}\n",
        server.url()
    )
}

/// Without configuration, the practice provider stores artifacts.
#[test]
fn artifact_is_pulled_and_is_the_next_source() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    let redrawn = sandbox.run([
        "--json",
        "run",
        REDRAW,
        "--image",
        "a.png",
        "--set",
        "prompt=a sketch",
    ]);
    let redrawn = redrawn.answer();
    let id = redrawn["output"]["primary_artifact_id"].as_str();
    let id = id.expect("the artifact's id");

    let pulled = sandbox.run(["--json", "artifacts", "pull", id]).answer();
    assert_eq!(pulled["artifact"], id);
    assert_eq!(pulled["charged"], "no");
    assert_eq!(pulled["sha256"], redrawn["sha256"]);
    let file = sandbox.path(format!("{id}.png"));
    assert_eq!(pulled["file"].as_str(), file.to_str());
    assert!(file.exists());

    // An existing file is kept, unless it is to be replaced.
    let again = sandbox.run(["--json", "artifacts", "pull", id]);
    assert_eq!(again.error("usage")["charged"], "no");
    sandbox
        .run(["--json", "artifacts", "pull", id, "--force"])
        .answer();

    let source = format!("source_artifact_id={id}");
    let clip = ["--json", "run", ANIMATE, "--set", &source, "--set", "fps=2"];
    assert_eq!(sandbox.run(clip).answer()["media_type"], "video/mp4");
    let file = format!("{id}.png");
    let clip = ["--json", "run", ANIMATE, "--image", &file, "--set", "fps=2"];
    assert_eq!(sandbox.run(clip).answer()["media_type"], "video/mp4");
}

#[test]
fn artifact_is_uploaded_with_a_role() {
    let server = Server::start(Script::from([(
        "POST /v1/artifacts/upload".into(),
        vec![Reply::json(
            201,
            json!({"ok": true, "data": {"id": "art_9", "media_id": "m-9", "filename": "a.png"}}),
        )],
    )]));
    let sandbox = Sandbox::new();
    sandbox.configure(&connection(&server));
    sandbox.write("a.png", picture(ImageFormat::Png));
    let arguments = [
        "--json",
        "artifacts",
        "upload",
        "a.png",
        "--role",
        "reference",
    ];
    let answer = sandbox.run(arguments).answer();
    assert_eq!(
        answer,
        json!({
            "ok": true, "artifact": "art_9", "media_id": "m-9", "connection": "popi", "charged": "no",
        })
    );
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 1);
    let body = String::from_utf8_lossy(&arrived[0].body).into_owned();
    assert!(
        body.contains("name=\"role\"") && body.contains("reference"),
        "{body}"
    );
    let expected = format!("Bearer {CANARY_KEY}");
    assert_eq!(arrived[0].header("authorization"), Some(expected.as_str()));
    let named = sandbox.run(["artifacts", "upload", "a.png"]);
    assert_eq!(named.stdout, "art_9\n");
}

#[test]
fn artifact_is_pulled_from_the_first_place_that_has_it() {
    let server = Server::start(Script::from([
        (
            "GET /v1/artifacts/art_9".into(),
            vec![Reply::json(
                200,
                json!({"id": "art_9", "content_type": "video/mp4", "url": "{self}/gone.mp4"}),
            )],
        ),
        (
            "GET /v1/artifacts/unknown".into(),
            vec![Reply::json(
                404,
                json!({"ok": false, "error": {"code": "not_found", "message": "no"}}),
            )],
        ),
        ("GET /gone.mp4".into(), vec![Reply::json(404, json!({}))]),
        (
            "GET /v1/artifacts/art_9/content".into(),
            vec![Reply::clip()],
        ),
    ]));
    server.name("self", server.url());
    let sandbox = Sandbox::new();
    sandbox.configure(&connection(&server));
    let arguments = ["--json", "artifacts", "pull", "art_9", "--out", "clip.mp4"];
    let answer = sandbox.run(arguments).answer();
    assert_eq!(answer["media_type"], "video/mp4");
    assert!(sandbox.path("clip.mp4").exists());
    assert!(
        server
            .arrived()
            .iter()
            .all(|request| request.method == "GET")
    );
    let lost = sandbox.run(["--json", "artifacts", "pull", "unknown"]);
    let error = lost.error("job_lost");
    assert_eq!(error["charged"], "no");
}

#[test]
fn pack_or_provider_without_artifacts_is_unsupported() {
    let sandbox = Sandbox::new();
    sandbox.configure(
        "[connections.pixel]\ncategory = \"pixelml\"\nbase_url = \"https://pixelml.example\"\n",
    );
    let pull = ["--json", "artifacts", "pull", "art_9"];
    let of_connection = [&pull[..], &["--connection", "pixel"]].concat();
    let outcome = sandbox.run(of_connection);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert_eq!(outcome.error("unsupported")["charged"], "no");

    let component = LISTS_ONLY.component();
    sandbox.configure(&allowing(&component));
    sandbox.write("pack.wasm", &component);
    let outcome = sandbox.run([&pull[..], &["--component", "pack.wasm"]].concat());
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    let error = outcome.error("unsupported");
    assert_eq!(error["message"], "this pack has no artifacts");
}
