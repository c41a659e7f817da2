//! Errors of file systems that have no locks.

use std::io;
use std::path::Path;

/// `ENOLCK`, of a network file system without a lock service, and `ENOSYS`, by Linux's numbers.
#[cfg(target_os = "linux")]
const WITHOUT_LOCKS: [i32; 2] = [37, 38];

/// The same by the numbers of macOS and the BSDs.
#[cfg(all(unix, not(target_os = "linux")))]
const WITHOUT_LOCKS: [i32; 2] = [77, 78];

#[cfg(not(unix))]
const WITHOUT_LOCKS: [i32; 0] = [];

/// Whether a lock failed because the file system has none.
pub(crate) fn is_without_locks(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || error
            .raw_os_error()
            .is_some_and(|code| WITHOUT_LOCKS.contains(&code))
}

/// The file system that a file is in, for a message: `it is in an NFS file system`.
pub(crate) fn place_of(path: &Path) -> String {
    match file_system(path) {
        Some(name) => format!("it is in a file system ({name})"),
        None => "it is in a file system".to_owned(),
    }
}

/// The name of a file system that often has no locks.
#[cfg(target_os = "linux")]
fn file_system(path: &Path) -> Option<&'static str> {
    let folder = path.parent()?;
    let found = rustix::fs::statfs(folder).ok()?;
    // By `statfs(2)`; the type is signed on some systems.
    #[expect(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "the magic numbers have 32 bits"
    )]
    let magic = found.f_type as u32;
    Some(match magic {
        0x6969 => "NFS",
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => "SMB",
        0x6573_5546 => "FUSE",
        0x4750_4653 => "GPFS",
        0x0bd0_0bd0 => "Lustre",
        0x0102_1997 => "9P",
        _ => return None,
    })
}

#[cfg(not(target_os = "linux"))]
fn file_system(_: &Path) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn errors_of_file_systems_without_locks_are_recognized() {
        // ENOLCK, ENOSYS, EOPNOTSUPP.
        for code in [37, 38, 95] {
            assert!(is_without_locks(&io::Error::from_raw_os_error(code)));
        }
        // EACCES, EINTR, ENOSPC.
        for code in [13, 4, 28] {
            assert!(!is_without_locks(&io::Error::from_raw_os_error(code)));
        }
    }
}
