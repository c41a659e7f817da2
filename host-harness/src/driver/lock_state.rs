//! Whether a process drives the jobs of a data directory, without disturbing it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// The process that holds this file's lock drives.
pub(super) const LOCK: &str = "driver.lock";

/// Whether a process holds the lock of a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockState {
    /// No process drives.
    Free,
    /// A process drives. Others wait for their jobs. [`Ledger::driving_process`] names it.
    ///
    /// [`Ledger::driving_process`]: crate::ledger::Ledger::driving_process
    Held,
}

/// The state of the lock in `data_dir`. It is taken for a moment, if it is free.
///
/// # Errors
///
/// When the lock's file cannot be opened or locked.
pub fn lock_state(data_dir: &Path) -> io::Result<LockState> {
    let file = match File::open(data_dir.join(LOCK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(LockState::Free),
        file => file?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(LockState::Free),
        Err(TryLockError::Error(error)) => Err(error),
        Err(TryLockError::WouldBlock) => Ok(LockState::Held),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_is_held_while_a_process_has_it() {
        let folder = tempfile::tempdir().expect("folder");
        let state = || lock_state(folder.path()).expect("a state");
        assert_eq!(state(), LockState::Free, "there is no file");
        let file = File::create(folder.path().join("driver.lock")).expect("file");
        assert_eq!(state(), LockState::Free);
        file.try_lock().expect("lock");
        assert_eq!(state(), LockState::Held);
        drop(file);
        assert_eq!(state(), LockState::Free);
    }
}
