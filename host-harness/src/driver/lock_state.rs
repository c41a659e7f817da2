//! Whether a process drives the jobs of a data directory, without disturbing it.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _};
use std::path::Path;

use crate::sanitize::line;

/// The process that holds this file's lock drives.
pub(super) const LOCK: &str = "driver.lock";

/// The longest text of a holder that is read.
const LONGEST: u64 = 200;

/// Whether a process holds the lock of a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockState {
    /// No process drives.
    Free,
    /// A process drives. Others wait for their jobs.
    Held {
        /// What it wrote into the lock's file about itself, such as its process id.
        holder: Option<String>,
    },
}

/// The state of the lock in `data_dir`. It is taken for a moment, if it is free.
///
/// # Errors
///
/// When the lock's file cannot be opened or locked.
pub fn lock_state(data_dir: &Path) -> io::Result<LockState> {
    let mut file = match File::open(data_dir.join(LOCK)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(LockState::Free),
        file => file?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(LockState::Free),
        Err(TryLockError::Error(error)) => Err(error),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // Windows does not let others read a locked file.
            let read = file.by_ref().take(LONGEST).read_to_string(&mut text);
            let text = line(text.trim()).into_owned();
            let holder = (read.is_ok() && !text.is_empty()).then_some(text);
            Ok(LockState::Held { holder })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn lock_is_held_by_the_process_that_its_file_names() {
        let folder = tempfile::tempdir().expect("folder");
        let state = || lock_state(folder.path()).expect("a state");
        assert_eq!(state(), LockState::Free, "there is no file");
        let mut file = File::create(folder.path().join("driver.lock")).expect("file");
        assert_eq!(state(), LockState::Free);
        file.try_lock().expect("lock");
        assert_eq!(state(), LockState::Held { holder: None });
        if cfg!(unix) {
            file.write_all(b"4711 zoetrope\n").expect("write");
            let holder = Some("4711 zoetrope".into());
            assert_eq!(state(), LockState::Held { holder });
        }
        drop(file);
        assert_eq!(state(), LockState::Free);
    }
}
