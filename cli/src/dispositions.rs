//! What this process does on signals for which it has no handler.

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

/// Whether `SIGHUP` is ignored, as `nohup` arranges it. It stays so.
#[cfg(unix)]
pub(super) fn is_hangup_ignored() -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action this reads the present one into `action`, which is plain data
    // for which zeros are valid.
    #[expect(unsafe_code, reason = "no safe function reads what a signal does")]
    let action = unsafe {
        if libc::sigaction(libc::SIGHUP, std::ptr::null(), action.as_mut_ptr()) != 0 {
            return false;
        }
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
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
        assert_eq!(is_hangup_ignored(), mask & 1 == 1, "{mask:x}");
    }
}
