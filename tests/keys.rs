//! Keys as people paste and store them: what surrounds a key is removed with a note, and a key that
//! no header can hold ends the run before anything is sent.

use image::ImageFormat;
use serde_json::json;

use crate::support::cases::accepted;
use crate::support::outcome::Outcome;
use crate::support::pictures::picture;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::{CANARY_KEY, KEY_VARIABLE, Sandbox};

/// A provider that accepts pictures and jobs, and finishes each job at once.
fn provider() -> Server {
    let uploaded = json!({"url": "https://files.example/1"});
    let ended =
        json!({"status": "succeeded", "output": {"video": "{provider}/1.mp4"}, "charged": true});
    Server::start(Script::from([
        ("POST /v1/files".into(), vec![Reply::json(200, uploaded)]),
        ("POST /v1/jobs".into(), vec![accepted()]),
        ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
        ("GET /1.mp4".into(), vec![Reply::clip()]),
    ]))
}

/// A sandbox with a connection whose credential is in this place.
fn sandbox(provider: &Server, credential: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.configure(&format!(
        "[connections.scripted]\ncategory = \"pixelml\"\nbase_url = \"{}\"\ncredential = {credential}\n",
        provider.url()
    ));
    sandbox.write("a.png", picture(ImageFormat::Png));
    sandbox
}

/// Runs with this content of the key's variable.
fn run(sandbox: &Sandbox, variable: Option<&std::ffi::OsStr>) -> Outcome {
    let arguments = ["--json", "run", "image_to_video_v3", "--image", "a.png"];
    let mut command = sandbox.command(arguments.iter().chain(&["--set", "prompt=p"]));
    match variable {
        Some(text) => command.env(KEY_VARIABLE, text),
        None => command.env_remove(KEY_VARIABLE),
    };
    sandbox.start(command).end()
}

/// Asserts that the run sent the plain key, and noted once what was removed.
#[track_caller]
fn assert_trimmed(outcome: &Outcome, provider: &Server, removed: &str, place: &str) {
    let answer = outcome.answer();
    let expected = format!("Bearer {CANARY_KEY}");
    let sent = provider.arrived();
    let sent = sent.iter().filter(|one| one.path.starts_with("/v1/"));
    let keys: Vec<_> = sent.map(|one| one.header("authorization")).collect();
    assert!(keys.len() >= 3);
    assert!(keys.iter().all(|key| *key == Some(&expected)));
    let notes = outcome.stderr.lines();
    let notes: Vec<_> = notes
        .filter(|line| line.contains("the credential in"))
        .collect();
    let start =
        format!("connection `scripted`: removed {removed} from the credential in the {place}");
    assert_eq!(notes.len(), 1, "{outcome:?}");
    assert!(notes[0].starts_with(&format!("note: {start}")), "{notes:?}");
    let message = answer["notes"][0]["message"].as_str().expect("a note");
    assert!(message.starts_with(&start), "{message}");
}

#[test]
fn key_in_a_variable_is_used_without_what_surrounds_it() {
    for (text, removed) in [
        (format!("{CANARY_KEY}\n"), "a line end"),
        (format!("  {CANARY_KEY}\r\n"), "blanks and a line end"),
        (format!("\u{feff}{CANARY_KEY}"), "a byte-order mark"),
        (format!("\"{CANARY_KEY}\""), "quotes"),
        (format!("'{CANARY_KEY}'"), "quotes"),
        (format!("Bearer {CANARY_KEY}"), "the prefix `Bearer`"),
        (
            format!("\"bearer {CANARY_KEY}\" "),
            "blanks, quotes and the prefix `Bearer`",
        ),
    ] {
        let provider = provider();
        let credential = format!("{{ env = \"{KEY_VARIABLE}\" }}");
        let sandbox = sandbox(&provider, &credential);
        let outcome = run(&sandbox, Some(text.as_ref()));
        let place = format!("environment variable `{KEY_VARIABLE}`");
        assert_trimmed(&outcome, &provider, removed, &place);
    }
}

#[test]
fn key_in_a_file_is_read_in_utf_16_and_with_windows_line_ends() {
    let marked = format!("\u{feff}{CANARY_KEY}\r\n");
    let low: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let high: Vec<u8> = marked.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let both = "a byte-order mark and a line end";
    for (bytes, removed) in [
        (format!("{CANARY_KEY}\r\n").into_bytes(), "a line end"),
        (marked.into_bytes(), both),
        (low, both),
        (high, both),
    ] {
        let provider = provider();
        let sandbox = sandbox(&provider, "{ file = \"the key\" }");
        private(&sandbox.write("the key", bytes));
        assert_trimmed(&run(&sandbox, None), &provider, removed, "file `");
    }
}

#[test]
fn plain_key_and_prefix_of_another_connection_are_left_alone() {
    let provider = provider();
    let credential = format!("{{ env = \"{KEY_VARIABLE}\", prefix = \"\" }}");
    let sandbox = sandbox(&provider, &credential);
    let whole = format!("Bearer {CANARY_KEY}");
    let outcome = run(&sandbox, Some(whole.as_ref()));
    // It is sent as it is, and a note says so.
    let notes = outcome.answer()["notes"].to_string();
    assert!(notes.contains("Bearer"), "{notes}");
    assert_eq!(provider.arrived()[0].header("authorization"), Some(&*whole));
}

/// Asserts that the run ended before anything was sent, with this reason.
#[track_caller]
fn assert_refused(outcome: &Outcome, provider: &Server, reason: &str, place: &str) {
    let error = outcome.error("connection_unavailable");
    assert_eq!((outcome.code, &error["charged"]), (4, &json!("no")));
    let message = error["message"].as_str().expect("words");
    for part in ["`scripted`", reason, place] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(provider.arrived().len(), 0, "nothing is sent");
}

#[test]
fn key_that_no_header_holds_is_refused_before_anything_is_sent() {
    let provider = Server::start(Script::new());
    let credential = format!("{{ env = \"{KEY_VARIABLE}\" }}");
    let sandbox = sandbox(&provider, &credential);
    for (text, reason) in [
        (format!("{CANARY_KEY}\nsecond"), "control character"),
        (format!("canary\u{1}{CANARY_KEY}"), "control character"),
        (format!("\u{201c}{CANARY_KEY}\u{201d}"), "not ASCII"),
        (" \r\n".into(), "it is empty"),
        ("\"\"".into(), "it is empty"),
        ("Bearer ".into(), "it is empty"),
    ] {
        let outcome = run(&sandbox, Some(text.as_ref()));
        assert_refused(&outcome, &provider, reason, KEY_VARIABLE);
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let bytes = [CANARY_KEY.as_bytes(), b"\xff"].concat();
        let outcome = run(&sandbox, Some(std::ffi::OsStr::from_bytes(&bytes)));
        assert_refused(&outcome, &provider, "not ASCII", KEY_VARIABLE);
    }
}

#[test]
fn key_file_that_no_header_holds_is_refused_before_anything_is_sent() {
    let provider = Server::start(Script::new());
    let sandbox = sandbox(&provider, "{ file = \"the key\" }");
    let unmarked: Vec<u8> = CANARY_KEY
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (bytes, reason) in [
        (unmarked, "control character"),
        (format!("{CANARY_KEY}\0").into_bytes(), "control character"),
        (
            format!("{CANARY_KEY}\n{CANARY_KEY}\n").into_bytes(),
            "control character",
        ),
        ([CANARY_KEY.as_bytes(), b"\xe9"].concat(), "not ASCII"),
        (b"\xff\xfe\0".to_vec(), "not ASCII"),
        (b"\xef\xbb\xbf\r\n".to_vec(), "it is empty"),
        (Vec::new(), "it is empty"),
    ] {
        private(&sandbox.write("the key", bytes));
        assert_refused(&run(&sandbox, None), &provider, reason, "the key`");
    }
}

/// Makes a file private, so that the binary prints no warning about it.
fn private(path: &std::path::Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let owner = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(path, owner).expect("permissions");
    }
}
