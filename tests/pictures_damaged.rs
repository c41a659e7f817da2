//! Local pictures that a provider cannot read: other formats are refused by their name, truncated
//! and damaged files are noted before anything is sent, and `--strict` ends there.

use std::fs::File;
use std::io::Write as _;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::cases::accepted;
use crate::support::outcome::Outcome;
use crate::support::pictures::{picture, truncated_png};
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

const NODE: &str = "image_to_video_v3";
const UPLOAD: &str = "POST /v1/files";
const SUBMIT: &str = "POST /v1/jobs";

/// A provider that accepts any picture, and finishes each job at once.
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

fn run(sandbox: &Sandbox, image: &str, more: &[&str]) -> Outcome {
    let arguments = ["--json", "run", NODE, "--set", "prompt=p", "--image", image];
    sandbox.run(arguments.iter().chain(more))
}

fn check(sandbox: &Sandbox, image: &str) -> Outcome {
    sandbox.write("input.json", r#"{"prompt": "p"}"#);
    let arguments = ["--json", "check", NODE, "--input", "input.json"];
    sandbox.run(arguments.iter().chain(&["--image", image]))
}

fn jpeg_without_end() -> Vec<u8> {
    let mut bytes = picture(ImageFormat::Jpeg);
    bytes.truncate(bytes.len() - 2);
    bytes
}

fn webp_of_size(size: u32) -> Vec<u8> {
    let mut bytes = picture(ImageFormat::WebP);
    bytes[4..8].copy_from_slice(&size.to_le_bytes());
    bytes
}

/// A PNG whose second chunk claims this length.
fn png_with_chunk_of(length: u32) -> Vec<u8> {
    let mut bytes = picture(ImageFormat::Png);
    // The signature, and the first chunk.
    let second = 8 + 8 + 13 + 4;
    bytes[second..second + 4].copy_from_slice(&length.to_be_bytes());
    bytes
}

fn png_without_end() -> Vec<u8> {
    let mut bytes = picture(ImageFormat::Png);
    bytes.truncate(bytes.len() - 12);
    bytes
}

/// Damaged pictures, each with its name and a part of its note.
fn damaged() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    vec![
        (
            "half.png",
            truncated_png(),
            "is truncated: it ends inside a chunk",
        ),
        (
            "no-end.png",
            png_without_end(),
            "is truncated: it has no IEND chunk",
        ),
        (
            "huge-chunk.png",
            png_with_chunk_of(u32::MAX),
            "is damaged: a chunk has an impossible length",
        ),
        (
            "long-chunk.png",
            png_with_chunk_of(1 << 30),
            "is truncated: it ends inside a chunk",
        ),
        (
            "no-end.jpg",
            jpeg_without_end(),
            "is truncated: it has no end marker",
        ),
        (
            "short.webp",
            webp_of_size(20),
            "is damaged: its RIFF header says 28 bytes",
        ),
        (
            "huge.webp",
            webp_of_size(u32::MAX),
            "is damaged: its RIFF header says 4294967303 bytes",
        ),
    ]
}

#[test]
fn damaged_picture_is_noted_once_and_the_run_goes_on() {
    for (name, bytes, expected) in damaged() {
        let provider = provider();
        let sandbox = Sandbox::with_provider(&provider);
        sandbox.write(name, &bytes);
        let outcome = run(&sandbox, name, &[]);
        let notes = outcome.stderr.lines().filter(|line| line.contains(name));
        let notes: Vec<_> = notes
            .filter(|line| line.starts_with("note: /image "))
            .collect();
        assert_eq!(notes.len(), 1, "{outcome:?}");
        assert!(notes[0].contains(expected), "{notes:?}");
        let answer = outcome.answer();
        let note = &answer["notes"][0];
        assert_eq!(note["instance_path"], "/image");
        assert!(note["message"].as_str().expect("words").contains(expected));
        let counts = provider.counts();
        assert_eq!((counts[UPLOAD], counts[SUBMIT]), (1, 1), "{name}");
        let sent = provider.arrived();
        let upload = sent
            .iter()
            .find(|one| one.line() == UPLOAD)
            .expect("an upload");
        assert!(upload.body.windows(bytes.len()).any(|part| part == bytes));
    }
}

#[test]
fn strict_run_with_a_damaged_picture_sends_nothing() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    for (name, bytes, expected) in damaged() {
        sandbox.write(name, bytes);
        let outcome = run(&sandbox, name, &["--strict"]);
        let error = outcome.error("invalid_input");
        assert_eq!((outcome.code, &error["charged"]), (3, &json!("no")));
        let violation = &error["violations"][0];
        assert_eq!(violation["instance_path"], "/image");
        assert!(
            violation["message"]
                .as_str()
                .expect("words")
                .contains(expected)
        );
    }
    assert_eq!(provider.arrived().len(), 0, "nothing is sent");
    assert_eq!(sandbox.jobs().len(), 0, "no job is made");
}

#[test]
fn strict_run_with_whole_pictures_goes_on() {
    for (name, format) in [
        ("a.png", ImageFormat::Png),
        ("a.jpg", ImageFormat::Jpeg),
        ("a.webp", ImageFormat::WebP),
    ] {
        let provider = provider();
        let sandbox = Sandbox::with_provider(&provider);
        let mut bytes = picture(format);
        if format == ImageFormat::Jpeg {
            bytes.extend_from_slice(b"bytes after the end");
        }
        sandbox.write(name, bytes);
        let answer = run(&sandbox, name, &["--strict"]).answer();
        assert_eq!(answer["notes"], Value::Null, "{name}");
    }
}

/// Files of other formats, and their names.
const OTHERS: [(&[u8], &str); 9] = [
    (b"II*\0\x08\0\0\0", "a TIFF"),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC"),
    (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "an AVIF"),
    (b"<?xml version=\"1.0\"?><svg/>", "an SVG"),
    (b"%PDF-1.7\n", "a PDF"),
    (b"GIF89a\x01\0\x01\0\0\0\0", "a GIF"),
    (b"BM\x10\0\0\0\0\0\0\0\0\0\0\0", "a BMP"),
    (b"\xff\x0a\0\0\0\0", "a JPEG XL"),
    (b"\0\0\x01\0\x01\0\x20\x20\0\0", "an ICO"),
];

#[test]
fn picture_of_another_format_is_refused_by_its_name() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    for (bytes, name) in OTHERS {
        sandbox.write("photo.png", bytes);
        for outcome in [
            run(&sandbox, "photo.png", &[]),
            check(&sandbox, "photo.png"),
        ] {
            let error = outcome.error("unsupported");
            assert_eq!((outcome.code, &error["charged"]), (3, &json!("no")));
            let message = error["message"].as_str().expect("words");
            assert!(message.contains("the provider accepts PNG, JPEG and WebP"));
            assert!(message.contains(&format!("is {name}")), "{message}");
        }
        let upload = ["--json", "artifacts", "upload", "photo.png"];
        let error = sandbox.run(upload).error("usage");
        assert!(error["message"].as_str().expect("words").contains(name));
    }
    assert_eq!(provider.arrived().len(), 0, "nothing is sent");
}

#[test]
fn check_opens_the_picture_of_its_option_alone() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    sandbox.write("half.png", truncated_png());
    sandbox.write("whole.jpg", picture(ImageFormat::Jpeg));
    let input = json!({"prompt": "p", "image": "file:half.png"});
    sandbox.write("named.json", input.to_string());
    let arguments = ["--json", "check", NODE, "--input", "named.json"];
    let unopened = sandbox.run(arguments);
    assert_eq!(unopened.answer()["picture"], Value::Null);
    assert!(!unopened.stdout.contains("truncated"), "{unopened:?}");

    let half = check(&sandbox, "half.png").answer();
    assert_eq!(half["input"]["image"], "file:half.png");
    assert_eq!(half["picture"]["media_type"], "image/png");
    assert_eq!(half["picture"]["complete"], false);
    let notes = half["notes"].as_array().expect("notes").iter();
    let about: Vec<_> = notes
        .filter(|note| {
            note["message"]
                .as_str()
                .expect("words")
                .contains("is truncated")
        })
        .collect();
    assert_eq!(about.len(), 1, "{half}");
    assert_eq!(about[0]["instance_path"], "/image");

    // Of the two pictures, the option's is used.
    let whole = sandbox
        .run(arguments.iter().chain(&["--image", "whole.jpg"]))
        .answer();
    assert_eq!(whole["input"]["image"], "file:whole.jpg");
    assert_eq!(whole["picture"]["complete"], true);
    let missing = check(&sandbox, "nowhere.png");
    missing.error("usage");
    let lines = [
        "check",
        NODE,
        "--jsonl",
        "--input",
        "named.json",
        "--image",
        "whole.jpg",
    ];
    let line = sandbox.run(lines).json();
    assert_eq!(line["input"]["image"], "file:whole.jpg");
    assert_eq!(provider.arrived().len(), 0);
}

/// A batch with one damaged picture.
fn batch(sandbox: &Sandbox, more: &[&str]) -> Outcome {
    sandbox.write("whole.png", picture(ImageFormat::Png));
    sandbox.write("half.png", truncated_png());
    let line = |image: &str| json!({"prompt": "p", "image": image}).to_string();
    let lines = ["file:whole.png", "file:half.png", "file:half.png"].map(line);
    sandbox.write("lines.jsonl", lines.join("\n"));
    let arguments = [
        "--json",
        "run",
        NODE,
        "--batch",
        "lines.jsonl",
        "--out-dir",
        "out",
    ];
    sandbox.run(arguments.iter().chain(more))
}

#[test]
fn damaged_pictures_of_a_batch_are_noted_by_line() {
    let provider = provider();
    let sandbox = Sandbox::with_provider(&provider);
    let outcome = batch(&sandbox, &[]);
    let answer = outcome.answer();
    let notes = answer["notes"].as_array().expect("notes");
    let lines: Vec<_> = notes.iter().map(|note| &note["line"]).collect();
    assert_eq!(lines, [2, 3]);
    for line in [2, 3] {
        let start = format!("note: line {line}: /image half.png is truncated");
        let mut notes = outcome.stderr.lines();
        assert!(notes.any(|one| one.starts_with(&start)), "{outcome:?}");
    }
    assert_eq!(provider.counts()[SUBMIT], 3);
}

#[test]
fn strict_batch_with_a_damaged_picture_sends_nothing() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    let outcome = batch(&sandbox, &["--strict"]);
    let error = outcome.error("invalid_input");
    assert_eq!(outcome.code, 3);
    let message = error["message"].as_str().expect("words");
    assert!(message.starts_with("line 2: "), "{message}");
    assert_eq!(provider.arrived().len(), 0, "nothing is sent");
}

#[test]
fn hostile_pictures_are_checked_in_bounded_time_and_memory() {
    let sandbox = Sandbox::new();
    // A file of 1 GiB that takes no room on the disk.
    let path = sandbox.write("sparse.png", &picture(ImageFormat::Png)[..60]);
    let file = File::options().write(true).open(&path).expect("the file");
    file.set_len(1 << 30).expect("a sparse file");
    let half = check(&sandbox, "sparse.png").answer();
    assert_eq!(half["picture"]["complete"], false);
    assert_eq!(half["picture"]["bytes"], 1_u64 << 30);
    std::fs::remove_file(path).expect("the file");

    let mut many = b"\xff\xd8".to_vec();
    for _ in 0..1000 {
        many.extend_from_slice(b"\xff\xe1\xff\xff");
        many.resize(many.len() + 0xffff - 2, 0xff);
    }
    sandbox.write("many.jpg", &many);
    assert_eq!(
        check(&sandbox, "many.jpg").answer()["picture"]["complete"],
        false
    );
    let mut file = File::options()
        .append(true)
        .open(sandbox.path("many.jpg"))
        .expect("the file");
    file.write_all(b"\xff\xc0\0\x02\xff\xda\0\x02data\xff\xd9")
        .expect("the end");
    assert_eq!(
        check(&sandbox, "many.jpg").answer()["picture"]["complete"],
        true
    );
}
