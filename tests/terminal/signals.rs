//! Signals before, during and after a submit.

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;

#[cfg(target_os = "linux")]
use super::process::wait_until_caught;
use super::process::{Process, by_shell};
use crate::support::cases::accepted;
use crate::support::provider::{Reply, Script};
use crate::support::sandbox::Running;
use crate::support::slow_server::{
    CANCEL, POLL, RUN, SUBMIT, end_the_job, is_resumable, slow_provider,
};

const CLIP: &str = "GET /clips/1.mp4";

/// The signals that ask a process to end.
const ENDING: [Signal; 2] = [Signal::HUP, Signal::TERM];

/// Signals without a meaning for the program, which would kill it.
const OTHERS: &[Signal] = &[
    Signal::USR1,
    Signal::USR2,
    Signal::ALARM,
    Signal::VTALARM,
    Signal::PROF,
    Signal::XCPU,
    #[cfg(target_os = "linux")]
    Signal::IO,
    #[cfg(target_os = "linux")]
    Signal::POWER,
];

/// The terminal and the shell may both send it.
fn send_repeatedly(running: &mut Running<'_>, signal: Signal) {
    running.send(signal);
    while !running.error_line().starts_with("Ending") {}
    running.send(signal);
    running.send(signal);
}

#[test]
fn signal_that_would_kill_during_a_submit_waits_for_its_reply() {
    for signal in ENDING.iter().chain(OTHERS).copied() {
        let (provider, sandbox) = slow_provider();
        provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
        let mut running = sandbox.start(sandbox.command(RUN));
        provider.wait_for(SUBMIT, 1);
        send_repeatedly(&mut running, signal);
        provider.release(&accepted());
        let outcome = running.end();
        assert_eq!(outcome.code, 9, "{signal:?}");
        is_resumable(&provider, &sandbox, &outcome.error("interrupted"));
        assert!(!provider.counts().contains_key(CANCEL), "{signal:?}");
    }
}

#[test]
fn closed_terminal_while_the_provider_works_ends_resumably() {
    for signal in ENDING {
        let (provider, sandbox) = slow_provider();
        let running = sandbox.start(sandbox.command(RUN));
        provider.wait_for(POLL, 1);
        running.send(signal);
        let outcome = running.end();
        assert_eq!(outcome.code, 9, "{signal:?}");
        is_resumable(&provider, &sandbox, &outcome.error("interrupted"));
        assert!(!provider.counts().contains_key(CANCEL), "{signal:?}");
    }
}

#[test]
fn closed_terminal_during_a_download_keeps_the_result() {
    for signal in ENDING {
        let (provider, sandbox) = slow_provider();
        provider.script(Script::from([(CLIP.into(), vec![Reply::hang()])]));
        end_the_job(&provider);
        let running = sandbox.start(sandbox.command(RUN));
        provider.wait_for(CLIP, 1);
        running.send(signal);
        let outcome = running.end();
        assert_eq!(outcome.code, 9, "{outcome:?}");
        assert_eq!(outcome.json()["error"]["charged"], "yes", "{outcome:?}");
        provider.script(Script::from([(CLIP.into(), vec![Reply::clip()])]));
        let answer = sandbox.run(["--json", "jobs", "resume", "--all"]).answer();
        assert_eq!(answer["summary"]["finalized"], 1, "{answer}");
        assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
    }
}

#[test]
fn closed_terminal_submits_no_further_job_of_a_batch() {
    let (provider, sandbox) = slow_provider();
    let throttled = Reply::json(429, json!({"error": "later"}));
    provider.script(Script::from([(SUBMIT.into(), vec![throttled])]));
    let line = json!({"prompt": "p", "image": "https://p.example/a.png"});
    sandbox.write("lines.jsonl", format!("{line}\n{line}\n"));
    let batch = ["run", "image_to_video_v3", "--batch", "lines.jsonl"];
    let arguments = ["--json"].iter().chain(&batch);
    let arguments = arguments.chain(&["--out-dir", "clips"]);
    let mut running = sandbox.start(sandbox.command(arguments));
    provider.wait_for(SUBMIT, 1);
    send_repeatedly(&mut running, Signal::HUP);
    let outcome = running.end();
    assert_eq!(outcome.code, 9, "{outcome:?}");
    let states: Vec<_> = sandbox
        .jobs()
        .iter()
        .map(|job| job["state"].clone())
        .collect();
    assert_eq!(states, ["queued", "queued"]);
}

#[test]
fn ignored_hangup_stays_ignored() {
    let (provider, sandbox) = slow_provider();
    let mut command = by_shell(&sandbox, RUN, "trap '' HUP; exec \"$0\" \"$@\"");
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let process = Process::start(command);
    provider.wait_for(POLL, 1);
    process.send(Signal::HUP);
    provider.wait_for(POLL, provider.counts()[POLL] + 2);
    end_the_job(&provider);
    let (code, answer) = process.output();
    assert_eq!(code, 0, "{answer}");
    assert!(sandbox.path("clip.mp4").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn signal_before_anything_is_sent_is_reported_with_its_exit_code() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let (provider, sandbox) = slow_provider();
        let run = RUN.map(|word| if word == "input.json" { "-" } else { word });
        let mut command = sandbox.command(run);
        command.stdin(Stdio::piped());
        let mut running = sandbox.start(command);
        // The command waits for its input.
        let input = running.stdin();
        wait_until_caught(running.id(), signal);
        running.send(signal);
        let outcome = running.end();
        drop(input);
        assert_eq!(outcome.code, 9, "{outcome:?}");
        assert_eq!(outcome.error("interrupted")["charged"], "no");
        assert!(provider.arrived().is_empty(), "{signal:?}");
    }
}

#[test]
fn ctrl_c_after_a_request_to_end_ends_at_once() {
    let (provider, sandbox) = slow_provider();
    provider.script(Script::from([(SUBMIT.into(), vec![Reply::hang()])]));
    let mut running = sandbox.start(sandbox.command(RUN));
    provider.wait_for(SUBMIT, 1);
    running.send(Signal::HUP);
    while !running.error_line().starts_with("Ending") {}
    running.send(Signal::INT);
    let outcome = running.end();
    let error = outcome.json()["error"].take();
    assert_eq!(error["charged"], "unknown", "{outcome:?}");
    assert!(!provider.counts().contains_key(CANCEL));
}
