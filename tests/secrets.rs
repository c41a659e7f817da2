//! Credentials and prompts. That neither is shown or written, `support::desk` checks after every run
//! of every test; here are the runs that tempt most.

use std::process::Command;

use image::ImageFormat;
use serde_json::json;

use crate::support::cases::accepted;
use crate::support::desk::{CANARY_KEY, CANARY_PROMPT, Desk, KEY_VARIABLE, Outcome};
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server};

/// Runs with every log that there is.
fn traced(desk: &Desk, change: impl Fn(&mut Command)) -> Outcome {
    let prompt = format!("prompt={CANARY_PROMPT}");
    let mut command = desk.command([
        "--json",
        "run",
        "image_to_video_v3",
        "--image",
        "a.png",
        "--set",
        "frame_rate=1",
        "--set",
        &prompt,
        "--out",
        "clip.mp4",
    ]);
    command.env("ZOETROPE_LOG", "trace");
    change(&mut command);
    let outcome = desk.start(command).end();
    assert!(
        outcome.stderr.contains("DEBUG"),
        "there are logs: {}",
        outcome.stderr
    );
    outcome
}

#[test]
fn the_most_talkative_log_shows_no_credential_and_no_prompt() {
    let url = "https://p.example/a.png?signature=canary-signature";
    let video = "{provider}/1.mp4?signature=canary-signature";
    let ended = json!({"status": "succeeded", "output": {"video": video}});
    let refused = json!({"error": {"code": "{key}", "message": "the key {key} cannot read {provider}/x?signature=canary-signature"}});
    let good = Script::from([
        (
            "POST /v1/files".into(),
            vec![Reply::json(200, json!({"url": url}))],
        ),
        ("POST /v1/jobs".into(), vec![accepted()]),
        (
            "GET /v1/jobs/j-1".into(),
            vec![Reply::json(500, refused.clone()), Reply::json(200, ended)],
        ),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]);
    let refusing = Script::from([("POST /v1/files".into(), vec![Reply::json(401, refused)])]);
    for (script, code) in [(good, 0), (refusing, 4)] {
        let provider = Server::start(script);
        provider.name("key", CANARY_KEY.into());
        let desk = Desk::with_provider(&provider);
        desk.write("a.png", picture(ImageFormat::Png));
        let outcome = traced(&desk, |_| {});
        assert_eq!(outcome.code, code, "{outcome:?}");
        assert!(
            !outcome.stderr.contains("canary-signature"),
            "a URL's query is shown: {}",
            outcome.stderr
        );
    }
}

#[test]
fn the_practice_providers_key_is_a_secret_too() {
    let desk = Desk::new();
    desk.write("a.png", picture(ImageFormat::Png));
    assert_eq!(traced(&desk, |_| {}).code, 0);
    let key = desk.data_dir().join("practice/key");
    assert!(key.is_file());
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&key).expect("the key").permissions(),
        );
        assert_eq!(mode & 0o077, 0, "for its owner alone");
    }
}

#[test]
fn a_key_that_is_no_key_is_not_shown() {
    let provider = Server::start(Script::new());
    let desk = Desk::with_provider(&provider);
    desk.write("a.png", picture(ImageFormat::Png));
    for value in [
        format!("{CANARY_KEY}\nsecond line"),
        format!("{CANARY_KEY} \u{e9}"),
        String::new(),
    ] {
        let outcome = traced(&desk, |command| {
            command.env(KEY_VARIABLE, &value);
        });
        outcome.error("connection_unavailable");
        assert_eq!(outcome.code, 4);
    }
    assert_eq!(provider.arrived().len(), 0);
}

#[test]
fn a_page_with_the_key_in_it_shows_nothing() {
    let page: Reply = serde_json::from_value(json!({"status": 200, "text": "<html>{key}</html>"}))
        .expect("a reply");
    let provider = Server::start(Script::from([("POST /v1/files".into(), vec![page])]));
    provider.name("key", CANARY_KEY.into());
    let desk = Desk::with_provider(&provider);
    desk.write("a.png", picture(ImageFormat::Png));
    assert_eq!(traced(&desk, |_| {}).code, 9);
}
