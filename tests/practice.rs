//! `zoetrope practice`: the practice provider as a process, alone and shared by runs.

use std::fs;
use std::path::Path;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::guests::allowing;
use crate::support::hostile::hostile_listing;
use crate::support::mp4::Clip;
use crate::support::pictures::picture;
use crate::support::sandbox::{Running, Sandbox};

const RUN: [&str; 8] = [
    "--json",
    "run",
    "image_to_video_v3",
    "--image",
    "a.png",
    "--set",
    "prompt=p",
    "--set",
];

#[track_caller]
fn is_a_clip(answer: &Value) {
    let clip = Clip::open(Path::new(answer["file"].as_str().expect("a path")));
    assert_eq!(clip.frames, 4);
}

/// The `zoetrope.toml` on standard output.
fn printed_config(running: &mut Running<'_>) -> String {
    let mut toml = String::new();
    loop {
        let line = running.line();
        toml.push_str(&line);
        toml.push('\n');
        // The last line of the last table.
        if toml.contains("practice_popiart") && line.starts_with("idempotency") {
            return toml;
        }
    }
}

#[cfg(unix)]
#[test]
fn printed_connection_table_works() {
    let its = Sandbox::new();
    let mut practice = its.start(its.command(["practice"]));
    let said = practice.error_line();
    let url = said
        .split_whitespace()
        .find(|word| word.starts_with("http://127.0.0.1:"));
    let url = url.expect("an address").trim_end_matches('.').to_owned();
    let toml = printed_config(&mut practice);
    let tables: toml::Table = toml.parse().expect("TOML");
    let connections = tables["connections"].as_table().expect("a table").values();
    let printed = connections.map(|table| {
        let text = |key: &str| table.get(key).and_then(toml::Value::as_str);
        (text("category"), text("base_url"), text("idempotency"))
    });
    let below = format!("{url}/popiart/v1");
    assert_eq!(
        printed.collect::<Vec<_>>(),
        [
            (Some("pixelml"), Some(&*url), Some("24h")),
            (Some("popiart"), Some(&*below), Some("24h")),
            (Some("shortapi"), Some(&*url), None),
        ]
    );

    let mine = Sandbox::new();
    mine.configure(&toml);
    mine.write("a.png", picture(ImageFormat::Png));
    let answer = mine.run(RUN.into_iter().chain(["frame_rate=1"])).answer();
    is_a_clip(&answer);
    let video = answer["output"]["video"].as_str().expect("a URL");
    assert!(video.starts_with(&url), "{video}");
    assert!(
        !mine.data_dir().join("practice").exists(),
        "it was not started a second time"
    );

    practice.interrupt();
    let outcome = practice.end();
    // Standard output is a file for `--config`, and nothing else.
    assert_eq!((outcome.code, outcome.stdout), (0, toml));
}

#[cfg(unix)]
#[test]
fn json_output_names_the_base_url_and_the_credential_file() {
    let sandbox = Sandbox::new();
    let mut practice = sandbox.start(sandbox.command(["practice", "--json"]));
    let said: Value = serde_json::from_str(&practice.line()).expect("JSON");
    let file = said["credential_file"].as_str().expect("a path");
    assert!(
        Path::new(file).is_absolute() && Path::new(file).is_file(),
        "{file}"
    );
    assert!(
        said["base_url"]
            .as_str()
            .is_some_and(|url| url.starts_with("http://127.0.0.1:")),
        "{said}"
    );

    let config: toml::Table = said["config"]
        .as_str()
        .expect("TOML")
        .parse()
        .expect("TOML");
    assert!(
        config["connections"].get("practice_pixelml").is_some(),
        "{config}"
    );

    // A run on the same data directory uses this provider.
    sandbox.write("a.png", picture(ImageFormat::Png));
    let answer = sandbox
        .run(RUN.into_iter().chain(["frame_rate=1"]))
        .answer();
    is_a_clip(&answer);
    let (video, url) = (
        answer["output"]["video"].as_str(),
        said["base_url"].as_str(),
    );
    assert!(
        video
            .zip(url)
            .is_some_and(|(video, url)| video.starts_with(url)),
        "{answer}"
    );

    // A second practice provider there is an error.
    let second = sandbox.run(["practice", "--json"]);
    second.error("usage");
    practice.interrupt();
    assert_eq!(practice.end().code, 0);
}

#[cfg(unix)]
#[test]
fn flags_enable_faults_and_instant_jobs() {
    let sandbox = Sandbox::new();
    // The first poll of the job reports an unknown state.
    let script = r#"{"rules": [{"method": "GET", "path": "/v1/jobs/*", "times": 1, "status_word": "archived"}]}"#;
    sandbox.write("faults.json", script);
    let flags = ["--instant", "--queue-time", "0s", "--faults", "faults.json"];
    let mut practice = sandbox.start(sandbox.command(["practice"].into_iter().chain(flags)));
    practice.line();
    sandbox.write("a.png", picture(ImageFormat::Png));
    // Eight frames a second would render 32 frames; `--instant` gives a clip of four.
    is_a_clip(
        &sandbox
            .run(RUN.into_iter().chain(["frame_rate=8"]))
            .answer(),
    );
    practice.interrupt();
    assert_eq!(practice.end().code, 0);
}

#[test]
fn practice_provider_serves_only_its_own_categories() {
    for (category, window) in [
        ("pixelml", Some(true)),
        ("shortapi", Some(false)),
        ("else", None),
    ] {
        let sandbox = Sandbox::new();
        let component = hostile_listing(&json!({ "category": category }));
        sandbox.write("hostile.wasm", &component);
        // A configured connection of the same name has another category.
        sandbox.configure(&format!(
            "[connections.practice]\ncategory = \"other\"\nbase_url = \"https://a.example\"\n{}",
            allowing(&component).replace("scripted", "practice")
        ));
        sandbox.write("input.json", "{}");
        let run = ["--json", "run", "hostile", "--component", "hostile.wasm"];
        let outcome = sandbox.run(run.iter().chain(&["--input", "input.json"]));
        let Some(window) = window else {
            assert_eq!(outcome.error("connection_unavailable")["charged"], "no");
            assert_eq!(outcome.code, 4, "{outcome:?}");
            continue;
        };
        // The component submits nothing; the row shows the properties of the connection.
        assert_eq!(sandbox.jobs()[0]["connection"], "practice", "{outcome:?}");
        let ledger = rusqlite::Connection::open(sandbox.data_dir().join("ledger.sqlite3"));
        let row = ledger.expect("the ledger").query_row(
            "SELECT provider_origin, idempotency_ms > 0 FROM jobs",
            [],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)),
        );
        assert_eq!(
            row.expect("a row"),
            ("practice".to_owned(), window),
            "{category}"
        );
    }
}

#[test]
fn invalid_fault_script_is_refused_with_line_and_column() {
    let sandbox = Sandbox::new();
    sandbox.write("faults.json", "{\n  \"rules\": [{\"staus\": 503}]\n}");
    for (file, place) in [
        ("faults.json", "faults.json:2:20: "),
        ("none.json", "`none.json`"),
    ] {
        let outcome = sandbox.run(["--json", "practice", "--faults", file]);
        let error = outcome.error("bad_config");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(place), "{message}");
        assert_eq!(outcome.code, 2);
    }
}

#[test]
fn practice_provider_refuses_to_listen_beyond_loopback() {
    let outcome = Sandbox::new().run(["--json", "practice", "--listen", "0.0.0.0:0"]);
    outcome.error("usage");
    assert_eq!(outcome.code, 2);
}

#[test]
fn concurrent_practice_runs_share_a_data_directory() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    let runs: Vec<_> = ["frame_rate=1", "frame_rate=1"]
        .map(|rate| sandbox.start(sandbox.command(RUN.into_iter().chain([rate]))))
        .into_iter()
        .collect();
    let answers: Vec<_> = runs.into_iter().map(|run| run.end().answer()).collect();
    answers.iter().for_each(is_a_clip);
    assert_ne!(answers[0]["provider_job_id"], answers[1]["provider_job_id"]);
}

#[test]
fn folders_of_pictures_and_clips_are_private_to_their_owner() {
    let sandbox = Sandbox::new();
    sandbox.write("a.png", picture(ImageFormat::Png));
    is_a_clip(
        &sandbox
            .run(RUN.into_iter().chain(["frame_rate=1"]))
            .answer(),
    );
    #[cfg(unix)]
    for folder in ["practice", "practice/files", "practice/clips"] {
        let metadata = fs::metadata(sandbox.data_dir().join(folder)).expect("a folder");
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        assert_eq!(mode & 0o077, 0, "{folder}");
    }
}
