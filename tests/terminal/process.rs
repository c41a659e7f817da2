//! A process whose standard streams the test chooses.

use std::io::{PipeReader, Read, Write as _, pipe};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::sandbox::{Sandbox, TIMEOUT};

const INTERVAL: Duration = Duration::from_millis(5);

/// The bytes that a pipe holds on Linux and macOS, if no one reads it.
const PIPE: usize = 1 << 16;

/// A process that is killed with its test.
pub(super) struct Process(Child);

impl Process {
    /// Starts a command with the streams that it has.
    #[track_caller]
    pub(super) fn start(mut command: Command) -> Self {
        Self(command.spawn().expect("the binary"))
    }

    #[cfg(target_os = "linux")]
    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(super) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).expect("a signal");
    }

    /// The exit code. A process that a signal has ended fails the test.
    #[track_caller]
    pub(super) fn code(mut self) -> i32 {
        let status = self.wait();
        let code = status.code();
        code.unwrap_or_else(|| panic!("ended by a signal: {status}"))
    }

    /// Its standard output, up to its end, and its exit code.
    #[track_caller]
    pub(super) fn output(mut self) -> (i32, String) {
        let text = read(self.0.stdout.take().expect("a pipe"));
        (self.code(), text.join().expect("the reader"))
    }

    #[track_caller]
    fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("a process of its own") {
                return status;
            }
            assert!(begun.elapsed() < TIMEOUT, "it did not end in time");
            std::thread::sleep(INTERVAL);
        }
    }
}

/// Waits until the process of this id catches a signal.
#[cfg(target_os = "linux")]
pub(super) fn wait_until_caught(id: u32, signal: Signal) {
    let path = format!("/proc/{id}/status");
    let begun = Instant::now();
    let is_caught = || {
        let status = std::fs::read_to_string(&path).ok()?;
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))?;
        let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
        Some(mask >> (signal.as_raw() - 1) & 1 == 1)
    };
    while is_caught() != Some(true) {
        assert!(begun.elapsed() < TIMEOUT, "{signal:?} is not caught");
        std::thread::sleep(INTERVAL);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Reads a stream to its end, on a thread: its process may hang.
pub(super) fn read(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = Vec::new();
        // A terminal ends with an error once the last program has closed it.
        drop(stream.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// A full pipe, which is not read while the reader is kept.
pub(super) fn full_pipe() -> (PipeReader, Stdio) {
    let (reader, mut writer) = pipe().expect("a pipe");
    writer.write_all(&vec![b'.'; PIPE]).expect("a fresh pipe");
    (reader, writer.into())
}

/// A pipe whose reader is gone.
pub(super) fn closed_pipe() -> Stdio {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// The command, started by a shell that prepares something: `script` ends with `exec "$0" "$@"`.
pub(super) fn by_shell<'a>(
    sandbox: &Sandbox,
    arguments: impl IntoIterator<Item = &'a str>,
    script: &str,
) -> Command {
    let plain = sandbox.command(arguments);
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .stdin(Stdio::null())
        .current_dir(plain.get_current_dir().expect("a folder"));
    for (name, value) in plain.get_envs() {
        command.env(name, value.expect("a value"));
    }
    command
}
