//! Text files as Windows editors and PowerShell write them: with a byte-order mark, in UTF-16, with
//! other line ends. They are read everywhere; what is not text is an error with its place.

use std::io::Write as _;
use std::process::Stdio;

use image::ImageFormat;
use serde_json::{Value, json};

use crate::support::outcome::Outcome;
use crate::support::pictures::picture;
use crate::support::provider::{Script, Server};
use crate::support::sandbox::Sandbox;

const NODE: &str = "image_to_video_v3";

/// A letter of two bytes in UTF-8, and one of two units in UTF-16.
const PROMPT: &str = "W\u{e4}lder \u{1f30a}";

/// A text in each encoding, with the encoding's name.
fn encodings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let units = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    };
    let marked = format!("\u{feff}{text}");
    vec![
        ("UTF-8", text.into()),
        ("UTF-8 with a mark", marked.clone().into()),
        ("UTF-16LE with a mark", units(&marked, u16::to_le_bytes)),
        ("UTF-16BE with a mark", units(&marked, u16::to_be_bytes)),
        ("UTF-16LE", units(text, u16::to_le_bytes)),
        ("UTF-16BE", units(text, u16::to_be_bytes)),
    ]
}

fn valid() -> String {
    json!({"prompt": PROMPT, "image": "https://p.example/a.png"}).to_string()
}

#[test]
fn input_in_every_encoding_is_read_from_file_and_standard_input() {
    let sandbox = Sandbox::new();
    for (name, bytes) in encodings(&(valid() + "\r\n")) {
        sandbox.write("input.json", &bytes);
        let check = ["--json", "check", NODE, "--input"];
        let from_file = sandbox.run(check.iter().chain(&["input.json"]));
        let from_stdin = sandbox.run_with_input(check.iter().chain(&["-"]), &bytes);
        for outcome in [from_file, from_stdin] {
            assert_eq!(outcome.answer()["input"]["prompt"], PROMPT, "{name}");
        }
    }
}

#[track_caller]
fn message(outcome: &Outcome) -> String {
    let error = outcome.error("invalid_input");
    assert_eq!(error["violations"][0]["keyword"], "json", "{outcome:?}");
    error["message"].as_str().expect("words").to_owned()
}

#[test]
fn input_that_is_not_text_is_refused_with_its_offset() {
    let sandbox = Sandbox::new();
    for (bytes, expected) in [
        (
            &b"{\"prompt\": \"\xff\"}"[..],
            "UTF-8 text: the byte at offset 12 is",
        ),
        (
            b"\xef\xbb\xbf{\"\xe4\": 1}",
            "UTF-8 text: the byte at offset 5 is",
        ),
        (
            b"\xff\xfe{\0\0\xd8}\0",
            "UTF-16 text: the unit at byte offset 4 is",
        ),
        (b"\xff\xfe\0\0{\0\0\0}\0\0\0", "it is UTF-32 text"),
        (b"{\0\0\0}\0\0\0", "it is UTF-32 text"),
    ] {
        sandbox.write("input.json", bytes);
        let outcome = sandbox.run(["--json", "check", NODE, "--input", "input.json"]);
        let message = message(&outcome);
        assert!(message.contains(expected), "{message}");
        let run = ["--json", "run", NODE, "--input", "input.json"];
        assert_eq!(self::message(&sandbox.run(run)), message);
    }
}

/// The answers of `check --jsonl`.
fn answers(outcome: &Outcome) -> Vec<Value> {
    let lines = outcome.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

#[test]
fn jsonl_check_reads_every_encoding_and_names_the_line_of_invalid_text() {
    let sandbox = Sandbox::new();
    let check = ["check", NODE, "--jsonl", "--input", "-"];
    for (name, bytes) in encodings(&format!("{0}\r\n{0}\n{0}", valid())) {
        let outcome = sandbox.run_with_input(check, &bytes);
        assert_eq!(outcome.code, 0, "{name}: {outcome:?}");
        let answers = answers(&outcome);
        assert_eq!(answers.len(), 3, "{name}");
        for answer in answers {
            assert_eq!(answer["input"]["prompt"], PROMPT, "{name}");
        }
    }
    // Files with marks that were joined.
    let joined = format!("\u{feff}{0}\n\u{feff}{0}\n", valid());
    assert_eq!(sandbox.run_with_input(check, joined.as_bytes()).code, 0);

    let invalid = [valid().as_bytes(), b"\n{\"\xff\": 1}\n", valid().as_bytes()].concat();
    let outcome = sandbox.run_with_input(check, &invalid);
    assert_eq!(outcome.code, 3);
    let answers = answers(&outcome);
    let found: Vec<_> = answers.iter().map(|answer| &answer["ok"]).collect();
    assert_eq!(found, [true, false, true]);
    let message = answers[1]["error"]["message"].as_str().expect("words");
    assert_eq!(answers[1]["line"], 2, "{message}");
    assert!(
        message.contains("the byte at offset 2 is invalid"),
        "{message}"
    );

    let whole = sandbox.run_with_input(check, b"\xff\xfe\0\0{\0\0\0}\0\0\0");
    let error = whole.error("usage");
    assert!(error["message"].as_str().expect("words").contains("UTF-32"));
}

#[test]
fn jsonl_check_answers_a_line_of_utf_16_before_the_next_one_is_written() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["check", NODE, "--jsonl", "--input", "-"]);
    command.stdin(Stdio::piped());
    let mut running = sandbox.start(command);
    let mut stdin = running.stdin();
    for line in ["\u{feff}{}\n", &(valid() + "\r\n"), "{}\n"] {
        let bytes: Vec<u8> = line.encode_utf16().flat_map(u16::to_le_bytes).collect();
        stdin.write_all(&bytes).expect("the binary reads");
        let answer: Value = serde_json::from_str(&running.line()).expect("JSON");
        assert_eq!(answer["ok"], line.contains("prompt"));
    }
    drop(stdin);
    assert_eq!(running.end().code, 3);
}

#[test]
fn batch_is_read_in_every_encoding_and_names_the_line_of_invalid_text() {
    let line = json!({"prompt": PROMPT, "image": "file:a.png", "frame_rate": 1});
    for (name, bytes) in encodings(&format!("{line}\r\n\r\n{line}")) {
        let sandbox = Sandbox::new();
        sandbox.write("a.png", picture(ImageFormat::Png));
        sandbox.write("lines.jsonl", bytes);
        let run = [
            "--json",
            "run",
            NODE,
            "--batch",
            "lines.jsonl",
            "--out-dir",
            "out",
        ];
        let answer = sandbox.run(run).answer();
        assert_eq!(answer["summary"]["finalized"], 2, "{name}");
        assert!(sandbox.path("out/1.mp4").is_file() && sandbox.path("out/3.mp4").is_file());
    }
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    let line = json!({"prompt": "p", "image": "https://p.example/a.png"}).to_string();
    sandbox.write("lines.jsonl", [line.as_bytes(), b"\n{\xff}"].concat());
    let run = [
        "--json",
        "run",
        NODE,
        "--batch",
        "lines.jsonl",
        "--out-dir",
        "out",
    ];
    let message = message(&sandbox.run(run));
    assert!(
        message.starts_with("line 2: ") && message.contains("offset 1"),
        "{message}"
    );
    assert_eq!(provider.arrived().len(), 0, "nothing is sent");
}

#[test]
fn configuration_and_fault_script_are_read_in_every_encoding() {
    let config = "# \u{e4}\r\n[connections.mine]\r\ncategory = \"pixelml\"\r\n\
                  base_url = \"https://a.example\"\r\n";
    let sandbox = Sandbox::new();
    for (name, bytes) in encodings(config) {
        sandbox.write("other.toml", bytes);
        let check = [
            "--json",
            "--config",
            "other.toml",
            "check",
            NODE,
            "--input",
            "-",
        ];
        let answer = sandbox.run_with_input(check, valid().as_bytes()).answer();
        assert!(answer["request"]["url"].is_string(), "{name}");
    }
    sandbox.write("other.toml", b"# \xe4\n");
    let outcome = sandbox.run(["--json", "--config", "other.toml", "nodes"]);
    let error = outcome.error("bad_config");
    let message = error["message"].as_str().expect("words");
    assert!(
        message.contains("the byte at offset 2 is invalid"),
        "{message}"
    );

    for (name, bytes) in encodings("{\r\n  \"rules\": [] }") {
        sandbox.write("faults.json", bytes);
        let mut practice = sandbox.start(sandbox.command(["practice", "--faults", "faults.json"]));
        assert!(practice.line().starts_with("# Connections"), "{name}");
        practice.kill();
    }
    sandbox.write("faults.json", b"{\"rules\": \"\xff\"}");
    let outcome = sandbox.run(["--json", "practice", "--faults", "faults.json"]);
    let error = outcome.error("bad_config");
    let message = error["message"].as_str().expect("words");
    assert!(
        message.contains("the byte at offset 11 is invalid"),
        "{message}"
    );
}
