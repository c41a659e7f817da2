//! The process that requested a job. A queued job is submitted only while its requester is
//! alive.
//!
//! Each process holds the kernel's lock on its own file in `requesters/`. The kernel releases
//! the lock when the process ends. A row names the process that requested its job last.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::error::DriverError;
use crate::cleanup::{self, Freed};
use crate::rights;

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
        let failed = |source| DriverError::of_file(&path, source);
        let created = rights::make_folder(&data_dir.join(FOLDER));
        let lock = created
            .and_then(|()| {
                rights::private(File::options().write(true).create_new(true)).open(&unnamed)
            })
            .map_err(failed)?;
        let locked = lock.try_lock().map_err(io::Error::from);
        locked.map_err(|source| DriverError::of_lock(&path, source))?;
        fs::rename(&unnamed, &path).map_err(failed)?;
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

/// Removes the files of processes that have ended. A file that is younger than a day may be of a
/// process that has not locked it yet.
pub(crate) fn remove_ended(data_dir: &Path) -> io::Result<Freed> {
    let mut freed = Freed::default();
    for (entry, metadata) in cleanup::files_of(&data_dir.join(FOLDER))? {
        if cleanup::age_of(&metadata) >= cleanup::CRASHED_WRITE
            && File::open(entry.path()).is_ok_and(|file| file.try_lock_shared().is_ok())
        {
            freed += cleanup::remove(&entry.path())?;
        }
    }
    Ok(freed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cleanup::testing::make_old;

    #[test]
    fn file_of_an_ended_process_is_removed_and_one_of_a_running_process_stays() {
        let folder = tempfile::tempdir().expect("folder");
        let running = Requester::new(folder.path()).expect("requester");
        for name in ["ended", "new"] {
            fs::write(folder.path().join(FOLDER).join(name), "").expect("write");
        }
        for path in [&running.path, &folder.path().join(FOLDER).join("ended")] {
            make_old(path, cleanup::CRASHED_WRITE);
        }
        assert_eq!(remove_ended(folder.path()).expect("clean").files, 1);
        assert!(running.path.exists() && running.is_alive(running.name()));
        assert!(!folder.path().join(FOLDER).join("ended").exists());
        assert!(folder.path().join(FOLDER).join("new").exists());
    }

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
