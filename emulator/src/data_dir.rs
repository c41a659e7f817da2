//! The data directory: its lock, its layout and atomic writes of its files.
//!
//! ```text
//! lock           held (not written) by the process that serves the directory
//! address        the base URL of that process, or of the last one
//! key            the API key, readable by the user alone
//! journal.jsonl  the jobs, see `journal`
//! files/         pictures, named by their digest
//! clips/         finished clips, named by their job, and clips that several jobs share, named by
//!                their digest
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use uuid::Uuid;

use crate::error::PracticeError;
use crate::files::FileName;
use crate::job::JobId;

/// The suffix of files that are being written.
const PART: &str = ".part";

/// The beginning of the API key. The first 8 characters of a key are hidden wherever they are in a
/// reply, in any case, so they must not be a word of this provider's messages.
const KEY_PREFIX: &str = "key_";

/// A data directory. Several processes may open it; one of them owns it.
#[derive(Clone, Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
}

/// Ownership of a data directory: a file lock, released when this is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl DataDir {
    /// Opens a data directory and creates what is missing.
    pub(crate) fn open(root: &Path) -> Result<Self, PracticeError> {
        let data_dir = Self {
            root: root.to_owned(),
        };
        for folder in [data_dir.root.clone(), data_dir.files(), data_dir.clips()] {
            create_private_folder(&folder).map_err(|source| storage(&folder, source))?;
        }
        Ok(data_dir)
    }

    /// Takes ownership of the directory; `None` if another process owns it.
    pub(crate) fn try_lock(&self) -> Result<Option<Lock>, PracticeError> {
        let path = self.root.join("lock");
        let file = private()
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| storage(&path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(storage(&path, source)),
        }
    }

    /// The base URL that the owner wrote with [`DataDir::publish_address`], if any.
    pub(crate) fn address(&self) -> Option<String> {
        let address = fs::read_to_string(self.root.join("address")).ok()?;
        Some(address.trim().to_owned()).filter(|address| !address.is_empty())
    }

    /// Writes the base URL of the owner. Only the owner may call this.
    pub(crate) fn publish_address(&self, base_url: &str) -> Result<(), PracticeError> {
        let path = self.root.join("address");
        write_whole(&path, base_url.as_bytes()).map_err(|source| storage(&path, source))
    }

    /// Removes the address of an earlier owner, so that no process uses it for this one.
    pub(crate) fn retract_address(&self) -> Result<(), PracticeError> {
        let path = self.root.join("address");
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(storage(&path, source)),
            _ => Ok(()),
        }
    }

    /// The API key, which an owner has created.
    pub(crate) fn key(&self) -> Result<String, PracticeError> {
        let path = self.root.join("key");
        fs::read_to_string(&path)
            .map(|key| key.trim().to_owned())
            .map_err(|source| storage(&path, source))
    }

    /// The API key, created by the first owner. Only the owner may call this.
    pub(crate) fn create_key(&self) -> Result<String, PracticeError> {
        let path = self.root.join("key");
        if path.try_exists().map_err(|source| storage(&path, source))? {
            return self.key();
        }
        // Two version 4 identifiers hold 244 random bits from the system.
        let key = format!(
            "{KEY_PREFIX}{}{}",
            Uuid::new_v4().simple(),
            Uuid::new_v4().simple()
        );
        write_whole(&path, key.as_bytes()).map_err(|source| storage(&path, source))?;
        Ok(key)
    }

    /// The journal's path.
    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("journal.jsonl")
    }

    /// A stored picture's path.
    pub(crate) fn file(&self, name: &FileName) -> PathBuf {
        self.files().join(name.to_string())
    }

    /// A clip's path.
    pub(crate) fn clip(&self, id: JobId) -> PathBuf {
        self.clips().join(format!("{id}.mp4"))
    }

    /// The path of a job's clip: its own, or the shared one with this digest.
    pub(crate) fn clip_or_shared(&self, id: JobId, sha256: &str) -> PathBuf {
        let shared = self.shared_clip(sha256);
        let own = self.clip(id);
        if own.exists() || !shared.exists() {
            own
        } else {
            shared
        }
    }

    /// Stores a clip that several jobs share, unless it is stored already.
    pub(crate) fn store_shared_clip(
        &self,
        sha256: &str,
        bytes: &[u8],
    ) -> Result<(), PracticeError> {
        let path = self.shared_clip(sha256);
        if path.exists() {
            return Ok(());
        }
        write_whole(&path, bytes).map_err(|source| storage(&path, source))
    }

    fn shared_clip(&self, sha256: &str) -> PathBuf {
        self.clips().join(format!("{sha256}.mp4"))
    }

    /// Stores a picture unless it is stored already. It counts as new in any case.
    pub(crate) fn store_file(&self, name: &FileName, bytes: &[u8]) -> io::Result<()> {
        let path = self.file(name);
        if path.try_exists()? {
            let file = OpenOptions::new().append(true).open(&path)?;
            file.set_modified(SystemTime::now())
        } else {
            write_whole(&path, bytes)
        }
    }

    /// Stores a job's clip and replaces one from an earlier process.
    pub(crate) fn store_clip(&self, id: JobId, bytes: &[u8]) -> io::Result<()> {
        write_whole(&self.clip(id), bytes)
    }

    /// Removes incomplete files of a killed process. Only the owner may call this.
    pub(crate) fn sweep(&self) -> Result<(), PracticeError> {
        for folder in [self.root.clone(), self.files(), self.clips()] {
            let entries = fs::read_dir(&folder).map_err(|source| storage(&folder, source))?;
            for path in entries.flatten().map(|entry| entry.path()) {
                if path.to_string_lossy().ends_with(PART) {
                    fs::remove_file(&path).map_err(|source| storage(&path, source))?;
                }
            }
        }
        Ok(())
    }

    /// The folders of pictures and clips.
    pub(crate) fn result_folders(&self) -> [PathBuf; 2] {
        [self.files(), self.clips()]
    }

    fn files(&self) -> PathBuf {
        self.root.join("files")
    }

    fn clips(&self) -> PathBuf {
        self.root.join("clips")
    }
}

/// The error for a path of the data directory.
pub(crate) fn storage(path: &Path, source: io::Error) -> PracticeError {
    PracticeError::Storage {
        path: path.to_owned(),
        source,
    }
}

/// Writes a file atomically and durably, readable by the user alone.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    // A unique name for each writer, since two requests may store the same picture.
    part.push(format!(".{}{PART}", Uuid::new_v4().simple()));
    let part = PathBuf::from(part);
    let written = private().create_new(true).open(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::rename(&part, path));
    if placed.is_err() {
        // The first error is returned; `sweep` removes the file at the next start.
        drop(fs::remove_file(&part));
    }
    placed.and_then(|()| sync_folder(path))
}

/// Options to open files for writing, readable by the user alone: pictures and their URLs may be
/// private.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn create_private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(not(unix))]
fn create_private_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Makes a rename durable by syncing its folder, on macOS with `F_FULLFSYNC`.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Windows opens no folder as a file, and offers no sync of one; the journal of NTFS keeps the name.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_owner_at_a_time() {
        let temp = tempfile::tempdir().expect("a folder");
        let data_dir = DataDir::open(&temp.path().join("deep/er")).expect("a directory");
        let lock = data_dir.try_lock().expect("a lock file");
        assert!(lock.is_some());
        assert!(data_dir.try_lock().expect("a lock file").is_none());
        drop(lock);
        assert!(data_dir.try_lock().expect("a lock file").is_some());
    }

    #[test]
    fn api_key_is_reused_and_readable_by_the_user_alone() {
        let temp = tempfile::tempdir().expect("a folder");
        let data_dir = DataDir::open(temp.path()).expect("a directory");
        assert!(data_dir.key().is_err());
        let key = data_dir.create_key().expect("a key");
        assert!(key.len() > 64);
        assert!(!key.starts_with("practice"), "a word of the messages");
        assert_eq!(data_dir.create_key().expect("a key"), key);
        assert_eq!(data_dir.key().expect("a key"), key);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(temp.path().join("key"))
                .expect("a file")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn incomplete_files_are_removed_at_start() {
        let temp = tempfile::tempdir().expect("a folder");
        let data_dir = DataDir::open(temp.path()).expect("a directory");
        fs::write(temp.path().join("clips/x.mp4.1.part"), "x").expect("a file");
        fs::write(temp.path().join("clips/x.mp4"), "x").expect("a file");
        data_dir.sweep().expect("a sweep");
        assert!(!temp.path().join("clips/x.mp4.1.part").exists());
        assert!(temp.path().join("clips/x.mp4").exists());
    }
}
