//! Errors of file systems that have no locks, or not all operations.

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

/// `EPERM`, `EIO`, `EXDEV` and `EINVAL`, which have the same numbers on all Unix systems: shares
/// answer with them where they cannot lock or rename.
#[cfg(unix)]
const REFUSED: [i32; 4] = [1, 5, 18, 22];

#[cfg(not(unix))]
const REFUSED: [i32; 0] = [];

/// Whether a lock failed because the file system has none. `error` is the lock's own: the file was
/// opened.
pub(crate) fn is_without_locks(error: &io::Error) -> bool {
    let is_among = |codes: &[i32]| {
        error
            .raw_os_error()
            .is_some_and(|code| codes.contains(&code))
    };
    error.kind() == io::ErrorKind::Unsupported || is_among(&WITHOUT_LOCKS) || is_among(&REFUSED)
}

/// Whether an operation on a file failed for the file system, not for permissions.
pub(crate) fn is_of_file_system(error: &io::Error) -> bool {
    // EPERM is also that of a missing permission.
    is_without_locks(error) && error.kind() != io::ErrorKind::PermissionDenied
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
        // ENOLCK, ENOSYS, EOPNOTSUPP, EPERM, EIO, EXDEV, EINVAL.
        for code in [37, 38, 95, 1, 5, 18, 22] {
            assert!(is_without_locks(&io::Error::from_raw_os_error(code)));
        }
        // EACCES, EINTR, ENOSPC.
        for code in [13, 4, 28] {
            assert!(!is_without_locks(&io::Error::from_raw_os_error(code)));
        }
        // EIO and EXDEV of a rename, and EPERM and EACCES of it.
        for (code, expected) in [(5, true), (18, true), (1, false), (13, false)] {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(is_of_file_system(&error), expected, "{code}");
        }
    }
}
