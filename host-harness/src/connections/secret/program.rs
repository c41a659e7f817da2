//! A credential that a program prints, such as a password manager.

use std::io::{self, IsTerminal as _, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::external_command::ExternalCommand;

/// The longest output that is read: many times the longest credential.
const MAX_BYTES: u64 = 64 << 10;

/// The time in which the program must end. It may ask the user.
const LIMIT: Duration = Duration::from_secs(30);

/// The time between two looks whether the program has ended.
const INTERVAL: Duration = Duration::from_millis(10);

/// What the program has printed, once it was run.
type Printed = Option<Arc<Zeroizing<Vec<u8>>>>;

/// A command that prints a credential. It is run when the credential is needed first; its output is
/// kept in memory while this value or a copy of it exists, or until the provider refuses it.
#[derive(Clone)]
pub struct CredentialProgram {
    command: ExternalCommand,
    printed: Arc<Mutex<Printed>>,
}

impl CredentialProgram {
    /// A program that was not run yet.
    #[must_use]
    pub fn new(command: ExternalCommand) -> Self {
        Self {
            command,
            printed: Arc::default(),
        }
    }

    /// The command.
    #[must_use]
    pub fn command(&self) -> &ExternalCommand {
        &self.command
    }

    /// What the program prints. Others who need it wait meanwhile. A failure is not kept.
    pub(super) fn output(&self) -> Result<Arc<Zeroizing<Vec<u8>>>, ProgramFault> {
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(printed) = &*printed {
            return Ok(Arc::clone(printed));
        }
        let output = Arc::new(run(&self.command, LIMIT)?);
        *printed = Some(Arc::clone(&output));
        Ok(output)
    }

    /// Drops the output, so that the program is run again when the credential is needed next. Does not
    /// wait: a program that is running prints a new output anyway.
    pub(super) fn forget(&self) {
        match self.printed.try_lock() {
            Ok(mut printed) => *printed = None,
            Err(TryLockError::Poisoned(error)) => *error.into_inner() = None,
            Err(TryLockError::WouldBlock) => {}
        }
    }
}

impl PartialEq for CredentialProgram {
    fn eq(&self, other: &Self) -> bool {
        self.command == other.command
    }
}

impl Eq for CredentialProgram {}

/// Without the output.
impl std::fmt::Debug for CredentialProgram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CredentialProgram")
            .field(&self.command)
            .finish()
    }
}

/// Why a program gave no credential. Never has a part of its output.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramFault {
    /// It cannot be started.
    #[error("it cannot be started")]
    NotStarted(#[source] io::Error),
    /// It ended with another status than success.
    #[error("it ended with {0}")]
    Ended(ExitStatus),
    /// It printed too much.
    #[error("it printed more than {} bytes", MAX_BYTES)]
    TooLong,
    /// It did not end.
    #[error("it did not end within {} seconds", .0.as_secs())]
    TimedOut(Duration),
    /// Its output cannot be read.
    #[error("its output cannot be read")]
    Unreadable(#[source] io::Error),
}

/// The text of an output that is the credential: its first line that is not blank. Password managers
/// print notes on the lines after it.
pub(super) fn first_line(text: &str) -> &str {
    let is_filled = |line: &&str| line.contains(|letter: char| !letter.is_whitespace());
    text.lines().find(is_filled).unwrap_or_default()
}

/// Runs the command and returns its output.
fn run(command: &ExternalCommand, limit: Duration) -> Result<Zeroizing<Vec<u8>>, ProgramFault> {
    let begun = Instant::now();
    let mut command = command.command();
    command
        .stdin(input())
        .stdout(Stdio::piped())
        // It tells the user there what it wants, or what is wrong.
        .stderr(Stdio::inherit());
    let has_group = set_apart(&mut command);
    let mut child = command.spawn().map_err(ProgramFault::NotStarted)?;
    let left = || limit.saturating_sub(begun.elapsed());
    let read = read_and_wait(&mut child, left, limit);
    if read.is_err() {
        // Not after its end: its number may be that of another process.
        if has_group && matches!(child.try_wait(), Ok(None)) {
            end_group(&child);
        }
        // No effect on one that has ended.
        let _ = child.kill();
        let _ = child.wait();
    }
    read
}

/// Puts the program into a process group of its own, with the processes that it starts, if it cannot
/// ask at a terminal: there, one in the background is stopped when it reads. Whether it has a group.
#[cfg(unix)]
fn set_apart(command: &mut Command) -> bool {
    let has_terminal = std::fs::File::open("/dev/tty").is_ok();
    if !has_terminal {
        std::os::unix::process::CommandExt::process_group(command, 0);
    }
    !has_terminal
}

#[cfg(not(unix))]
fn set_apart(_: &mut Command) -> bool {
    false
}

/// Ends the processes of a program's group.
#[cfg(unix)]
fn end_group(child: &Child) {
    let group = rustix::process::Pid::from_child(child);
    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
}

#[cfg(not(unix))]
fn end_group(_: &Child) {}

/// The output until its end, or until the end of the program: one that it started, such as an agent,
/// may keep the pipe open.
#[cfg(unix)]
fn read_and_wait(
    child: &mut Child,
    left: impl Fn() -> Duration,
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, ProgramFault> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut stdout = child.stdout.take().ok_or_else(no_pipe)?;
    let (mut bytes, most) = buffer();
    let mut piece = Zeroizing::new([0; 1 << 10]);
    loop {
        // Before the look at the pipe: what an ended program has printed is in it.
        let has_ended = child.try_wait().map_err(ProgramFault::Unreadable)?;
        let patience = match has_ended {
            Some(_) => Duration::ZERO,
            None => INTERVAL.min(left()),
        };
        let patience = Timespec::try_from(patience).ok();
        let mut pipes = [PollFd::new(&stdout, PollFlags::IN)];
        let ready = match poll(&mut pipes, patience.as_ref()) {
            Ok(ready) => ready,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(ProgramFault::Unreadable(error.into())),
        };
        let read = match ready {
            0 => 0,
            _ => stdout
                .read(&mut piece[..])
                .map_err(ProgramFault::Unreadable)?,
        };
        bytes.extend_from_slice(&piece[..read]);
        if bytes.len() > most {
            return Err(ProgramFault::TooLong);
        }
        match has_ended {
            Some(status) if read == 0 => return ended(status, bytes),
            None if left().is_zero() => return Err(ProgramFault::TimedOut(limit)),
            // The output has ended before the program.
            None if ready > 0 && read == 0 => thread::sleep(INTERVAL),
            _ => {}
        }
    }
}

/// The output until its end.
#[cfg(not(unix))]
fn read_and_wait(
    child: &mut Child,
    left: impl Fn() -> Duration,
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, ProgramFault> {
    let stdout = child.stdout.take().ok_or_else(no_pipe)?;
    // On a thread: a program that it started may keep the pipe open.
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::Builder::new()
        .name("credential".into())
        .spawn(move || sender.send(read(stdout)))
        .map_err(ProgramFault::Unreadable)?;
    let printed = receiver.recv_timeout(left());
    let printed = printed.unwrap_or(Err(ProgramFault::TimedOut(limit)))?;
    loop {
        match child.try_wait().map_err(ProgramFault::Unreadable)? {
            Some(status) => return ended(status, printed),
            None if left().is_zero() => return Err(ProgramFault::TimedOut(limit)),
            None => thread::sleep(INTERVAL),
        }
    }
}

#[cfg(not(unix))]
fn read(stdout: impl Read) -> Result<Zeroizing<Vec<u8>>, ProgramFault> {
    let (mut bytes, most) = buffer();
    stdout
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(ProgramFault::Unreadable)?;
    if bytes.len() > most {
        return Err(ProgramFault::TooLong);
    }
    Ok(bytes)
}

fn no_pipe() -> ProgramFault {
    ProgramFault::Unreadable(io::ErrorKind::BrokenPipe.into())
}

/// Room for the output, and its most bytes. Allocated once: a reallocation would leave a copy of the
/// credential in memory.
fn buffer() -> (Zeroizing<Vec<u8>>, usize) {
    let most = usize::try_from(MAX_BYTES).unwrap_or_default();
    (Zeroizing::new(Vec::with_capacity(most + (1 << 10))), most)
}

fn ended(
    status: ExitStatus,
    printed: Zeroizing<Vec<u8>>,
) -> Result<Zeroizing<Vec<u8>>, ProgramFault> {
    if status.success() {
        Ok(printed)
    } else {
        Err(ProgramFault::Ended(status))
    }
}

/// The terminal, if the program can ask there. Other input is the caller's own.
fn input() -> Stdio {
    if io::stdin().is_terminal() && is_in_foreground() {
        Stdio::inherit()
    } else {
        Stdio::null()
    }
}

/// A process in the background of a terminal is stopped when it reads there.
#[cfg(unix)]
fn is_in_foreground() -> bool {
    let group = rustix::termios::tcgetpgrp(io::stdin());
    group.is_ok_and(|group| group == rustix::process::getpgrp())
}

#[cfg(not(unix))]
fn is_in_foreground() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_line_with_text_is_the_credential() {
        assert_eq!(first_line("\n  \r\nsk-1\r\nuser: me\n"), "sk-1");
        assert_eq!(first_line("sk-1"), "sk-1");
        assert_eq!(first_line(" \n"), "");
    }

    #[cfg(unix)]
    fn shell(script: &str) -> ExternalCommand {
        let words = ["/bin/sh", "-c", script].map(std::ffi::OsString::from);
        ExternalCommand::new(words).expect("a command")
    }

    #[cfg(unix)]
    #[test]
    fn program_is_run_once_and_a_failure_is_not_kept() {
        let folder = tempfile::tempdir().expect("folder");
        let count = folder.path().join("count");
        let script = format!(
            "echo run >> '{0}'; test -e '{0}.ready' || exit 7; echo sk-1",
            count.display()
        );
        let program = CredentialProgram::new(shell(&script));
        let error = program.output().map(drop).expect_err("status 7");
        assert!(matches!(error, ProgramFault::Ended(status) if status.code() == Some(7)));
        std::fs::write(folder.path().join("count.ready"), "").expect("write");
        let copy = program.clone();
        for copy in [&copy, &program] {
            let output = copy.output().expect("a credential");
            assert_eq!(output.as_slice(), b"sk-1\n");
        }
        let runs = || {
            std::fs::read_to_string(&count)
                .expect("read")
                .lines()
                .count()
        };
        assert_eq!(runs(), 2);
        copy.forget();
        drop(program.output().expect("a credential"));
        assert_eq!(runs(), 3, "run again after it was refused");
    }

    #[cfg(unix)]
    #[test]
    fn program_that_goes_on_in_the_background_is_not_awaited_and_a_late_group_is_ended() {
        let agent = "echo sk-1; sleep 400 2>/dev/null & echo $!";
        let output = run(&shell(agent), Duration::from_mins(1)).expect("a credential");
        let text = std::str::from_utf8(&output).expect("text");
        assert_eq!(first_line(text), "sk-1");
        let agent = text.lines().last().expect("its number");
        let ended = shell(&format!("kill {agent}")).command().status();
        assert!(ended.expect("a process").success(), "it goes on");

        let folder = tempfile::tempdir().expect("folder");
        let number = folder.path().join("number");
        let late = format!("sleep 400 & echo $! > '{}'; wait", number.display());
        // In a shell without a terminal, where it has a group.
        if std::fs::File::open("/dev/tty").is_ok() {
            return;
        }
        let late = run(&shell(&late), Duration::from_secs(3)).map(drop);
        assert!(matches!(late, Err(ProgramFault::TimedOut(_))), "{late:?}");
        let number = std::fs::read_to_string(number).expect("its number");
        let is_gone = format!(
            "n=0; while grep -qs '^State:.[^ZX]' /proc/{}/status; do
                n=$((n + 1)); test $n -lt 100 || exit 1; sleep 0.1
            done",
            number.trim()
        );
        let is_gone = shell(&is_gone).command().status();
        assert!(is_gone.expect("a process").success());
    }

    #[cfg(unix)]
    #[test]
    fn output_and_time_of_a_program_are_bounded_and_no_error_shows_the_output() {
        let minute = Duration::from_mins(1);
        let endless = run(&shell("yes sk-hunter2"), minute).map(drop);
        let long = run(&shell("exec sleep 1000"), Duration::ZERO).map(drop);
        let missing = ["/nonexistent/pass".into()];
        let missing = ExternalCommand::new(missing).expect("a command");
        let missing = run(&missing, minute).map(drop);
        let failed = run(&shell("echo sk-hunter2; exit 1"), minute).map(drop);
        for (result, wanted) in [
            (endless, "it printed more than 65536 bytes"),
            (long, "it did not end within 0 seconds"),
            (missing, "it cannot be started"),
            (failed, "it ended with exit status: 1"),
        ] {
            let text = crate::error::chain(&result.expect_err(wanted));
            assert!(text.starts_with(wanted), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
