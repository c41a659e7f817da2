//! A terminal that is gone, stopped, or has another process in its foreground.

use std::fs::File;
use std::io::Write as _;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::json;

use super::process::{Process, by_shell, read};
use crate::support::sandbox::Sandbox;
use crate::support::slow_server::{POLL, RUN, SUBMIT, end_the_job, slow_provider};

/// A terminal: the side of its window, and the side of its programs.
pub(super) fn terminal() -> (File, File) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let window = openpt(flags).expect("a terminal");
    grantpt(&window).expect("a terminal");
    unlockpt(&window).expect("a terminal");
    let name = ptsname(&window, Vec::new()).expect("its name");
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let programs = open(name.as_c_str(), flags, Mode::empty()).expect("its device");
    (window.into(), programs.into())
}

/// Connects the streams of a command with a terminal.
pub(super) fn on(programs: File, mut command: Command) -> Command {
    let copy = || programs.try_clone().expect("a descriptor");
    command.stdin(copy()).stdout(copy()).stderr(programs);
    command
}

fn resume(sandbox: &Sandbox) {
    let answer = sandbox.run(["--json", "jobs", "resume", "--all"]).answer();
    assert_eq!(answer["summary"]["finalized"], 1, "{answer}");
    assert!(sandbox.path("clip.mp4").is_file());
}

#[test]
fn closed_window_ends_the_command_and_the_job_is_resumed() {
    let (provider, sandbox) = slow_provider();
    let (window, programs) = terminal();
    let command = on(programs, sandbox.command(&RUN[1..]));
    let process = Process::start(command);
    provider.wait_for(POLL, 1);
    drop(window);
    process.send(Signal::HUP);
    process.send(Signal::HUP);
    assert_eq!(process.code(), 9);
    end_the_job(&provider);
    resume(&sandbox);
    assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
}

#[test]
fn window_that_is_gone_without_a_signal_ends_no_job() {
    let (provider, sandbox) = slow_provider();
    let (window, programs) = terminal();
    let mut command = on(programs, sandbox.command(RUN));
    command.stdout(Stdio::piped()).env("ZOETROPE_LOG", "trace");
    let process = Process::start(command);
    provider.wait_for(POLL, 1);
    drop(window);
    provider.wait_for(POLL, provider.counts()[POLL] + 2);
    end_the_job(&provider);
    let (code, answer) = process.output();
    assert_eq!(code, 0, "{answer}");
    assert!(sandbox.path("clip.mp4").is_file());
}

/// As after Ctrl-S: nothing takes what the terminal is given, the bar included.
#[test]
fn stopped_terminal_holds_up_no_job() {
    for level in ["warn", "trace"] {
        let (provider, sandbox) = slow_provider();
        let (_unread, programs) = terminal();
        let mut command = on(programs, sandbox.command(RUN));
        command.stdout(Stdio::piped()).env("ZOETROPE_LOG", level);
        let process = Process::start(command);
        provider.wait_for(POLL, 20);
        end_the_job(&provider);
        let (code, answer) = process.output();
        assert_eq!(code, 0, "{level}: {answer}");
        assert!(sandbox.path("clip.mp4").is_file(), "{level}");
    }
}

#[test]
fn process_in_the_background_writes_and_is_not_stopped() {
    if Command::new("setsid").arg("--version").output().is_err() {
        println!("skipped: there is no setsid");
        return;
    }
    let (provider, sandbox) = slow_provider();
    end_the_job(&provider);
    let (window, programs) = terminal();
    let script = "stty tostop; set -m; \"$0\" \"$@\" & wait $!";
    let plain = by_shell(&sandbox, RUN[1..].iter().copied(), script);
    let mut command = Command::new("setsid");
    command
        .args(["--ctty", "--wait"])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .current_dir(plain.get_current_dir().expect("a folder"));
    for (name, value) in plain.get_envs() {
        command.env(name, value.expect("a value"));
    }
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    let process = Process::start(on(programs, command));
    let text = read(window);
    assert_eq!(process.code(), 0);
    let text = text.join().expect("the reader");
    assert!(sandbox.path("clip.mp4").is_file(), "{text}");
    assert!(text.contains("clip.mp4"), "{text}");
    assert_eq!(provider.counts()[SUBMIT], 1, "paid once");
}

/// A job that was never submitted is submitted after a yes alone.
#[test]
fn resume_asks_on_a_terminal_before_it_submits() {
    let (provider, sandbox) = slow_provider();
    let line = json!({"prompt": "dunes", "image": "https://p.example/a.png"});
    sandbox.write("lines.jsonl", format!("{line}\n").repeat(2));
    sandbox.configure(&provider.connection("requests_per_second = 0.001"));
    let batch = [
        "run",
        "image_to_video_v3",
        "--batch",
        "lines.jsonl",
        "--out-dir",
        "clips",
    ];
    let left = sandbox.run(batch.iter().chain(&["--deadline", "2s"]));
    assert_eq!((left.code, provider.counts()[SUBMIT]), (9, 1), "{left:?}");
    sandbox.configure(&provider.connection("requests_per_second = 100"));
    end_the_job(&provider);
    for (answer, submits) in [("n\n", 1), ("\n", 1), ("y\n", 2)] {
        let (mut window, programs) = terminal();
        let shown = read(window.try_clone().expect("a descriptor"));
        window.write_all(answer.as_bytes()).expect("written");
        let process = Process::start(on(programs, sandbox.command(["jobs", "resume", "--all"])));
        assert_eq!(process.code(), 0);
        let shown = shown.join().expect("the reader");
        assert!(shown.contains("1 job was never submitted."), "{shown}");
        assert!(shown.contains("Submit it? [y/N]"), "{shown}");
        assert_eq!(provider.counts()[SUBMIT], submits, "{shown}");
        let is_left = shown.contains("1 job was not submitted: ");
        assert_eq!(is_left, submits == 1, "{shown}");
    }
}
