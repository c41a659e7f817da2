//! Hostile components under the command line: the kind of error, the exit code, the charge and the
//! job's row.

use std::ffi::OsString;
use std::sync::OnceLock;

use serde_json::{Value, json};
use zoetrope_host::sanitize::is_harmful;

use super::Family;
use super::fixture::NODE;
use crate::support::cases::accepted;
use crate::support::guests::allowing;
use crate::support::hostile::{hostile, hostile_listing};
use crate::support::outcome::Outcome;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;

/// The number of concurrent calls of a driver and of instances.
const CALLS: usize = 64;

const ESCAPES: &str = "done\u{1b}[2J\u{1b}]52;c;cm0gLXJm\u{7}\u{9b}31m\r\n\u{202e}txt";

/// A sandbox, a provider and the hostile component.
struct CliFixture {
    sandbox: Sandbox,
    provider: Server,
}

impl CliFixture {
    fn new() -> Self {
        // The code cache, compiled once for all attacks: name and content of each file.
        static CODE: OnceLock<Vec<(OsString, Vec<u8>)>> = OnceLock::new();
        let fixture = Self::with_component(hostile());
        let folder = fixture.sandbox.data_dir().join("code");
        let code = CODE.get_or_init(|| {
            let listed = fixture
                .sandbox
                .run(["nodes", "--component", "hostile.wasm"]);
            assert_eq!(listed.code, 0, "{listed:?}");
            let files = std::fs::read_dir(&folder).expect("compiled code").flatten();
            files
                .map(|file| {
                    (
                        file.file_name(),
                        std::fs::read(file.path()).expect("a file"),
                    )
                })
                .collect()
        });
        for (name, content) in code {
            std::fs::write(folder.join(name), content).expect("a file");
        }
        fixture
    }

    fn with_component(component: &[u8]) -> Self {
        let provider = Server::start(Script::from([
            ("POST /v1/jobs".into(), vec![Reply::json(200, json!({}))]),
            ("GET /clips/1.mp4".into(), vec![Reply::clip()]),
        ]));
        Self::over(provider, component, "")
    }

    fn over(provider: Server, component: &[u8], more: &str) -> Self {
        let sandbox = Sandbox::new();
        sandbox.configure(&format!(
            "{}{}",
            provider.connection(more),
            allowing(component)
        ));
        sandbox.write("hostile.wasm", component);
        Self { sandbox, provider }
    }

    /// Runs the component with these instructions, with or without `--json`.
    fn run(&self, instructions: &Value, json: bool) -> Outcome {
        self.run_for("20s", instructions, json)
    }

    /// The same with this deadline.
    fn run_for(&self, deadline: &str, instructions: &Value, json: bool) -> Outcome {
        self.sandbox.write("input.json", instructions.to_string());
        let format: &[&str] = if json { &["--json"] } else { &[] };
        let arguments = [
            "run",
            NODE,
            "--component",
            "hostile.wasm",
            "--input",
            "input.json",
        ];
        let rest = ["--out", "clip.mp4", "--deadline", deadline];
        self.sandbox
            .run(format.iter().chain(&arguments).chain(&rest))
    }

    fn submits(&self) -> usize {
        self.provider
            .counts()
            .get("POST /v1/jobs")
            .copied()
            .unwrap_or(0)
    }

    fn ledger_size(&self) -> u64 {
        let files = ["ledger.sqlite3", "ledger.sqlite3-wal"];
        let sizes = files.map(|name| {
            let file = std::fs::metadata(self.sandbox.data_dir().join(name));
            file.map_or(0, |file| file.len())
        });
        sizes.iter().sum()
    }

    /// Asserts the error of the run and the state of its one row.
    #[track_caller]
    fn failed(&self, outcome: &Outcome, kind: &str, charged: &str, state: &str) {
        let error = outcome.error(kind);
        assert_eq!(error["charged"], charged, "{error}");
        let jobs = self.sandbox.jobs();
        let rows: Vec<_> = jobs
            .iter()
            .map(|job| (job["state"].as_str(), job["charged"].as_str()))
            .collect();
        assert_eq!(rows, [(Some(state), Some(charged))], "{jobs:?}");
        assert!(!self.sandbox.path("clip.mp4").exists());
    }
}

fn submits() -> Value {
    json!([{"request": {"body": {"text": "{}"}}}])
}

pub(super) fn family() -> Family {
    let mut family = Family::new("jobs");
    stopped(&mut family);
    slow(&mut family);
    answered(&mut family);
    shown(&mut family);
    family
}

fn stopped(family: &mut Family) {
    for (what, action) in [
        ("recurse", json!("recurse")),
        ("allocate", json!("allocate")),
        ("exit", json!({"exit": 0})),
        ("leak", json!({"leak": {"what": "fields", "count": 10_000}})),
    ] {
        family.attack(format!("{what} in the poll of a paid job"), move || {
            let fixture = CliFixture::new();
            let instructions = json!({"start": {"do": submits()}, "poll": {"do": [action]}});
            let outcome = fixture.run(&instructions, true);
            fixture.failed(&outcome, "component_trap", "unknown", "started");
            assert_eq!((outcome.code, fixture.submits()), (1, 1));
        });
    }
    ended_around_the_submit(family);
    beside_a_good_one(family);
}

/// Components that exit before or after the submit.
fn ended_around_the_submit(family: &mut Family) {
    family.attack("exit after the submit", || {
        let fixture = CliFixture::new();
        let mut actions = submits();
        actions
            .as_array_mut()
            .expect("actions")
            .push(json!({"exit": 0}));
        let outcome = fixture.run(&json!({"start": {"do": actions}}), true);
        fixture.failed(&outcome, "outcome_unknown", "unknown", "outcome_unknown");
        assert_eq!((outcome.code, fixture.submits()), (8, 1));
    });
    family.attack("exit before the submit", || {
        let fixture = CliFixture::new();
        let outcome = fixture.run(&json!({"start": {"do": [{"exit": 0}]}}), true);
        assert_eq!(outcome.error("component_trap")["charged"], "no");
        assert_eq!((outcome.code, fixture.submits()), (1, 0));
    });
}

/// A component that aborts some jobs of a batch.
fn beside_a_good_one(family: &mut Family) {
    family.attack("abort beside a job that succeeds", || {
        let fixture = CliFixture::new();
        let clip = format!("{}/clips/1.mp4", fixture.provider.url());
        let succeed = json!({"succeed": {"output": "{}", "media": 1, "url": clip}});
        let bad = json!({"start": {"do": submits()}, "poll": {"do": ["abort"]}});
        let good = json!({"start": {"do": submits()}, "poll": {"then": succeed}});
        fixture
            .sandbox
            .write("lines.jsonl", format!("{bad}\n{good}\n{bad}\n"));
        let outcome = fixture.sandbox.run([
            "--json",
            "run",
            NODE,
            "--component",
            "hostile.wasm",
            "--batch",
            "lines.jsonl",
            "--out-dir",
            "clips",
            "--deadline",
            "20s",
        ]);
        assert_eq!(outcome.code, 1, "{outcome:?}");
        let states: Vec<_> = fixture
            .sandbox
            .jobs()
            .iter()
            .map(|job| job["state"].clone())
            .collect();
        assert_eq!(states, ["started", "succeeded", "started"]);
    });
}

/// Components that sleep.
fn slow(family: &mut Family) {
    family.attack("sleep in every permitted call", || {
        let ended = json!({"status": "succeeded", "output": {"video": "{provider}/clips/1.mp4"}});
        let provider = Server::start(Script::from([
            ("POST /v1/jobs".into(), vec![accepted()]),
            ("GET /asleep".into(), vec![Reply::json(200, json!({}))]),
            ("GET /v1/jobs/j-1".into(), vec![Reply::json(200, ended)]),
            ("GET /clips/1.mp4".into(), vec![Reply::clip()]),
        ]));
        let fixture = CliFixture::over(provider, hostile(), "requests_per_second = 10000");
        let sleep = json!([
            {"request": {"method": "GET", "url": "{base}/asleep"}},
            {"sleep_ms": 3_600_000},
        ]);
        let sleeping = json!({"start": {"do": submits()}, "poll": {"do": sleep}});
        let lines = format!("{sleeping}\n").repeat(CALLS);
        fixture.sandbox.write("lines.jsonl", lines);
        let batch = [
            "run",
            NODE,
            "--component",
            "hostile.wasm",
            "--batch",
            "lines.jsonl",
        ];
        let rest = ["--out-dir", "clips", "--key", "asleep"];
        let slow = fixture
            .sandbox
            .start(fixture.sandbox.command(batch.iter().chain(&rest)));
        fixture.provider.wait_for("GET /asleep", CALLS * 3 / 4);

        let good = fixture.sandbox.run([
            "run",
            "image_to_video_v3",
            "--set",
            "prompt=waves",
            "--set",
            "image=https://p.example/a.png",
            "--out",
            "clip.mp4",
            "--json",
        ]);
        good.answer();
        assert!(fixture.sandbox.path("clip.mp4").is_file());
        // The good job ended before the time limit stopped the sleeping calls.
        let others = fixture.sandbox.jobs().into_iter();
        let stopped = others.filter(|job| job["node"] == NODE && !job["error"].is_null());
        assert_eq!(stopped.count(), 0);
        slow.kill();
    });
}

fn answered(family: &mut Family) {
    family.attack("a ticket of 50 MB for a paid job", || {
        let fixture = CliFixture::new();
        let ticket = json!({"repeat": "xxxxxxxxxx", "times": 5_000_000});
        let accept = json!({"accept": {"ticket": ticket, "id": "j-1"}});
        let outcome = fixture.run(&json!({"start": {"do": submits(), "then": accept}}), true);
        fixture.failed(&outcome, "outcome_unknown", "unknown", "outcome_unknown");
        assert!(fixture.ledger_size() < 1 << 20);
    });
    family.attack("an error of 10 MB", || {
        let fixture = CliFixture::new();
        let words = json!({"repeat": "xxxxxxxxxx", "times": 1_000_000});
        let error = json!({"error": {"cause": "rejected", "message": words}});
        let outcome = fixture.run(&json!({"start": {"do": submits(), "then": error}}), true);
        assert!(
            outcome.stdout.len() < 16 << 10,
            "{} bytes",
            outcome.stdout.len()
        );
        assert!(fixture.ledger_size() < 1 << 20);
    });
    for url in [
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data/",
    ] {
        family.attack(format!("a clip at {url}"), move || {
            let fixture = CliFixture::new();
            let succeed = json!({"succeed": {"output": "{}", "media": 1, "url": url, "needs_credential": true}});
            // A poll for another URL has the same answer.
            let instructions = json!({"start": {"do": submits(), "then": succeed}, "poll": {"then": succeed}});
            let outcome = fixture.run_for("1s", &instructions, true);
            fixture.failed(&outcome, "download_failed", "yes", "succeeded");
        });
    }
    family.attack("a success without JSON and without a clip", || {
        let fixture = CliFixture::new();
        let succeed = json!({"succeed": {"output": "}{ no JSON"}});
        let instructions = json!({"start": {"do": submits()}, "poll": {"then": succeed}});
        let outcome = fixture.run(&instructions, true);
        fixture.failed(&outcome, "download_failed", "yes", "succeeded");
    });
    family.attack(
        "a poll delay of u64::MAX, with progress that is not a number",
        || {
            let fixture = CliFixture::new();
            let wait = json!({"wait": {"fraction": "NaN", "poll_after_ms": u64::MAX}});
            let instructions = json!({"start": {"do": submits()}, "poll": {"then": wait}});
            let outcome = fixture.run_for("1s", &instructions, true);
            fixture.failed(&outcome, "deadline", "unknown", "started");
            assert!(!outcome.stderr.contains("NaN"), "{outcome:?}");
        },
    );
}

fn shown(family: &mut Family) {
    family.attack("terminal escapes in run, jobs and jobs show", || {
        let fixture = CliFixture::new();
        let plan = |instructions: &Value| {
            json!({"plan": {"input": instructions.to_string(), "notes": 2, "note": ESCAPES}})
        };
        let accept = |ticket: &Value| json!({"accept": {"ticket": ticket.to_string(), "id": ESCAPES}});
        let ticket = json!({"poll": {"then": {"fail": {"message": ESCAPES, "code": ESCAPES}}}});
        let instructions = json!({"start": {"do": submits(), "then": accept(&ticket)}});
        let outcome = fixture.run(&json!({"check": {"then": plan(&instructions)}}), false);
        assert_eq!(outcome.code, 7, "{outcome:?}");
        is_harmless(&outcome);
        assert!(outcome.stderr.contains("Defaults used: "), "{outcome:?}");
        let id = fixture.sandbox.jobs()[0]["id"].as_str().expect("an id").to_owned();
        for command in [vec!["jobs"], vec!["jobs", "show", &id]] {
            let outcome = fixture.sandbox.run(command);
            // The provider's message is in the input too, and so it is redacted.
            assert!(outcome.stdout.contains("[…]"), "{outcome:?}");
            is_harmless(&outcome);
        }
    });
    family.attack("terminal escapes in the list of nodes", || {
        let fixture = CliFixture::with_component(&hostile_listing(&json!({"title": ESCAPES})));
        for command in [vec!["nodes"], vec!["nodes", NODE]] {
            let outcome = fixture
                .sandbox
                .run([&command[..], &["--component", "hostile.wasm"]].concat());
            assert!(outcome.stdout.contains("done"), "{outcome:?}");
            is_harmless(&outcome);
        }
    });
    family.attack("30 MB of output, logged", || {
        let fixture = CliFixture::new();
        let print = json!({"print": {"bytes": 30_000_000, "text": ESCAPES}});
        fixture
            .sandbox
            .write("input.json", json!({"check": {"do": [print]}}).to_string());
        let arguments = [
            "check",
            NODE,
            "--component",
            "hostile.wasm",
            "--input",
            "input.json",
        ];
        let mut command = fixture.sandbox.command(arguments);
        // The compiler's own debug logs are long.
        let levels = "debug,cranelift_codegen=warn,wasmtime_internal_cranelift=warn";
        command.env("ZOETROPE_LOG", levels).env("NO_COLOR", "1");
        let outcome = fixture.sandbox.start(command).end();
        assert_eq!(outcome.code, 0, "{outcome:?}");
        assert!(
            outcome.stderr.len() < 128 << 10,
            "{} bytes",
            outcome.stderr.len()
        );
        is_harmless(&outcome);
    });
}

/// Asserts that the output has no control characters but line breaks and tabs.
#[track_caller]
fn is_harmless(outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        let acts = |letter: char| is_harmful(letter) && !matches!(letter, '\n' | '\t');
        assert!(!text.contains(acts), "{text:?}");
    }
}
