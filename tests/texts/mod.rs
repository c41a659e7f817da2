//! Texts of packs, providers and users that control a terminal, hide characters or forge lines: no
//! command prints them, as text, as JSON or in logs. [`command_line`]: those of users, and of the
//! definition.

mod command_line;

use serde_json::json;
use zoetrope_host::sanitize::is_harmful;

use crate::support::hostile::{hostile, hostile_listing, sandbox_with};
use crate::support::outcome::Outcome;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

/// Every kind of character that may not be printed; U+0000 cannot be in an argument.
const HARMFUL: [char; 26] = [
    '\u{1}',
    '\u{7}',
    '\u{8}',
    '\u{1b}',
    '\u{7f}',
    '\u{85}',
    '\u{9b}',
    '\u{9d}',
    '\u{ad}',
    '\u{61c}',
    '\u{180e}',
    '\u{200b}',
    '\u{200d}',
    '\u{200e}',
    '\u{200f}',
    '\u{2028}',
    '\u{2029}',
    '\u{202e}',
    '\u{2060}',
    '\u{2064}',
    '\u{2066}',
    '\u{2069}',
    '\u{feff}',
    '\u{e0041}',
    '\u{e0100}',
    '\r',
];

/// The beginning of a line that a text tries to add.
const FORGED: &str = "forged line";

/// A text with each of them, and a line of its own.
fn hostile_text() -> String {
    let letters: String = HARMFUL.iter().collect();
    format!("\u{1b}[2Jx{letters}y\n{FORGED}")
}

/// Texts with each of them that are too short to be redacted as a text of the input.
fn short_texts() -> Vec<String> {
    let mut texts = vec![String::from("x")];
    for letter in HARMFUL {
        let last = texts.last_mut().expect("a text");
        if last.len() + letter.len_utf8() > 11 {
            texts.push(format!("x{letter}"));
        } else {
            last.push(letter);
        }
    }
    texts
}

/// Asserts that nothing harmful is printed, and that `--json` prints JSON.
#[track_caller]
fn is_clean(outcome: &Outcome, arguments: &[&str]) {
    for text in [&outcome.stdout, &outcome.stderr] {
        let found = text.chars().find(|letter| {
            HARMFUL.contains(letter) || is_harmful(*letter) && !matches!(letter, '\n' | '\t')
        });
        assert_eq!(found, None, "{arguments:?}: {text:?}");
        let forged = text
            .lines()
            .find(|line| line.trim_start().starts_with(FORGED));
        assert_eq!(forged, None, "{arguments:?}: {text:?}");
    }
    if arguments.contains(&"--json") {
        outcome.json();
    }
}

/// Runs a command without and with `--json`. Returns the outcome with `--json`.
#[track_caller]
fn run_both(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let outcome = sandbox.run(arguments);
    is_clean(&outcome, arguments);
    let arguments = [&["--json"] as &[&str], arguments].concat();
    let outcome = sandbox.run(&arguments);
    is_clean(&outcome, &arguments);
    outcome
}

fn provider() -> Server {
    Server::start(Script::from([(
        "POST /v1/jobs".into(),
        vec![Reply::json(200, json!({}))],
    )]))
}

#[test]
fn texts_of_a_packs_catalog_are_printed_without_harmful_characters() {
    let bad = hostile_text();
    let schema = json!({"type": "object", "properties": {&bad: {"enum": [&bad]}}});
    let listings = [
        json!({"name": &bad, "title": &bad}),
        json!({"title": "t", "schema": schema.to_string()}),
    ];
    for listing in listings {
        let component = hostile_listing(&listing);
        let sandbox = sandbox_with(&component, &provider());
        let name = listing["name"].as_str().unwrap_or("hostile");
        for more in [
            &["nodes"] as &[&str],
            &["nodes", name],
            &["nodes", name, "--schema", "input"],
            &["nodes", name, "--schema", "output"],
            &["nodes", name, "--schema", "form"],
            &["check", name, "--input", "absent.json"],
        ] {
            let arguments = [&["--component", "hostile.wasm"] as &[&str], more].concat();
            run_both(&sandbox, &arguments);
        }
        let listed = ["--json", "--component", "hostile.wasm", "nodes"];
        assert_eq!(sandbox.run(listed).json()[0]["name"], name);
    }
}

#[test]
fn texts_of_a_packs_check_are_printed_without_harmful_characters() {
    let bad = hostile_text();
    let sandbox = sandbox_with(hostile(), &provider());
    let arguments = [
        "--component",
        "hostile.wasm",
        "check",
        "hostile",
        "--input",
        "input.json",
    ];
    let input = json!({"prompt": &bad, &bad: [&bad]});
    let plan = json!({"plan": {
        "input": input.to_string(), "notes": 2, "note": &bad, "estimate": ["1", &bad],
        "request": json!({"method": "POST", "url": &bad, "headers": {}, "body": &bad}).to_string(),
    }});
    sandbox.write("input.json", json!({"check": {"then": plan}}).to_string());
    let planned = run_both(&sandbox, &arguments).answer();
    assert_eq!(planned["input"], input, "the value is unchanged");
    for cause in [
        "unsupported",
        "invalid_input",
        "rejected",
        "denied",
        "outcome_unknown",
    ] {
        for violations in [1, 3] {
            let error = json!({"cause": cause, "message": &bad, "violations": violations});
            let check = json!({"check": {"then": {"error": error}}});
            sandbox.write("input.json", check.to_string());
            run_both(&sandbox, &arguments);
            let lines = [&arguments[..4], &["--jsonl", "--input", "input.json"]].concat();
            is_clean(&sandbox.run(&lines), &lines);
        }
    }
}

#[test]
fn texts_of_a_job_are_printed_without_harmful_characters() {
    for (number, bad) in short_texts().iter().enumerate() {
        let sandbox = sandbox_with(hostile(), &provider());
        let text = json!({"repeat": bad, "times": 1});
        let output = json!({"text": bad});
        let then = match number % 4 {
            0 => json!({"fail": {"message": text, "code": text}}),
            1 => json!({"error": {"cause": "rejected", "message": text, "charge": "unknown"}}),
            2 => json!({"succeed": {"output": output.to_string()}}),
            _ => json!({"wait": {"message": text}}),
        };
        let ticket = json!({"poll": {"then": then}}).to_string();
        let accept = json!({"ticket": ticket, "id": text, "cost": ["1", text]});
        let submit = json!([{"request": {"body": {"text": "{}"}}}]);
        let start = json!({"start": {"do": submit, "then": {"accept": accept}}});
        sandbox.write("input.json", start.to_string());
        let arguments = [
            "--component",
            "hostile.wasm",
            "run",
            "hostile",
            "--input",
            "input.json",
        ];
        for (out, more) in [("a.mp4", &[] as &[&str]), ("b.mp4", &["--json"])] {
            let arguments = [more, &arguments, &["--out", out, "--deadline", "3s"]].concat();
            is_clean(&sandbox.run(&arguments), &arguments);
        }
        run_both(&sandbox, &["jobs"]);
        let jobs = sandbox.jobs();
        let id = jobs[0]["id"].as_str().expect("an id");
        let shown = run_both(&sandbox, &["jobs", "show", id, "--input"]);
        if number % 4 == 2 {
            let shown = shown.json();
            assert_eq!(shown["output"], output, "the value is unchanged: {shown}");
        }
    }
}

#[test]
fn texts_of_a_provider_are_printed_and_logged_without_harmful_characters() {
    let bad = hostile_text();
    let refused = json!({"error": {"code": &bad, "message": &bad}});
    let job = |id: &str, status: &str| {
        let error = json!({"code": &bad, "message": &bad});
        Reply::json(
            200,
            json!({"id": id, "status": status, "message": &bad, "error": error}),
        )
    };
    for (submit, poll) in [
        (Reply::json(422, refused.clone()), None),
        (
            Reply::text(500, &format!("<html><title>{bad}</title>")),
            None,
        ),
        (Reply::json(200, json!([&bad])), None),
        (job(&bad, "queued"), None),
        (job("j-1", "queued"), Some(job("j-1", "failed"))),
        (job("j-1", "queued"), Some(job("j-1", &bad))),
        (
            job("j-1", "queued"),
            Some(Reply::json(403, refused.clone())),
        ),
    ] {
        let polled = poll.map(|reply| ("GET /v1/jobs/j-1".into(), vec![reply]));
        let submitted = ("POST /v1/jobs".into(), vec![submit]);
        let server = Server::start(polled.into_iter().chain([submitted]).collect());
        let sandbox = Sandbox::with_provider(&server);
        let input = json!({"prompt": "p", "image": "https://p.example/a.png"});
        sandbox.write("input.json", input.to_string());
        let run = [
            "run",
            "image_to_video_v3",
            "--input",
            "input.json",
            "--out",
            "a.mp4",
        ];
        for more in [
            &[] as &[&str],
            &["--json"],
            &["--log-format", "json"],
            &["--json", "--log-format", "json"],
        ] {
            let arguments = [more, &run, &["--deadline", "1s"]].concat();
            let mut command = sandbox.command(&arguments);
            command.env("ZOETROPE_LOG", "zoetrope_host=trace,zoetrope=trace");
            is_clean(&sandbox.start(command).end(), &arguments);
        }
        run_both(&sandbox, &["jobs"]);
    }
}
