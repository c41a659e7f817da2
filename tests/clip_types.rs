//! Clips of another type than MP4: the file gets the extension of its content, and a given name
//! with another extension is kept and noted.

use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::outcome::Outcome;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

/// The first bytes of a clip, its media type, its extension, and its name.
const CLIPS: [(&[u8], &str, &str, &str); 7] = [
    (
        b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm\x42\x87\x81\x04",
        "video/webm",
        "webm",
        "a WebM",
    ),
    (
        b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska\x42\x87\x81\x04",
        "video/x-matroska",
        "mkv",
        "a Matroska video",
    ),
    (
        b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
        "video/quicktime",
        "mov",
        "a QuickTime movie",
    ),
    (
        b"\0\0\0\x08wide\0\0\0\x10mdat",
        "video/quicktime",
        "mov",
        "a QuickTime movie",
    ),
    (
        b"RIFF\x40\0\0\0AVI LIST",
        "video/x-msvideo",
        "avi",
        "an AVI",
    ),
    (
        b"GIF89a\x01\0\x01\0\0\0\0\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0",
        "image/gif",
        "gif",
        "a GIF",
    ),
    (
        b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0",
        "image/webp",
        "webp",
        "a WebP",
    ),
];

fn provider(clip: &[u8]) -> Server {
    let ended =
        json!({"status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true});
    Server::start(Script::from([
        ("POST /v1/jobs".into(), vec![accepted()]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
        ("GET /1.mp4".into(), vec![Reply::bytes_of(clip.to_vec())]),
    ]))
}

fn run(sandbox: &Sandbox, more: &[&str]) -> Outcome {
    let arguments = ["--json", "run", "image_to_video_v3", "--set", "prompt=p"];
    let image = ["--set", "image=https://p.example/a.png"];
    sandbox.run(arguments.iter().chain(&image).chain(more))
}

/// Asserts that a note says the type, in the text and in the JSON.
#[track_caller]
fn assert_noted(outcome: &Outcome, note: &str) {
    let answer = outcome.answer();
    assert_eq!(answer["notes"][0]["message"], note, "{outcome:?}");
    let lines = outcome.stderr.lines();
    let noted = lines.filter(|line| *line == format!("note: {note}"));
    assert_eq!(noted.count(), 1, "{outcome:?}");
}

#[test]
fn clip_of_another_type_gets_its_extension_or_a_note() {
    for (clip, media_type, extension, name) in CLIPS {
        let provider = provider(clip);
        let sandbox = Sandbox::with_provider(&provider);
        let answer = run(&sandbox, &[]).answer();
        assert_eq!(answer["media_type"], media_type);
        assert_eq!(answer["notes"], Value::Null, "{answer}");
        let id = answer["job"].as_str().expect("an id");
        let file = answer["file"].as_str().expect("a path");
        let end = format!("-image_to_video_v3-{}.{extension}", &id[..8]);
        assert!(file.ends_with(&end), "{file}");
        assert_eq!(std::fs::read(file).expect("the clip"), clip);

        let named = run(&sandbox, &["--out", "clip.mp4"]);
        assert_eq!(named.answer()["media_type"], media_type);
        assert_noted(&named, &format!("clip.mp4 is {name}"));
        assert_eq!(
            std::fs::read(sandbox.path("clip.mp4")).expect("the clip"),
            clip
        );

        let fetch = ["--json", "jobs", "fetch", id, "--out", "copy.mp4"];
        assert_noted(&sandbox.run(fetch), &format!("copy.mp4 is {name}"));
        let matching = format!("copy.{extension}");
        let fetch = ["--json", "jobs", "fetch", id, "--out", &matching];
        assert_eq!(sandbox.run(fetch).answer()["notes"], Value::Null);
    }
}

#[test]
fn batch_replaces_no_clip_of_another_type() {
    let provider = provider(CLIPS[0].0);
    let sandbox = Sandbox::with_provider(&provider);
    let line = json!({"prompt": "p", "image": "https://p.example/a.png"}).to_string();
    sandbox.write("lines.jsonl", &line);
    let arguments = [
        "--json",
        "run",
        "image_to_video_v3",
        "--batch",
        "lines.jsonl",
    ];
    let batch = |folder: &str| sandbox.run(arguments.iter().chain(&["--out-dir", folder]));
    assert_eq!(batch("out").answer()["summary"]["finalized"], 1);
    assert!(sandbox.path("out/1.webm").is_file());
    assert_eq!(batch("out").error("usage")["charged"], "no");
    assert_eq!(provider.counts()["POST /v1/jobs"], 1);
}

#[test]
fn still_picture_in_place_of_a_clip_is_not_taken() {
    let still = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    let provider = provider(still);
    let sandbox = Sandbox::with_provider(&provider);
    let outcome = run(&sandbox, &["--out", "clip.mp4", "--deadline", "20s"]);
    let error = outcome.error("download_failed");
    assert_eq!(error["charged"], "yes");
    let message = error["message"].as_str().expect("words");
    assert!(message.contains("is a picture (image/gif)"), "{message}");
    assert!(!sandbox.path("clip.mp4").exists());
}
