//! What is said of money does not depend on whether standard output takes the answer: each command that
//! may have a job, with an answer that is read, a full device and a closed pipe.

use std::fs::File;
use std::process::Stdio;

use serde_json::{Value, json};

use super::process::{Process, closed_pipe, read};
use crate::support::cases::accepted;
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{CANCEL, POLL, RUN, SUBMIT, slow_provider};

/// A command, and what happened before it.
struct Case {
    name: &'static str,
    /// Brings the provider and the ledger into the state before the command.
    before: fn(&Server, &Sandbox),
    /// The command; `ID` is the id of the job.
    command: &'static [&'static str],
    /// The part of the command that goes on; `ID` as before.
    goes_on: &'static str,
}

const RUN_ONE: &[&str] = &RUN;

const CASES: [Case; 13] = [
    Case {
        name: "run",
        before: ended,
        command: RUN_ONE,
        goes_on: "zoetrope jobs show ID",
    },
    Case {
        name: "run that fails",
        before: failed,
        command: RUN_ONE,
        goes_on: "zoetrope jobs retry ID",
    },
    Case {
        name: "run with an unknown outcome",
        before: unknown,
        command: RUN_ONE,
        goes_on: "zoetrope jobs resolve ID",
    },
    Case {
        name: "run to its deadline",
        before: nothing,
        command: &[
            "--json",
            "run",
            "image_to_video_v3",
            "--input",
            "input.json",
            "--deadline",
            "500ms",
        ],
        goes_on: "zoetrope jobs resume ID",
    },
    Case {
        name: "run --detach",
        before: nothing,
        command: &[
            "--json",
            "run",
            "image_to_video_v3",
            "--input",
            "input.json",
            "--detach",
        ],
        goes_on: "zoetrope jobs resume ID",
    },
    Case {
        name: "run --batch",
        before: ended,
        command: &[
            "--json",
            "run",
            "image_to_video_v3",
            "--batch",
            "input.json",
            "--out-dir",
            "clips",
            "--key",
            "june",
        ],
        goes_on: "--key june",
    },
    Case {
        name: "jobs resume",
        before: accepted_then_ended,
        command: &["--json", "jobs", "resume", "ID"],
        goes_on: "zoetrope jobs show ID",
    },
    Case {
        name: "jobs resume --all",
        before: accepted_then_ended,
        command: &["--json", "jobs", "resume", "--all"],
        goes_on: "zoetrope jobs",
    },
    Case {
        name: "jobs retry",
        before: failed_then_ended,
        command: &["--json", "jobs", "retry", "ID"],
        goes_on: "zoetrope jobs show ID",
    },
    Case {
        name: "jobs cancel",
        before: accepted_then_cancelled,
        command: &["--json", "jobs", "cancel", "ID"],
        goes_on: "zoetrope jobs show ID",
    },
    Case {
        name: "jobs fetch",
        before: ended_run,
        command: &["--json", "jobs", "fetch", "ID", "--out", "copy.mp4"],
        goes_on: "zoetrope jobs show ID",
    },
    Case {
        name: "jobs resolve",
        before: unknown_run,
        command: &["--json", "jobs", "resolve", "ID", "--never-started"],
        goes_on: "zoetrope jobs show ID",
    },
    Case {
        name: "jobs show",
        before: ended_run,
        command: &["--json", "jobs", "show", "ID"],
        goes_on: "zoetrope jobs show ID",
    },
];

fn nothing(_: &Server, _: &Sandbox) {}

fn poll(provider: &Server, reply: Value) {
    provider.script(Script::from([(POLL.into(), vec![Reply::json(200, reply)])]));
}

/// The job ends with a clip and a price.
fn ended(provider: &Server, _: &Sandbox) {
    let output = json!({"video": "{provider}/clips/1.mp4"});
    let cost = json!({"amount": "0.48", "unit": "USD"});
    let mut reply = json!({"id": "j-1", "status": "succeeded", "output": output, "charged": true});
    reply["cost"] = cost;
    poll(provider, reply);
}

fn failed(provider: &Server, _: &Sandbox) {
    let reply = json!({"id": "j-1", "status": "failed", "error": "words", "charged": false});
    poll(provider, reply);
}

fn unknown(provider: &Server, _: &Sandbox) {
    let reply = Reply::json(500, json!({"error": {"message": "words"}}));
    provider.script(Script::from([(SUBMIT.into(), vec![reply])]));
}

fn run(sandbox: &Sandbox, more: &[&str], code: i32) {
    let outcome = sandbox.run(RUN.iter().chain(more));
    assert_eq!(outcome.code, code, "{outcome:?}");
}

fn accepted_then_ended(provider: &Server, sandbox: &Sandbox) {
    run(sandbox, &["--detach"], 0);
    ended(provider, sandbox);
}

fn accepted_then_cancelled(provider: &Server, sandbox: &Sandbox) {
    run(sandbox, &["--detach"], 0);
    let reply = json!({"id": "j-1", "status": "cancelled", "charged": false});
    poll(provider, reply.clone());
    provider.script(Script::from([(
        CANCEL.into(),
        vec![Reply::json(200, reply)],
    )]));
}

fn failed_then_ended(provider: &Server, sandbox: &Sandbox) {
    failed(provider, sandbox);
    run(sandbox, &[], 7);
    provider.script(Script::from([(SUBMIT.into(), vec![accepted()])]));
    ended(provider, sandbox);
}

fn ended_run(provider: &Server, sandbox: &Sandbox) {
    ended(provider, sandbox);
    run(sandbox, &[], 0);
}

fn unknown_run(provider: &Server, sandbox: &Sandbox) {
    unknown(provider, sandbox);
    run(sandbox, &[], 8);
}

impl Case {
    /// The provider and the sandbox before the command, and the command.
    fn ready(&self) -> (Server, Sandbox, Vec<String>) {
        let (provider, sandbox) = slow_provider();
        (self.before)(&provider, &sandbox);
        let id = if self.command.contains(&"ID") {
            sandbox.jobs()[0]["id"].as_str().expect("an id").to_owned()
        } else {
            String::new()
        };
        let command = self.command.iter().map(|word| word.replace("ID", &id));
        let command = command.collect();
        (provider, sandbox, command)
    }
}

/// The charge and the cost in an answer, an error or an entry of an answer about many jobs.
fn money(answer: &Value) -> (String, Value) {
    let place = match answer.get("jobs") {
        Some(jobs) => &jobs[0],
        None if answer["charged"].is_string() => answer,
        None => &answer["error"],
    };
    let charged = place["charged"].as_str();
    let charged = charged.unwrap_or_else(|| panic!("no charge: {answer}"));
    (charged.to_owned(), place["cost"].clone())
}

#[test]
fn money_facts_are_the_same_whether_or_not_an_answer_can_be_written() {
    for case in &CASES {
        let name = case.name;
        let (_provider, sandbox, command) = case.ready();
        let outcome = sandbox.run(&command);
        let (charged, cost) = money(&outcome.json());
        // JSON for the one and text for the other: both end in the same text on standard error.
        for (kind, first) in [("full device", 0), ("closed pipe", 1)] {
            let stream = match File::options().write(true).open("/dev/full") {
                Ok(device) if kind == "full device" => Stdio::from(device),
                _ => closed_pipe(),
            };
            let (provider, sandbox, command) = case.ready();
            let submits = provider.counts().get(SUBMIT).copied().unwrap_or_default();
            let mut command = sandbox.command(&command[first..]);
            let (errors, stderr) = std::io::pipe().expect("a pipe");
            command.stdout(stream).stderr(stderr);
            let process = Process::start(command);
            let said = read(errors);
            let code = process.code();
            let said = said.join().expect("the reader");
            let shown = format!("{name}, {kind}: {said}");
            let jobs = sandbox.jobs();
            let id = jobs[0]["id"].as_str().expect("an id");
            // A reader of a list may stop: `jobs show ID | head`.
            if name == "jobs show" && kind == "closed pipe" {
                assert_eq!(code, 0, "{shown}");
                continue;
            }
            // `/dev/full` is Linux's.
            let is_full = kind == "full device" && cfg!(target_os = "linux");
            let expected = match outcome.code {
                0 if is_full => 1,
                code => code,
            };
            assert_eq!(code, expected, "{shown}");
            assert_eq!(jobs[0]["charged"], charged.as_str(), "{shown}");
            assert!(said.contains(&format!("charged: {charged}")), "{shown}");
            if let Some(amount) = cost["amount"].as_str() {
                // The error of a failed job has no line of its own for it.
                assert!(outcome.code != 0 || said.contains(amount), "{shown}");
            }
            assert!(said.contains(id) || said.contains("june"), "{shown}");
            let goes_on = case.goes_on.replace("ID", id);
            assert!(said.contains(&goes_on), "{shown}");
            for wrong in ["nothing was spent", "the same command again"] {
                assert!(!said.contains(wrong), "{shown}");
            }
            let again = provider.counts().get(SUBMIT).copied().unwrap_or_default();
            let bought = usize::from(submits == 0 || name == "jobs retry");
            assert_eq!(again - submits, bought, "{shown}");
            if jobs[0]["state"] == "succeeded" {
                let file = jobs[0]["file"].as_str().expect("a file");
                let named = if name == "jobs fetch" {
                    "copy.mp4"
                } else {
                    file
                };
                assert!(said.contains(named), "{shown}");
            }
        }
    }
}
