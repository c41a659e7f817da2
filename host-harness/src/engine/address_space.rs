//! The address space that this process may still reserve: `ulimit -v` (`RLIMIT_AS`) on Linux.

use std::error::Error;
use std::io;

/// What the rest of the program needs beside the pool: threads' stacks, the allocator's arenas,
/// compiled code, the ledger and the bodies of replies.
pub(super) const MARGIN: u64 = 1 << 30;

/// Below this, a program should have few threads: each may reserve 64 MiB for its allocations, in
/// addition to its stack.
const SCARCE: u64 = 8 << 30;

/// Whether a limit (`ulimit -v`) leaves so little address space that the program should have few
/// threads.
#[must_use]
pub fn is_scarce() -> bool {
    left().is_some_and(|left| left < SCARCE)
}

/// The bytes that are left below the limit; `None` if there is no limit, or it is not known.
#[cfg(target_os = "linux")]
#[must_use]
pub fn left() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::As).current?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    Some(limit.saturating_sub(used(&status)?))
}

/// Other systems have no such limit, or do not enforce it.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn left() -> Option<u64> {
    None
}

/// Whether an error says that the system gave no memory: `ENOMEM`, which has the same number on all
/// Unix systems, or its counterparts on Windows. Libraries with errors of their own show the number.
pub(crate) fn lacks_memory(error: &(dyn Error + 'static)) -> bool {
    const NUMBERS: &[&str] = if cfg!(windows) {
        &["(os error 8)", "(os error 14)", "(os error 1455)"]
    } else {
        &["(os error 12)"]
    };
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let is_of_kind = error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory);
        if is_of_kind || NUMBERS.iter().any(|number| text.ends_with(number)) {
            return true;
        }
        next = error.source();
    }
    false
}

/// The text of an engine that leaves too little.
pub(super) fn little(left: u64) -> String {
    format!(
        "it would leave {} MiB of the address space that `ulimit -v` permits",
        left >> 20
    )
}

/// The address space in use, by the text of `/proc/self/status`.
#[cfg(target_os = "linux")]
fn used(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmSize:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1 << 10)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn lack_of_memory_is_recognized_by_kind_and_number() {
        assert!(lacks_memory(&io::Error::from_raw_os_error(12)));
        assert!(lacks_memory(&io::Error::from(io::ErrorKind::OutOfMemory)));
        let mapped = "mmap failed: Cannot allocate memory (os error 12)";
        assert!(lacks_memory(&io::Error::other(mapped)));
        for other in ["(os error 13)", "(os error 12) is quoted"] {
            assert!(!lacks_memory(&io::Error::other(other)), "{other}");
        }
    }

    #[test]
    fn address_space_in_use_is_read_from_the_status_of_the_process() {
        let status = "Name:\tz\nVmPeak:\t    9000 kB\nVmSize:\t    4096 kB\n";
        assert_eq!(used(status), Some(4 << 20));
        for other in ["", "VmSize:\t\n", "VmSize: many kB\n", "VmSize: 4096\n"] {
            assert_eq!(used(other), None, "{other}");
        }
        let own = std::fs::read_to_string("/proc/self/status").expect("the status");
        assert!(used(&own) > Some(1 << 20));
    }
}
