//! This process and its machine, as the row of the driver names them.

use uuid::Uuid;

use super::clock::now;
use crate::ledger::DrivingProcess;

/// The name of a machine that does not tell its name: another one may have it too.
const UNKNOWN_HOST: &str = "an unknown machine";

/// The row of this process, for a new term.
pub(super) fn new_term() -> DrivingProcess {
    let now = now();
    DrivingProcess {
        token: Uuid::new_v4().to_string(),
        process: std::process::id(),
        host: host(),
        since: now,
        seen_at: now,
    }
}

/// This process and its machine, as texts name them.
pub(crate) fn name() -> String {
    format!("process {} on {}", std::process::id(), host())
}

/// Whether a process is on this machine.
pub(super) fn is_here(process: &DrivingProcess) -> bool {
    process.host != UNKNOWN_HOST && process.host == host()
}

/// Whether a process has ended for certain: it was on this machine, and is this process or none.
pub(super) fn has_ended(process: &DrivingProcess) -> bool {
    is_here(process) && (process.process == std::process::id() || !is_running(process.process))
}

/// Whether a process of this machine runs, or is stopped.
#[cfg(unix)]
fn is_running(process: u32) -> bool {
    let pid = i32::try_from(process)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    // A process of another user cannot be asked, but it is there.
    let exists = pid
        .is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH));
    exists && !is_zombie(process)
}

/// Whether a process was killed, and its parent has not noticed it yet.
#[cfg(unix)]
fn is_zombie(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat"));
    // The state follows the name, which may hold any character.
    status.is_ok_and(|status| {
        let state = status.rsplit(')').next().unwrap_or_default();
        matches!(state.trim_start().chars().next(), Some('Z' | 'X'))
    })
}

/// It may run: the system is not asked.
#[cfg(not(unix))]
fn is_running(_: u32) -> bool {
    true
}

/// The name of this machine; of a container, its own.
fn host() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    match name.trim() {
        "" => UNKNOWN_HOST.to_owned(),
        name => name.chars().take(64).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_of_this_machine_is_known_to_have_ended() {
        let own = new_term();
        assert!(
            !cfg!(unix) || own.host != UNKNOWN_HOST,
            "the system names it"
        );
        assert!(
            is_here(&own) && has_ended(&own),
            "an earlier term of its own"
        );
        let elsewhere = DrivingProcess {
            host: "another machine".into(),
            ..own.clone()
        };
        assert!(!is_here(&elsewhere) && !has_ended(&elsewhere));
        #[cfg(unix)]
        {
            let parent = rustix::process::getppid().expect("a parent");
            let running = DrivingProcess {
                process: parent.as_raw_nonzero().get().unsigned_abs(),
                ..own
            };
            assert!(!has_ended(&running));
        }
    }

    #[test]
    fn two_terms_have_different_tokens() {
        assert_ne!(new_term().token, new_term().token);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn killed_process_has_ended_before_its_parent_notices_it() {
        let mut child = std::process::Command::new("sleep")
            .arg("600")
            .spawn()
            .expect("a process");
        let process = DrivingProcess {
            process: child.id(),
            ..new_term()
        };
        assert!(!has_ended(&process));
        child.kill().expect("a process of its own");
        while !has_ended(&process) {
            std::thread::yield_now();
        }
        child.wait().expect("its end");
        assert!(has_ended(&process));
    }
}
