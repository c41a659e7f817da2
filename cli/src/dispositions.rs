//! What this process does on signals for which it has no handler, the numbers of those that it
//! handles, and whether its parent gave it a standard output.

#[cfg(any(target_os = "linux", target_os = "macos"))]
use std::sync::atomic::{AtomicBool, Ordering};

/// The signals without a meaning for this process that end one unless it handles them: of a script,
/// of a timer, of a limit on processor time (`ulimit -t`, whose soft limit comes first), of a power
/// failure.
#[cfg(unix)]
pub(super) const OTHER_ENDS: &[i32] = &[
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGXCPU,
    #[cfg(target_os = "linux")]
    libc::SIGIO,
    #[cfg(target_os = "linux")]
    libc::SIGPWR,
];

/// Ignores the signals that kill or stop a process because it writes. A file over the limit of
/// its size (`SIGXFSZ`) is a write error then. A process in the background of a terminal with
/// `stty tostop` (`SIGTTOU`) writes and goes on. Rust's runtime ignores `SIGPIPE`.
#[cfg(unix)]
pub(super) fn ignore_signals_of_writes() {
    for signal in [libc::SIGXFSZ, libc::SIGTTOU] {
        // SAFETY: no handler is installed: the kernel ignores the signal.
        #[expect(unsafe_code, reason = "no safe function ignores a signal")]
        unsafe {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
}

/// Windows has no such signals.
#[cfg(not(unix))]
pub(super) fn ignore_signals_of_writes() {}

/// Whether the parent ignores a signal for this process, as `nohup` arranges it for `SIGHUP`.
#[cfg(unix)]
pub(super) fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action this reads the present one into `action`, which is plain data
    // for which zeros are valid.
    #[expect(unsafe_code, reason = "no safe function reads what a signal does")]
    let action = unsafe {
        if libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) != 0 {
            return false;
        }
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

/// Whether standard output was closed when the process began (`>&-`).
#[cfg(any(target_os = "linux", target_os = "macos"))]
static IS_OUTPUT_CLOSED: AtomicBool = AtomicBool::new(false);

/// Before `main`, Rust's runtime opens `/dev/null` in place of closed streams: what is written there
/// is lost without an error. The program's loader calls this function before that.
#[cfg(any(target_os = "linux", target_os = "macos"))]
#[expect(unsafe_code, reason = "the section of functions that are called first")]
// SAFETY: the section has pointers to functions of this form. The function calls `fcntl` and stores a
// flag, and needs nothing of Rust's runtime.
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[used]
static LOOK_AT_OUTPUT: extern "C" fn() = look_at_output;

#[cfg(any(target_os = "linux", target_os = "macos"))]
extern "C" fn look_at_output() {
    // SAFETY: reads the flags of a descriptor, which may be closed.
    #[expect(
        unsafe_code,
        reason = "no safe function asks whether a descriptor is open"
    )]
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    IS_OUTPUT_CLOSED.store(flags == -1, Ordering::Relaxed);
}

/// Whether the parent gave this process no standard output.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(super) fn is_output_closed() -> bool {
    IS_OUTPUT_CLOSED.load(Ordering::Relaxed)
}

/// Not known on other systems.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(super) fn is_output_closed() -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn hangup_is_ignored_only_where_the_parent_ignores_it() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let Some(mask) = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()) else {
            return;
        };
        assert_eq!(is_ignored(libc::SIGHUP), mask & 1 == 1, "{mask:x}");
    }
}
