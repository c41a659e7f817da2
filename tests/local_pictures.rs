//! Local pictures that an input names by `file:` URLs: opened by `run` only, uploaded like those of
//! `--image`, and identified by their content.

use std::fs;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder as _, ImageFormat, RgbaImage};
use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::outcome::Outcome;
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

const UPLOAD: &str = "POST /v1/files";
const SUBMIT: &str = "POST /v1/jobs";

/// A provider that accepts pictures and jobs, and finishes each job at once.
fn provider() -> Server {
    let uploaded = json!({"url": "https://files.example/1"});
    let ended =
        json!({"status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true});
    Server::start(Script::from([
        (UPLOAD.into(), vec![Reply::json(200, uploaded)]),
        (SUBMIT.into(), vec![accepted()]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]))
}

/// Runs with a picture at this URL.
fn run(sandbox: &Sandbox, image: &str, more: &[&str]) -> Outcome {
    sandbox.write(
        "input.json",
        json!({"prompt": "p", "image": image}).to_string(),
    );
    let arguments = [
        "--json",
        "run",
        "image_to_video_v3",
        "--input",
        "input.json",
    ];
    sandbox.run(arguments.iter().chain(more))
}

/// The pictures that the submits named.
fn submitted(provider: &Server) -> Vec<Value> {
    let arrived = provider.arrived().into_iter();
    let submits = arrived.filter(|request| request.line() == SUBMIT);
    submits
        .map(|submit| submit.json()["input"]["image"].clone())
        .collect()
}

#[test]
fn picture_named_by_a_file_url_is_uploaded() {
    let provider = provider();
    let sandbox = Sandbox::with_provider(&provider);
    let png = picture(ImageFormat::Png);
    let path = sandbox.write("a b.png", &png);
    let absolute = format!(
        "file://{}",
        path.to_str().expect("a path").replace(' ', "%20")
    );
    for url in ["file:a%20b.png", &absolute] {
        run(&sandbox, url, &[]).answer();
    }
    assert_eq!(submitted(&provider), ["https://files.example/1"; 2]);
    let arrived = provider.arrived();
    let uploads: Vec<_> = arrived.iter().filter(|one| one.line() == UPLOAD).collect();
    assert_eq!(uploads.len(), 2);
    for upload in uploads {
        let has = |part: &[u8]| upload.body.windows(part.len()).any(|window| window == part);
        assert!(has(&png) && has(b"a b.png") && has(b"image/png"));
    }
}

#[test]
fn picture_is_identified_by_its_content_and_not_by_its_name() {
    let provider = provider();
    let sandbox = Sandbox::with_provider(&provider);
    sandbox.write("a.png", picture(ImageFormat::Png));
    let key = ["--key", "order-66"];
    let first = run(&sandbox, "file:a.png", &key).answer();
    fs::rename(sandbox.path("a.png"), sandbox.path("b.png")).expect("a rename");
    assert_eq!(run(&sandbox, "file:b.png", &key).answer(), first);
    let with_image = sandbox.run(
        [
            "--json",
            "run",
            "image_to_video_v3",
            "--set",
            "prompt=p",
            "--image",
            "b.png",
        ]
        .iter()
        .chain(&key),
    );
    assert_eq!(with_image.answer(), first, "--image is the same");
    sandbox.write("b.png", picture(ImageFormat::WebP));
    run(&sandbox, "file:b.png", &key).error("key_conflict");
    assert_eq!(provider.counts()[SUBMIT], 1);
}

#[test]
fn picture_named_by_each_batch_line_is_uploaded() {
    let provider = provider();
    let sandbox = Sandbox::with_provider(&provider);
    sandbox.write("a.png", picture(ImageFormat::Png));
    let line = |image: &str| format!("{}\n", json!({"prompt": "p", "image": image}));
    let batch = [
        "--json",
        "run",
        "image_to_video_v3",
        "--batch",
        "lines.jsonl",
        "--out-dir",
        "clips",
    ];
    sandbox.write(
        "lines.jsonl",
        line("file:a.png") + &line("file:nowhere.png"),
    );
    let error = sandbox.run(batch).error("usage");
    let message = error["message"].as_str().expect("words");
    assert!(message.starts_with("line 2: "), "{message}");
    assert_eq!(provider.arrived().len(), 0, "nothing is sent");
    sandbox.write(
        "lines.jsonl",
        line("file:a.png") + &line("https://p.example/b.png"),
    );
    sandbox.run(batch).answer();
    // Both are submitted at the same time.
    let mut submitted = submitted(&provider);
    submitted.sort_by_key(Value::to_string);
    assert_eq!(
        submitted,
        ["https://files.example/1", "https://p.example/b.png"]
    );
}

#[test]
fn file_url_of_no_local_picture_sends_nothing() {
    let provider = provider();
    let sandbox = Sandbox::with_provider(&provider);
    sandbox.write("a.png", picture(ImageFormat::Png));
    sandbox.write("text.png", "a text, whatever its name");
    for (url, kind) in [
        ("file://host.example/a.png", "unsupported"),
        ("file:a.png?size=2", "unsupported"),
        ("file:text.png", "unsupported"),
        ("file:nowhere.png", "usage"),
        ("file:a%00.png", "usage"),
        ("file:.", "usage"),
        ("file:", "usage"),
    ] {
        let outcome = run(&sandbox, url, &[]);
        assert_eq!(outcome.error(kind)["charged"], "no", "{url}: {outcome:?}");
    }
    assert_eq!(provider.arrived().len(), 0);
    assert!(sandbox.jobs().is_empty());
}

#[cfg(unix)]
#[test]
fn check_opens_no_file_named_by_a_url() {
    let sandbox = Sandbox::new();
    // Opening a pipe without a writer would block.
    let pipe = std::process::Command::new("mkfifo")
        .arg(sandbox.path("pipe.png"))
        .status();
    assert!(pipe.expect("mkfifo").success());
    for url in [
        "file:pipe.png",
        "file:nowhere.png",
        "file://host.example/a.png",
    ] {
        sandbox.write(
            "input.json",
            json!({"prompt": "p", "image": url}).to_string(),
        );
        let check = [
            "--json",
            "check",
            "image_to_video_v3",
            "--input",
            "input.json",
        ];
        let plan = sandbox.run(check).answer();
        assert_eq!(plan["input"]["image"], url, "as it is");
        let checked = sandbox.run(check.iter().chain(&["--jsonl"]));
        assert_eq!(
            (checked.code, checked.json()["input"]["image"].as_str()),
            (0, Some(url))
        );
    }
    // A run refuses the pipe without waiting.
    run(&sandbox, "file:pipe.png", &[]).error("usage");
}

/// A JPEG whose EXIF orientation turns it by 90 degrees.
fn turned_jpeg() -> Vec<u8> {
    // A TIFF header and one entry: orientation, one short, 6.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new(&mut bytes);
    encoder.set_exif_metadata(exif.to_vec()).expect("EXIF");
    let pixels = [128; 16 * 8 * 3];
    let written = encoder.write_image(&pixels, 16, 8, ExtendedColorType::Rgb8);
    written.expect("a JPEG");
    bytes
}

fn transparent_png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = RgbaImage::new(16, 8);
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("a PNG");
    bytes.into_inner()
}

#[test]
fn notes_on_pictures_are_printed_before_the_upload() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "zoetrope.toml",
        crate::support::provider::connection(&crate::support::provider::unused_url(), ""),
    );
    sandbox.write("plain.png", picture(ImageFormat::Png));
    sandbox.write("photo.jpg", picture(ImageFormat::Png));
    sandbox.write("phone.jpeg", turned_jpeg());
    sandbox.write("logo.png", transparent_png());
    // A PNG by its first bytes, which no decoder reads.
    sandbox.write("broken.png", b"\x89PNG\r\n\x1a\n????");
    for (name, expected) in [
        ("plain.png", &[][..]),
        ("photo.jpg", &["note: /image photo.jpg is a PNG"]),
        (
            "phone.jpeg",
            &[
                "note: /image phone.jpeg is rotated by its EXIF orientation; the provider may ignore that",
            ],
        ),
        (
            "logo.png",
            &["note: /image logo.png has an alpha channel; the provider may show it as black"],
        ),
        (
            "broken.png",
            &[
                "note: /image broken.png is truncated: it ends inside a chunk; the provider may refuse it",
            ],
        ),
    ] {
        // The upload is tried again until the deadline.
        let outcome = run(&sandbox, &format!("file:{name}"), &["--deadline", "100ms"]);
        outcome.error("deadline");
        let notes = outcome
            .stderr
            .lines()
            .filter(|line| line.starts_with("note: /image"));
        assert_eq!(notes.collect::<Vec<_>>(), expected, "{name}");
    }
}
