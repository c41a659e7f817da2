//! Invalid inputs, pictures and configurations: each ends in its kind of error and its exit code,
//! and nothing is sent.

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::cases::cases;
use crate::support::outcome::Outcome;
use crate::support::pictures::{enormous_png, lighthouse, picture, truncated_png};
use crate::support::provider::{Script, Server};
use crate::support::sandbox::Sandbox;

cases! {
    "bad_input":
        array
        broken_json
        duplicate_keys
        duplicate_keys_with_settings
        empty
        escaped_lone_surrogate
        invalid_utf8
        misspelt_setting
        no_file
        no_input
        not_an_object_with_settings
        null_input
        number_that_no_float_holds
        path_as_setting_of_a_picture
        prompt_too_long
        several_violations
        setting_that_is_no_json
        unknown_connection
        unknown_node
}

/// Checks and runs an input, over a connection to which nothing may be sent.
#[track_caller]
fn refused(input: &[u8], keyword: &str) {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    sandbox.write("input.json", input);
    for command in ["check", "run"] {
        let node = "image_to_video_v3";
        let from_file = sandbox.run(["--json", command, node, "--input", "input.json"]);
        let from_stdin = sandbox.run_with_input(["--json", command, node, "--input", "-"], input);
        for outcome in [from_file, from_stdin] {
            let error = outcome.error("invalid_input");
            assert_eq!(
                (outcome.code, &error["phase"]),
                (3, &json!("check")),
                "{outcome:?}"
            );
            let violations = error["violations"].as_array().expect("violations");
            assert_eq!(
                (violations.len(), &violations[0]["keyword"]),
                (1, &json!(keyword)),
                "{outcome:?}"
            );
        }
    }
    assert_eq!(provider.arrived().len(), 0, "nothing is sent");
}

#[test]
fn fifty_megabytes_of_json_are_refused() {
    let mut input = br#"{"prompt": ""#.to_vec();
    input.resize(50 << 20, b'x');
    input.extend_from_slice(br#"", "image": "https://p.example/a.png"}"#);
    refused(&input, "json");
}

#[test]
fn nesting_of_ten_thousand_levels_is_refused() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let nested = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        refused(nested.as_bytes(), "json");
        refused(
            format!(r#"{{"prompt":"p","image":"i","x":{nested}}}"#).as_bytes(),
            "json",
        );
        refused(open.repeat(10_000).as_bytes(), "json");
    }
}

#[test]
fn input_of_the_maximum_length_is_read() {
    let mut input = br#"{"prompt": "p", "image": ""#.to_vec();
    input.resize((16 << 20) - 2, b'x');
    input.extend_from_slice(br#""}"#);
    let outcome = Sandbox::new().run_with_input(
        ["--json", "check", "image_to_video_v3", "--input", "-"],
        &input,
    );
    assert_eq!(
        outcome.answer()["input"]["image"].as_str().map(str::len),
        Some(input.len() - 28)
    );
    input.push(b' ');
    refused(&input, "json");
}

/// Runs with a local picture, over a connection to which nothing may be sent.
#[track_caller]
fn with_picture(name: &str, content: &[u8]) -> Outcome {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    if !content.is_empty() {
        sandbox.write(name, content);
    }
    let outcome = sandbox.run([
        "--json",
        "run",
        "image_to_video_v3",
        "--image",
        name,
        "--set",
        "prompt=p",
    ]);
    assert_eq!(provider.arrived().len(), 0, "nothing is sent");
    outcome
}

#[test]
fn missing_picture_file_is_a_usage_error() {
    let outcome = with_picture("nowhere.png", b"");
    assert_eq!(outcome.error("usage")["charged"], "no");
    assert_eq!(outcome.code, 2);
    let outcome = with_picture(".", b"");
    outcome.error("usage");
    assert_eq!(outcome.code, 2);
}

#[test]
fn file_that_is_not_a_picture_is_not_sent() {
    for content in [
        &b"a text, whatever its name"[..],
        b"{}",
        b"<svg/>",
        b"%PDF-1.7",
        b"\0\0\0\x18ftypisom",
    ] {
        let outcome = with_picture("picture.png", content);
        assert_eq!(outcome.error("unsupported")["phase"], "upload");
        assert_eq!(outcome.code, 3, "{outcome:?}");
    }
}

#[test]
fn picture_of_an_otherwise_invalid_run_is_not_uploaded() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    sandbox.write("a.png", picture(ImageFormat::Png));
    for (more, kind) in [
        (&["--set", "steps=51"][..], "invalid_input"),
        (&["--set", "prompt=p", "--out", "a.png"], "usage"),
    ] {
        let arguments = ["--json", "run", "image_to_video_v3", "--image", "a.png"];
        sandbox.run(arguments.iter().chain(more)).error(kind);
    }
    assert_eq!(provider.arrived().len(), 0, "nothing is sent");
}

#[test]
fn broken_picture_fails_its_job_and_not_the_practice_provider() {
    let sandbox = Sandbox::new();
    sandbox.write("truncated.png", truncated_png());
    sandbox.write("enormous.png", enormous_png());
    sandbox.write("good.png", picture(ImageFormat::Png));
    let run = |name: &str| {
        sandbox.run([
            "--json",
            "run",
            "image_to_video_v3",
            "--image",
            name,
            "--set",
            "prompt=p",
            "--set",
            "frame_rate=1",
        ])
    };
    for name in ["truncated.png", "enormous.png"] {
        let outcome = run(name);
        let error = outcome.error("failed");
        assert_eq!(
            (outcome.code, &error["charged"]),
            (7, &json!("no")),
            "{name}: {outcome:?}"
        );
    }
    run("good.png").answer();
}

#[test]
fn picture_url_that_the_provider_cannot_fetch_fails_the_job() {
    let elsewhere = Server::start(Script::new());
    let sandbox = Sandbox::new();
    // A practice provider fetches from the internet only: not from this machine, and by no other
    // scheme.
    for image in [
        format!("{}/a.png", elsewhere.url()),
        "http://169.254.169.254/latest".into(),
    ] {
        let setting = format!("image={image}");
        let outcome = sandbox.run([
            "--json",
            "run",
            "image_to_video_v3",
            "--set",
            &setting,
            "--set",
            "prompt=p",
        ]);
        assert_eq!(outcome.error("failed")["charged"], "no");
        assert_eq!(outcome.code, 7);
    }
    for image in ["ftp://files.example/a.png", "not a URL", ""] {
        let input = json!({"prompt": "p", "image": image}).to_string();
        let outcome = sandbox.run(["--json", "run", "image_to_video_v3", "--input", &input]);
        assert_eq!(outcome.error("rejected")["charged"], "no");
        assert_eq!(outcome.code, 6);
    }
    assert_eq!(elsewhere.arrived().len(), 0);
}

/// Runs with this configuration. Returns the error.
#[track_caller]
fn with_config(toml: &str, kind: &str) -> Value {
    let sandbox = Sandbox::new();
    sandbox.configure(toml);
    sandbox.write(
        "input.json",
        r#"{"prompt": "p", "image": "https://p.example/a.png"}"#,
    );
    let outcome = sandbox.run([
        "--json",
        "run",
        "image_to_video_v3",
        "--input",
        "input.json",
    ]);
    let error = outcome.error(kind);
    assert_eq!(
        (&error["phase"], &error["charged"]),
        (&json!("setup"), &json!("no")),
        "{toml}"
    );
    error
}

#[test]
fn invalid_configuration_is_reported_by_line_and_column() {
    let table = "[connections.a]\ncategory = \"pixelml\"\nbase_url = \"https://a.example\"\n";
    for (toml, place) in [
        ("[connections", ":1:13: "),
        ("nonsense = 1", ":1:1: "),
        (&format!("{table}timeout = 3"), ":4:1: "),
        (
            &format!("{table}credential = \"canary-key-52f1d3a07be944c6\""),
            ":4:14: ",
        ),
        (
            &format!("{table}credential = {{ env = \"A\", file = \"b\" }}"),
            ":4:14: ",
        ),
        (&format!("{table}idempotency = true"), ":4:15: "),
        (
            "[connections.a]\ncategory = \"pixelml\"\nbase_url = \"ftp://a.example\"",
            ":3:12: ",
        ),
        (
            "[connections.a]\ncategory = \"pixelml\"\nbase_url = \"https://user:canary-key-52f1d3a07be944c6@a.example\"",
            ":3:12: ",
        ),
        (
            "[connections.\"a b\"]\ncategory = \"pixelml\"\nbase_url = \"https://a.example\"",
            ":1:14: ",
        ),
    ] {
        let error = with_config(toml, "bad_config");
        let message = error["message"].as_str().expect("a message");
        assert!(
            message.contains(&format!("zoetrope.toml{place}")),
            "{toml}\n{message}"
        );
    }
    with_config("\u{feff}x\0", "bad_config");
}

#[test]
fn missing_configuration_file_is_an_error_when_given_explicitly() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run([
        "--json",
        "--config",
        "nowhere.toml",
        "check",
        "image_to_video_v3",
        "--input",
        "-",
    ]);
    outcome.error("bad_config");
    let mut command = sandbox.command(["--json", "check", "image_to_video_v3", "--input", "-"]);
    command.env("ZOETROPE_CONFIG", sandbox.path("nowhere.toml"));
    sandbox.start(command).end().error("bad_config");
}

#[test]
fn unusable_or_ambiguous_connection_is_reported_as_unavailable() {
    let one = "[connections.one]\ncategory = \"pixelml\"\nbase_url = \"https://a.example\"\n";
    let two = one.replace("one", "two");
    for toml in [
        format!("{one}credential = {{ env = \"NOT_SET\" }}"),
        format!("{one}credential = {{ file = \"nowhere\" }}"),
        format!("{one}{two}"),
    ] {
        with_config(&toml, "connection_unavailable");
    }
}

#[test]
fn invalid_options_are_refused_before_a_submit() {
    let provider = Server::start(Script::new());
    for option in [
        "wire = \"soap\"",
        "submitt = { method = \"POST\" }",
        "progress_full = 0",
    ] {
        let sandbox = Sandbox::new();
        sandbox.configure(&provider.connection(&format!("options = {{ {option} }}")));
        let image = lighthouse();
        let image = image.to_str().expect("a path");
        for more in [
            ["--set", "image=https://p.example/a.png"],
            ["--image", image],
        ] {
            let arguments = ["--json", "run", "image_to_video_v3", "--set", "prompt=p"];
            let outcome = sandbox.run(arguments.into_iter().chain(more));
            let error = outcome.error("connection_unavailable");
            assert_eq!(
                (outcome.code, &error["charged"]),
                (4, &json!("no")),
                "{outcome:?}"
            );
        }
    }
    assert_eq!(provider.arrived().len(), 0, "nothing is sent");
}
