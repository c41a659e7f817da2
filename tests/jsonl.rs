//! `zoetrope check --jsonl`: one result a line, in order, also for invalid lines, in bounded memory.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::outcome::Outcome;
use crate::support::provider::{Script, Server};
use crate::support::sandbox::Sandbox;

const NODE: &str = "image_to_video_v3";

/// What is said of a check without a connection.
const CHOICE: &str = "No connection is configured for the category pixelml: the practice provider on this machine renders the clip; it costs nothing.\n";

fn lines(sandbox: &Sandbox, input: &[u8]) -> Outcome {
    sandbox.run_with_input(["check", NODE, "--jsonl", "--input", "-"], input)
}

fn answers(outcome: &Outcome) -> Vec<Value> {
    outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

/// A valid line with a number of its own.
fn valid(number: usize) -> String {
    let name = format!("https://p.example/{number}.png");
    json!({"prompt": "p", "image": name, "steps": number % 50 + 1}).to_string()
}

#[test]
fn jsonl_check_with_invalid_lines_answers_every_line_in_order() {
    let mut input = Vec::new();
    let mut expected = Vec::new();
    let mut add = |line: &[u8], keyword: Option<&'static str>| {
        input.extend_from_slice(line);
        input.push(b'\n');
        expected.push(keyword);
    };
    let too_long = "x".repeat(17 << 20);
    let deep = "[".repeat(10_000);
    add(valid(1).as_bytes(), None);
    add(b"[]", Some("type"));
    add(b"{\"prompt\": \"p\"", Some("json"));
    add(too_long.as_bytes(), Some("json"));
    add(valid(2).as_bytes(), None);
    add(b"\xff\xfe", Some("json"));
    add(deep.as_bytes(), Some("json"));
    add(
        b"{\"prompt\": \"p\", \"image\": \"i\", \"image\": \"j\"}",
        Some("json"),
    );
    add(b"{\"image\": \"i\"}", Some("required"));
    add(b"{\"prompt\": \"p\", \"image\": \"i\"} {}", Some("json"));
    add(format!("{}\r", valid(3)).as_bytes(), None);
    add(b"{\"prompt\": \"\\ud800\", \"image\": \"i\"}", Some("json"));
    input.extend_from_slice(valid(4).as_bytes());
    expected.push(None);

    let outcome = lines(&Sandbox::new(), &input);
    assert_eq!(outcome.code, 3, "a line was refused");
    assert_eq!(outcome.stderr, CHOICE);
    let answers = answers(&outcome);
    let found: Vec<_> = answers
        .iter()
        .map(|answer| answer["error"]["violations"][0]["keyword"].as_str())
        .collect();
    assert_eq!(found, expected);
    let pictures: Vec<_> = answers
        .iter()
        .filter_map(|answer| answer["input"]["image"].as_str())
        .collect();
    let kept: Vec<_> = (1..=4)
        .map(|number| format!("https://p.example/{number}.png"))
        .collect();
    assert_eq!(pictures, kept);
}

#[test]
fn jsonl_check_of_3000_lines_keeps_their_order() {
    let sandbox = Sandbox::new();
    // More lines than one instance checks, and than one task gets.
    let count = 3_000;
    let input: String = (0..count).map(|number| valid(number) + "\n").collect();
    let outcome = lines(&sandbox, input.as_bytes());
    assert_eq!((outcome.code, &*outcome.stderr), (0, CHOICE));
    for (number, answer) in answers(&outcome).iter().enumerate() {
        assert_eq!(answer["ok"], true);
        assert_eq!(
            answer["input"]["image"],
            format!("https://p.example/{number}.png")
        );
    }
    assert_eq!(outcome.stdout.lines().count(), count);

    sandbox.write("list.jsonl", &input);
    let from_file = sandbox.run(["check", NODE, "--jsonl", "--json", "--input", "list.jsonl"]);
    assert_eq!(
        from_file.stdout, outcome.stdout,
        "a file, and --json besides, change nothing"
    );
}

#[test]
fn jsonl_result_equals_the_result_of_a_single_check() {
    let provider = Server::start(Script::new());
    let sandbox = Sandbox::with_provider(&provider);
    let inputs = [
        valid(1),
        "{}".into(),
        r#"{"prompt":"p","image":"i","stepz":1,"steps":2.0}"#.into(),
    ];
    let together = lines(&sandbox, (inputs.join("\n") + "\n").as_bytes());
    for (input, line) in inputs.iter().zip(answers(&together)) {
        let mut alone = sandbox
            .run_with_input(["--json", "check", NODE, "--input", "-"], input.as_bytes())
            .json();
        // The result of a line has its own next command.
        if let Some(next) = alone.pointer_mut("/error/next") {
            *next = line["error"]["next"].clone();
        }
        alone["line"] = line["line"].clone();
        assert_eq!(line, alone);
    }
    assert!(
        answers(&together)[0]["request"]["url"].is_string(),
        "the request over the connection"
    );
    assert_eq!(provider.arrived().len(), 0);
}

#[test]
fn jsonl_check_of_empty_input_prints_nothing() {
    let outcome = lines(&Sandbox::new(), b"");
    assert_eq!(
        (outcome.code, &*outcome.stdout, &*outcome.stderr),
        (0, "", CHOICE)
    );
    let blank = lines(&Sandbox::new(), b"\n \t\r\n");
    assert_eq!((blank.code, &*blank.stdout), (0, ""));
}

#[test]
fn blank_lines_are_skipped_by_checks_and_batches_and_keep_the_numbers() {
    let text = "\u{feff}\r\n{\"prompt\": \"p\"}\r\n \r\n{\"prompt\": 3, \"image\": \"i\", \"steps\": 99}\r\n\r\n[";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let places = |found: &[Value]| {
        let place = |entry: &Value| {
            let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            (
                entry["line"].as_u64(),
                text("instance_path"),
                text("keyword"),
            )
        };
        found.iter().map(place).collect::<Vec<_>>()
    };
    let expected = [
        (2, "", "required"),
        (4, "/prompt", "type"),
        (4, "/steps", "maximum"),
        (6, "", "json"),
    ];
    let expected = expected.map(|(line, path, word)| (Some(line), path.into(), word.into()));
    for bytes in [text.as_bytes(), &wide] {
        let provider = Server::start(Script::new());
        let sandbox = Sandbox::with_provider(&provider);
        let mut checked = Vec::new();
        for answer in answers(&lines(&sandbox, bytes)) {
            let violations = answer["error"]["violations"]
                .as_array()
                .expect("violations");
            checked.extend(violations.iter().map(|violation| {
                let mut entry = violation.clone();
                entry["line"] = answer["line"].clone();
                entry
            }));
        }
        assert_eq!(places(&checked), expected);
        sandbox.write("lines.jsonl", bytes);
        let batch = ["run", NODE, "--batch", "lines.jsonl", "--out-dir", "out"];
        let refused = sandbox.run(["--json"].iter().chain(&batch));
        assert_eq!(refused.code, 3);
        let error = refused.error("invalid_input");
        assert_eq!(
            places(error["errors"].as_array().expect("errors")),
            expected
        );
        let shown = sandbox.run(batch);
        for line in [
            "error: 3 of 3 lines are refused; nothing was sent",
            "  line 2: The field `image` is missing.",
            "  line 4: prompt must be text of at most 904 characters; got a number; \
             steps must be a whole number from 1 to 50; got 99",
        ] {
            assert!(shown.stderr.lines().any(|shown| shown == line), "{shown:?}");
        }
        assert_eq!((provider.arrived().len(), sandbox.jobs().len()), (0, 0));
    }
}

#[test]
fn jsonl_check_with_wrong_arguments_prints_one_error() {
    let sandbox = Sandbox::new();
    for (arguments, kind) in [
        (
            ["check", NODE, "--jsonl", "--input", "nowhere.jsonl"],
            "usage",
        ),
        (
            ["check", "no_such_node", "--jsonl", "--input", "-"],
            "unknown_node_type",
        ),
        (["check", NODE, "--jsonl", "--inptu", "-"], "usage"),
    ] {
        let outcome = sandbox.run_with_input(arguments, b"{}\n");
        outcome.error(kind);
        assert_eq!((outcome.code, outcome.stdout.lines().count()), (2, 1));
    }
}

#[test]
fn jsonl_check_stops_when_its_output_pipe_is_closed() {
    // More lines than the pipes hold, so that the command must stop before the end.
    const LINES: usize = 200_000;
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["check", NODE, "--jsonl", "--input", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || {
        let line = valid(1) + "\n";
        (0..LINES).all(|_| stdin.write_all(line.as_bytes()).is_ok())
    });
    let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut first = String::new();
    answers.read_line(&mut first).expect("an answer");
    drop(answers);
    assert!(
        !writer.join().expect("the writer"),
        "the command read its whole input"
    );
    child.wait().expect("its end");
}

/// 200,000 lines of half a kilobyte: 100 MB of input, and more output.
#[cfg(target_os = "linux")]
#[test]
fn jsonl_check_of_100_megabytes_uses_bounded_memory() {
    const LINES: usize = 200_000;
    const MOST: u64 = 400 << 20;
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(["check", NODE, "--jsonl", "--input", "-"]);
    command.stdin(Stdio::piped());
    let mut running = sandbox.start(command);
    let mut stdin = running.stdin();
    let writer = std::thread::spawn(move || {
        let prompt = "p".repeat(400);
        for number in 0..LINES {
            let line = format!(
                "{{\"prompt\":\"{prompt}\",\"image\":\"https://p.example/{number}.png\"}}\n"
            );
            stdin
                .write_all(line.as_bytes())
                .expect("the binary reads on");
        }
    });
    let mut peak = 0;
    for number in 0..LINES {
        let line = running.line_unkept();
        assert!(
            line.contains(&format!("https://p.example/{number}.png")),
            "{number}: {line}"
        );
        if number % 5_000 == 0 {
            peak = peak.max(crate::support::memory::peak_of(running.id()).unwrap_or(peak));
        }
    }
    writer.join().expect("the writer");
    assert_eq!(running.end().code, 0);
    assert!((1..MOST).contains(&peak), "{} MiB", peak >> 20);
}
