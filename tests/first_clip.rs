//! Runs from a picture to a clip, with the practice provider inside the binary.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::ImageFormat;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use zoetrope_host::digest::Sha256Digest;

use crate::support::mp4::Clip;
use crate::support::pictures::{lighthouse, picture};
use crate::support::sandbox::{CANARY_PROMPT, Sandbox};

/// The keys of a run's JSON, as in the README.
const ANSWER: [&str; 12] = [
    "bytes",
    "charged",
    "connection",
    "file",
    "job",
    "key",
    "media_type",
    "node",
    "ok",
    "output",
    "provider_job_id",
    "sha256",
];

/// A run that renders only four frames.
fn quick_run(sandbox: &Sandbox, more: &[&str]) -> Value {
    let mut arguments = vec![
        "--json",
        "run",
        "image_to_video_v3",
        "--set",
        "prompt=pan left",
        "--set",
        "frame_rate=1",
    ];
    arguments.extend_from_slice(more);
    sandbox.run(arguments).answer()
}

fn is_a_quick_clip(answer: &Value, width: u16, height: u16) {
    let file = answer["file"].as_str().expect("a path");
    let clip = Clip::open(Path::new(file));
    assert_eq!(
        clip,
        Clip {
            width,
            height,
            frames: 4,
            milliseconds: 4000
        }
    );
}

#[test]
fn repository_picture_becomes_a_clip() {
    let sandbox = Sandbox::new();
    let prompt = format!("prompt={CANARY_PROMPT}");
    let image = lighthouse();
    let image = image.to_str().expect("a path");
    let outcome = sandbox.run([
        "run",
        "image_to_video_v3",
        "--image",
        image,
        "--set",
        &prompt,
        "--out",
        "clip.mp4",
        "--json",
    ]);
    let answer = outcome.answer();
    let keys: Vec<_> = answer.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ANSWER);

    let file = sandbox.path("clip.mp4");
    assert_eq!(answer["file"], file.to_str().expect("a path"));
    let bytes = fs::read(&file).expect("the clip");
    assert_eq!(answer["bytes"], bytes.len());
    let digest = Sha256Digest::from(Sha256::digest(&bytes)).to_string();
    assert_eq!(answer["sha256"], digest);
    assert_eq!(answer["media_type"], "video/mp4");
    assert_eq!(answer["charged"], "yes");
    assert_eq!(answer["node"], "image_to_video_v3");
    let output = answer["output"].as_object().expect("an object");
    assert!(
        output.len() == 1 && output["video"].is_string(),
        "the published output: {output:?}"
    );

    // 1600 by 1000, scaled to a short side of 720; four seconds at the default rate of 8.
    let clip = Clip::open(&file);
    assert_eq!(
        clip,
        Clip {
            width: 1152,
            height: 720,
            frames: 32,
            milliseconds: 4000
        }
    );
    let said = outcome
        .stderr
        .matches("the practice provider on this machine renders the clip; it costs nothing")
        .count();
    assert_eq!(said, 1, "{}", outcome.stderr);
}

#[test]
fn clip_has_the_requested_size() {
    let sandbox = Sandbox::new();
    let image = sandbox.write("small.png", picture(ImageFormat::Png));
    for (model, size, width, height) in [
        ("Pixel M", "Portrait HD (3:4)", 720, 960),
        ("Pixel M", "Landscape FullHD (4:3)", 1440, 1080),
        // Only Pixel M honours the size.
        ("Pixel S", "Square HD (1:1)", 1280, 720),
    ] {
        let input = serde_json::json!({
            "model": model, "size": size, "prompt": "tilt up", "image": "replaced", "negative_prompt": null,
        });
        sandbox.write("input.json", input.to_string());
        let image = image.to_str().expect("a path");
        let answer = sandbox
            .run([
                "--json",
                "run",
                "image_to_video",
                "--input",
                "input.json",
                "--image",
                image,
            ])
            .answer();
        let clip = Clip::open(Path::new(answer["file"].as_str().expect("a path")));
        assert_eq!(
            clip,
            Clip {
                width,
                height,
                frames: 96,
                milliseconds: 4000
            },
            "{model}, {size}"
        );
    }
}

#[test]
fn png_and_webp_become_clips() {
    let sandbox = Sandbox::new();
    for (name, format) in [("a.png", ImageFormat::Png), ("a.webp", ImageFormat::WebP)] {
        sandbox.write(name, picture(format));
        is_a_quick_clip(&quick_run(&sandbox, &["--image", name]), 1080, 720);
    }
}

#[test]
fn picture_by_data_url_or_provider_url_becomes_a_clip() {
    let sandbox = Sandbox::new();
    let png = picture(ImageFormat::Png);
    let inline = format!("image=data:image/png;base64,{}", STANDARD.encode(&png));
    is_a_quick_clip(&quick_run(&sandbox, &["--set", &inline]), 1080, 720);

    let mut stored = fs::read_dir(sandbox.data_dir().join("practice/files"))
        .expect("the practice provider's files");
    let stored = stored
        .next()
        .expect("the picture")
        .expect("the picture")
        .file_name();
    // The practice provider accepts URLs of its own files at any port.
    let url = format!(
        "image=http://127.0.0.1:1/v1/files/{}",
        stored.to_string_lossy()
    );
    is_a_quick_clip(&quick_run(&sandbox, &["--set", &url]), 1080, 720);
}

#[test]
fn same_input_makes_the_same_clip() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    let [first, second] = [(); 2].map(|()| quick_run(&sandbox, &["--image", "a.png"]));
    assert_eq!(first["sha256"], second["sha256"]);
    assert_ne!(first["job"], second["job"]);
    assert_ne!(first["provider_job_id"], second["provider_job_id"]);
}

#[test]
fn second_run_with_the_same_key_returns_the_same_job() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    let [first, second] =
        [(); 2].map(|()| quick_run(&sandbox, &["--image", "a.png", "--key", "order-66"]));
    assert_eq!(first["provider_job_id"], second["provider_job_id"]);
    assert_eq!(first["key"], "order-66");
}

#[test]
fn without_out_the_clip_goes_to_the_data_directory() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    let outcome = sandbox.run([
        "run",
        "image_to_video_v3",
        "--image",
        "a.png",
        "--set",
        "prompt=",
        "--set",
        "frame_rate=1",
    ]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let file = Path::new(outcome.stdout.trim_end());
    assert_eq!(file.parent(), Some(&*sandbox.data_dir().join("clips")));
    assert!(file.is_file(), "{}", file.display());
}

#[test]
fn settings_replace_fields_of_the_input() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    let input = r#"{"prompt": "p", "image": "https://nowhere.example/x.png", "frame_rate": 30}"#;
    let mut command = sandbox.command(["--json", "run", "image_to_video_v3", "--input", "-"]);
    command.args([
        "--image",
        "a.png",
        "--set",
        "frame_rate=1",
        "--set",
        "negative_prompt=null",
    ]);
    command.stdin(std::process::Stdio::piped());
    let mut running = sandbox.start(command);
    std::io::Write::write_all(&mut running.stdin(), input.as_bytes()).expect("a pipe");
    is_a_quick_clip(&running.end().answer(), 1080, 720);
}
