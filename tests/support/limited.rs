//! Processes under limits of the system: of the size of files, as a full disk, or of a shell.

use std::process::{Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::sandbox::{Running, Sandbox};

/// Starts the binary by a shell. It ignores `SIGXFSZ`, so that a limit is an error like that of a
/// full disk.
pub(crate) fn start_with_file_limit<'a>(sandbox: &'a Sandbox, arguments: &[&str]) -> Running<'a> {
    start_by(sandbox, arguments, "exec \"$0\" \"$@\"")
}

/// Starts the binary by a shell.
pub(crate) fn start_by<'a>(sandbox: &'a Sandbox, arguments: &[&str], script: &str) -> Running<'a> {
    let plain = sandbox.command(arguments);
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .stdin(Stdio::piped());
    for (name, value) in plain.get_envs() {
        command.env(name, value.expect("a value"));
    }
    command.current_dir(plain.get_current_dir().expect("a folder"));
    sandbox.start(command)
}

/// Limits the size of the files that this process writes; `None` removes the limit.
pub(crate) fn limit_file_size(running: &Running<'_>, bytes: Option<u64>) {
    let id = i32::try_from(running.id()).ok().and_then(Pid::from_raw);
    let maximum = getrlimit(Resource::Fsize).maximum;
    let limit = Rlimit {
        current: bytes.or(maximum),
        maximum,
    };
    prlimit(id, Resource::Fsize, limit).expect("a limit");
}
