//! Keeps files that a row is about to name: pictures and components.
//!
//! Such a file is written, or found, before the row is inserted; in a batch, hours before. A
//! process holds `files.lock` shared from then until the insert. Only a process that has the lock
//! for itself removes files that no row names. The kernel releases the lock when a process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::lock_errors::is_without_locks;
use crate::rights;
use crate::sanitize::sentence;

/// The lock file in the data directory.
const FILE: &str = "files.lock";

/// How long a process waits while another one removes files. It removes them in short steps.
const HELD: Duration = Duration::from_secs(30);

/// The longest name of an owner, in bytes.
const MAX_NAME: u64 = 200;

const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// While this exists, no process removes pictures or components of the data directory.
#[derive(Clone, Debug)]
pub struct FilesHold {
    /// `None` on a file system without locks.
    _lock: Option<Arc<File>>,
}

/// While this exists, no other process can hold the files.
#[derive(Debug)]
pub(crate) struct FilesOwned {
    _lock: File,
}

/// The lock file of a data directory.
#[derive(Debug)]
pub(super) struct Holds {
    path: PathBuf,
    /// The hold of this process, shared by its jobs: a batch may have more lines than a process may
    /// have open files.
    shared: Mutex<Weak<File>>,
}

impl Holds {
    pub(super) fn of(data_dir: &Path) -> Self {
        Self {
            path: data_dir.join(FILE),
            shared: Mutex::default(),
        }
    }

    /// Waits while another process removes files, and holds them.
    pub(super) fn hold(&self) -> io::Result<FilesHold> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = shared.upgrade() {
            return Ok(FilesHold { _lock: Some(file) });
        }
        let file = self.open()?;
        match lock_shared(&file) {
            // Without locks, files that are in use are spared for their age alone.
            Err(error) if is_without_locks(&error) => Ok(FilesHold { _lock: None }),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                let owner = self.owner().unwrap_or_else(|| "another process".into());
                let held = format!(
                    "{owner} removes files of the data directory for half a minute, and may be \
                     stopped"
                );
                Err(io::Error::new(io::ErrorKind::TimedOut, held))
            }
            locked => {
                let file = locked.map(|()| Arc::new(file))?;
                *shared = Arc::downgrade(&file);
                Ok(FilesHold { _lock: Some(file) })
            }
        }
    }

    /// Owns the files; `None` if a process holds them, or if there are no locks.
    pub(super) fn own(&self, name: &str) -> io::Result<Option<FilesOwned>> {
        let mut file = self.open()?;
        match file.try_lock() {
            Ok(()) => {
                // The name only explains a wait; a full disk has no room for it.
                let _ = file
                    .set_len(0)
                    .and_then(|()| file.write_all(name.as_bytes()));
                Ok(Some(FilesOwned { _lock: file }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if is_without_locks(&error) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The name of the process that owns the files now.
    pub(super) fn owner(&self) -> Option<String> {
        let file = File::open(&self.path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {}
            _ => return None,
        }
        let mut name = String::new();
        file.take(MAX_NAME).read_to_string(&mut name).ok()?;
        Some(sentence(&name).into_owned()).filter(|name| !name.is_empty())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        rights::private(options.write(true).create(true).truncate(false)).open(&self.path)
    }
}

/// Locks a file, or fails once another process has held it for [`HELD`]: that process may be stopped.
fn lock_shared(file: &File) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match file.try_lock_shared() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if begun.elapsed() >= HELD => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(RETRY_INTERVAL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_owned_only_while_no_process_holds_them() {
        let folder = tempfile::tempdir().expect("folder");
        // Two of one data directory are as those of two processes: each opens the file itself.
        let (here, there) = (Holds::of(folder.path()), Holds::of(folder.path()));
        let hold = here.hold().expect("hold");
        let second = here.hold().expect("hold");
        let theirs = there.hold().expect("hold");
        for held in [hold, second, theirs] {
            assert!(here.own("a").expect("a lock").is_none());
            drop(held);
        }
        assert_eq!(here.owner(), None);
        let owned = there.own("process 7 on studio").expect("a lock");
        assert!(owned.is_some() && here.own("a").expect("a lock").is_none());
        assert_eq!(here.owner().as_deref(), Some("process 7 on studio"));
        drop(owned);
        assert_eq!(here.owner(), None);
        assert!(here.own("a").expect("a lock").is_some());
    }
}
