//! The process that requested a job. A queued job is submitted only while its requester is
//! alive.
//!
//! Each process holds the kernel's lock on its own file in `requesters/`. The kernel releases
//! the lock when the process ends. A row names the process that requested its job last.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::error::DriverError;

const FOLDER: &str = "requesters";

/// This process, as rows name it.
#[derive(Debug)]
pub(super) struct Requester {
    name: String,
    path: PathBuf,
    _lock: File,
}

impl Requester {
    pub(super) fn new(data_dir: &Path) -> Result<Self, DriverError> {
        let name = Uuid::now_v7().to_string();
        let path = data_dir.join(FOLDER).join(&name);
        // Locked before it gets its name, so no process finds it unlocked.
        let unnamed = data_dir.join(FOLDER).join(format!(".{name}"));
        let locked = || {
            fs::create_dir_all(data_dir.join(FOLDER))?;
            let file = File::create(&unnamed)?;
            file.try_lock()?;
            fs::rename(&unnamed, &path)?;
            Ok(file)
        };
        let lock = locked().map_err(|source| DriverError::File {
            path: path.clone(),
            source,
        })?;
        Ok(Self {
            name,
            path,
            _lock: lock,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the process of this name is running.
    pub(super) fn is_alive(&self, name: &str) -> bool {
        if name == self.name {
            return true;
        }
        let path = self.path.with_file_name(name);
        let Ok(file) = File::open(&path) else {
            return false;
        };
        match file.try_lock_shared() {
            Ok(()) => {
                // The process was killed. A file that cannot be removed does no harm.
                let _ = fs::remove_file(&path);
                false
            }
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(_)) => false,
        }
    }
}

impl Drop for Requester {
    fn drop(&mut self) {
        // The lock is released in any case.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requester_is_alive_until_it_is_dropped() {
        let folder = tempfile::tempdir().expect("folder");
        let first = Requester::new(folder.path()).expect("requester");
        let second = Requester::new(folder.path()).expect("requester");
        assert!(first.is_alive(first.name()) && first.is_alive(second.name()));
        let name = second.name().to_owned();
        drop(second);
        assert!(!first.is_alive(&name));
        // A process that was killed leaves its file without a lock.
        fs::write(folder.path().join(FOLDER).join("killed"), "").expect("write");
        assert!(!first.is_alive("killed"));
        assert!(!folder.path().join(FOLDER).join("killed").exists());
    }
}
