//! Standard output and standard error that are closed, full or not read.

use std::fs::File;
use std::io::PipeReader;
use std::process::{Command, Stdio};

#[cfg(target_os = "linux")]
use rustix::process::Signal;
use serde_json::json;

use super::process::{Process, by_shell, closed_pipe, full_pipe, read};
use crate::support::provider::{Reply, Script, Server};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{POLL, RUN, SUBMIT, end_the_job, slow_provider};

/// Kinds of streams that take nothing.
const KINDS: [&str; 4] = ["closed", "closed pipe", "full device", "not read"];

/// Logs of everything, so that standard error has much to take.
const LOGS: (&str, &str) = ("ZOETROPE_LOG", "trace");

/// A stream of this kind, other than a closed descriptor, and what must be kept meanwhile.
fn stream(kind: &str) -> (Option<PipeReader>, Stdio) {
    match kind {
        "closed pipe" => (None, closed_pipe()),
        "full device" => {
            let device = File::options().write(true).open("/dev/full");
            (None, device.map_or_else(|_| closed_pipe(), Stdio::from))
        }
        "not read" => {
            let (reader, stream) = full_pipe();
            (Some(reader), stream)
        }
        _ => (None, Stdio::null()),
    }
}

/// The run, with the descriptor closed if the kind says so.
fn run(sandbox: &Sandbox, arguments: &[&str], kind: &str, descriptor: &str) -> Command {
    let closed = if kind == "closed" {
        format!(" {descriptor}>&-")
    } else {
        String::new()
    };
    let script = format!("exec \"$0\" \"$@\"{closed}");
    by_shell(sandbox, arguments.iter().copied(), &script)
}

fn ready() -> (Server, Sandbox) {
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    (provider, sandbox)
}

#[track_caller]
fn is_bought_once(provider: &Server, sandbox: &Sandbox, kind: &str) {
    assert!(sandbox.path("clip.mp4").is_file(), "{kind}");
    assert_eq!(provider.counts()[SUBMIT], 1, "{kind}");
    assert_eq!(sandbox.jobs()[0]["state"], "succeeded", "{kind}");
}

#[test]
fn standard_error_that_takes_nothing_neither_ends_nor_holds_up_a_job() {
    for format in ["text", "json"] {
        for kind in KINDS {
            let (provider, sandbox) = ready();
            let arguments: Vec<_> = RUN.into_iter().chain(["--log-format", format]).collect();
            let (_kept, errors) = stream(kind);
            let mut command = run(&sandbox, &arguments, kind, "2");
            command
                .stdout(Stdio::piped())
                .stderr(errors)
                .env(LOGS.0, LOGS.1);
            let (code, answer) = Process::start(command).output();
            assert_eq!(code, 0, "{kind}: {answer}");
            let answer: serde_json::Value = answer.parse().expect("JSON");
            assert_eq!(answer["ok"], true, "{kind}");
            is_bought_once(&provider, &sandbox, kind);
        }
    }
}

#[test]
fn process_whose_standard_error_is_not_read_holds_up_no_other_process() {
    let (provider, sandbox) = slow_provider();
    let (_kept, errors) = full_pipe();
    let mut command = sandbox.command(RUN);
    command
        .stdout(Stdio::piped())
        .stderr(errors)
        .env(LOGS.0, LOGS.1);
    let driver = Process::start(command);
    provider.wait_for(POLL, 2);
    // The other process waits for a job that the first one drives.
    let id = sandbox.jobs()[0]["id"].as_str().expect("an id").to_owned();
    let other = sandbox.start(sandbox.command(["--json", "jobs", "resume", &id]));
    provider.wait_for(POLL, provider.counts()[POLL] + 2);
    end_the_job(&provider);
    assert_eq!(other.end().answer()["job"], json!(id));
    let (code, answer) = driver.output();
    assert_eq!(code, 0, "{answer}");
    is_bought_once(&provider, &sandbox, "not read");
}

#[test]
fn dropped_lines_are_counted_once_standard_error_is_read() {
    let (provider, sandbox) = slow_provider();
    // The compiler logs megabytes, and one of them may wait.
    std::fs::remove_dir_all(sandbox.data_dir().join("code")).expect("the compiled code");
    let (reader, errors) = full_pipe();
    let mut command = sandbox.command(RUN);
    command
        .stdout(Stdio::piped())
        .stderr(errors)
        .env(LOGS.0, "cranelift_codegen::machinst::abi=trace");
    let process = Process::start(command);
    provider.wait_for(POLL, 1);
    let text = read(reader);
    provider.wait_for(POLL, provider.counts()[POLL] + 2);
    end_the_job(&provider);
    let (code, answer) = process.output();
    assert_eq!(code, 0, "{answer}");
    let text = text.join().expect("the reader");
    let count = text.lines().find_map(|line| {
        let count = line.strip_prefix("note: ")?;
        count.strip_suffix(" lines were dropped: standard error was full or not read")
    });
    let count = count.and_then(|count| count.parse::<usize>().ok());
    assert!(count.is_some_and(|count| count > 1000), "{count:?}");
    assert!(
        text.contains("accepted by the provider"),
        "messages are kept"
    );
}

#[test]
fn closed_standard_output_keeps_the_exit_code_of_the_job() {
    for json in [true, false] {
        for kind in ["closed", "closed pipe"] {
            let arguments = &RUN[usize::from(!json)..];
            let (provider, sandbox) = ready();
            let mut command = run(&sandbox, arguments, kind, "1");
            command.stdout(stream(kind).1).stderr(Stdio::null());
            // A descriptor that is closed from the start takes no answer; a reader that has left is no error.
            let expected = i32::from(kind == "closed");
            assert_eq!(Process::start(command).code(), expected, "{kind}");
            is_bought_once(&provider, &sandbox, kind);

            let (provider, sandbox) = slow_provider();
            let failed =
                json!({"id": "j-1", "status": "failed", "error": "words", "charged": false});
            provider.script(Script::from([(
                POLL.into(),
                vec![Reply::json(200, failed)],
            )]));
            let mut command = run(&sandbox, arguments, kind, "1");
            command.stdout(stream(kind).1).stderr(Stdio::null());
            assert_eq!(Process::start(command).code(), 7, "{kind}");
        }
    }
}

#[test]
fn standard_output_that_takes_nothing_is_reported_with_the_command_that_shows_the_job() {
    for kind in ["full device", "not read"] {
        let (provider, sandbox) = ready();
        let (_kept, output) = stream(kind);
        let mut command = sandbox.command(&RUN[1..]);
        let (errors, stderr) = std::io::pipe().expect("a pipe");
        command.stdout(output).stderr(stderr);
        let process = Process::start(command);
        let said = read(errors);
        let code = process.code();
        let said = said.join().expect("the reader");
        if kind == "full device" && !said.contains("error: ") {
            println!("skipped: there is no /dev/full");
            continue;
        }
        assert_eq!(code, 1, "{kind}: {said}");
        is_bought_once(&provider, &sandbox, kind);
        let id = sandbox.jobs()[0]["id"].as_str().expect("an id").to_owned();
        assert!(said.contains("charged: yes"), "{kind}: {said}");
        assert!(
            said.contains(&format!("zoetrope jobs show {id}")),
            "{kind}: {said}"
        );
    }
}

#[test]
fn both_streams_not_read_end_with_the_clip_on_disk() {
    let (provider, sandbox) = ready();
    let (kept, output) = full_pipe();
    let (kept_too, errors) = full_pipe();
    let mut command = sandbox.command(RUN);
    command.stdout(output).stderr(errors).env(LOGS.0, LOGS.1);
    let code = Process::start(command).code();
    drop((kept, kept_too));
    assert_eq!(code, 1);
    is_bought_once(&provider, &sandbox, "both");
}

#[test]
fn full_device_without_a_job_names_another_output_as_the_next_step() {
    let sandbox = Sandbox::new();
    for arguments in [["nodes"], ["doctor"], ["practice"], ["--help"]] {
        let mut command = sandbox.command(arguments);
        let (errors, stderr) = std::io::pipe().expect("a pipe");
        let Ok(device) = File::options().write(true).open("/dev/full") else {
            println!("skipped: there is no /dev/full");
            return;
        };
        command.stdout(device).stderr(stderr);
        let process = Process::start(command);
        let said = read(errors);
        assert_eq!(process.code(), 1, "{arguments:?}");
        let said = said.join().expect("the reader");
        assert!(
            said.contains("next: Free disk space, or send standard output elsewhere"),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn help_and_a_plan_whose_reader_has_gone_are_no_errors() {
    let sandbox = Sandbox::new();
    let plan = "run image_to_video_v3 --dry-run --set prompt=p --set image=https://p.example/a.png";
    for line in ["--help", plan] {
        let mut command = sandbox.command(line.split(' '));
        command.stdout(closed_pipe()).stderr(Stdio::null());
        assert_eq!(Process::start(command).code(), 0, "{line}");
    }
}

#[test]
fn change_whose_answer_is_not_written_is_named_as_done() {
    let sandbox = Sandbox::new();
    sandbox.configure("");
    let (errors, stderr) = std::io::pipe().expect("a pipe");
    let Ok(device) = File::options().write(true).open("/dev/full") else {
        println!("skipped: there is no /dev/full");
        return;
    };
    let mut command = sandbox.command_in_folder(["trust", "--json"]);
    command.stdout(device).stderr(stderr);
    let process = Process::start(command);
    let said = read(errors);
    assert_eq!(process.code(), 1);
    let said = said.join().expect("the reader");
    assert!(said.contains("` is trusted, but cannot write"), "{said}");
    assert!(said.contains("next: zoetrope trust --list"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn practice_provider_whose_output_is_not_read_ends_in_order_at_a_signal() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let sandbox = Sandbox::new();
        let (_kept, output) = full_pipe();
        let mut command = sandbox.command(["practice"]);
        command.stdout(output).stderr(Stdio::null());
        let process = Process::start(command);
        super::process::wait_until_caught(process.id(), signal);
        process.send(signal);
        assert_eq!(process.code(), 0, "{signal:?}");
    }
}
