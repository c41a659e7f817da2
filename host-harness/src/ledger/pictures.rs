//! Pictures of jobs, stored as files beside the rows, since a row is read and written at every poll.
//!
//! In a document, a picture in base64 is replaced by `{"$picture": DIGEST}`; see `placeholders`. The
//! file holds the replaced text. Of a picture that is uploaded, the file holds a copy of the user's
//! file, which may be changed or removed before the upload; see
//! [`LocalPictures`](super::LocalPictures).

use std::collections::HashSet;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::error::LedgerError;
use super::open::make_folder;
use super::placeholders;
use crate::cleanup::{self, Freed};
use crate::digest::Sha256Digest;
use crate::durable::{sync_file, sync_folder};

/// The folder in the data directory.
const FOLDER: &str = "pictures";

/// Bytes of a file in memory at once while it is copied.
const BLOCK: usize = 64 << 10;

/// The pictures of a data directory.
#[derive(Clone, Debug)]
pub struct Pictures {
    folder: PathBuf,
}

impl Pictures {
    /// The pictures of this data directory.
    #[must_use]
    pub fn of(data_dir: &Path) -> Self {
        Self {
            folder: data_dir.join(FOLDER),
        }
    }

    /// Moves the pictures at `fields` (JSON Pointers) that are not URLs from `document` into
    /// files, which are synced when this returns. The caller holds the ledger's files
    /// ([`Ledger::hold_files`](super::Ledger::hold_files)) until the document is in a row.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn detach(&self, document: &mut Value, fields: &[&str]) -> Result<(), LedgerError> {
        placeholders::detach(
            document,
            fields,
            |text| !is_url(text),
            |text| {
                let digest = Sha256Digest::from(Sha256::digest(text)).to_string();
                self.keep(&digest, text)?;
                Ok(digest)
            },
        )
    }

    /// Puts the pictures back into `document`, at every depth: the reverse of
    /// [`detach`](Self::detach).
    ///
    /// # Errors
    ///
    /// When a file is missing, unreadable or damaged.
    pub fn attach(&self, document: &mut Value) -> io::Result<()> {
        placeholders::attach(document, &mut |digest| self.load(digest))
    }

    /// Stores a copy of a file that has this digest and length, synced when this returns; returns
    /// whether `source` has that digest. The caller holds the ledger's files
    /// ([`Ledger::hold_files`](super::Ledger::hold_files)) until the digest is in a row.
    ///
    /// # Errors
    ///
    /// [`CopyError`].
    pub(crate) fn copy(
        &self,
        digest: &Sha256Digest,
        length: u64,
        mut source: impl Read,
    ) -> Result<bool, CopyError> {
        let path = self.path(&digest.to_string());
        if is_reused(&path, length) {
            return Ok(true);
        }
        make_folder(&self.folder).map_err(CopyError::Store)?;
        let store = |source| {
            let path = path.clone();
            CopyError::Store(LedgerError::Folder { path, source })
        };
        let mut file = NamedTempFile::new_in(&self.folder).map_err(store)?;
        let (mut block, mut copied) = (vec![0; BLOCK], Sha256::new());
        loop {
            let bytes = match source.read(&mut block) {
                Ok(0) => break,
                Ok(count) => &block[..count],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(CopyError::Source(error)),
            };
            copied.update(bytes);
            file.write_all(bytes).map_err(store)?;
        }
        if Sha256Digest::from(copied.finalize()) != *digest {
            return Ok(false);
        }
        sync_file(file.as_file()).map_err(store)?;
        file.persist(&path).map_err(|error| store(error.error))?;
        sync_folder(&self.folder).map_err(store)?;
        Ok(true)
    }

    /// The stored file of this digest. Its reader compares the digest.
    pub(crate) fn stored(&self, digest: &str) -> PathBuf {
        self.path(digest)
    }

    /// Removes the pictures that are not `wanted` and are older than `age`, and temporary files of
    /// writes that ended with their process.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read or a file cannot be removed.
    pub(crate) fn remove_others(
        &self,
        wanted: &HashSet<String>,
        age: Duration,
    ) -> io::Result<Freed> {
        cleanup::remove_from(&self.folder, |name, old| {
            if name.starts_with(cleanup::TEMPORARY) {
                return cleanup::is_crashed_write(name, old);
            }
            !wanted.contains(name) && old >= age
        })
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(digest)
    }

    fn load(&self, digest: &str) -> io::Result<String> {
        let text = std::fs::read_to_string(self.path(digest))?;
        if Sha256Digest::from(Sha256::digest(&text)).to_string() != digest {
            let damaged = format!("the picture {digest} is damaged");
            return Err(io::Error::new(io::ErrorKind::InvalidData, damaged));
        }
        Ok(text)
    }

    fn keep(&self, digest: &str, text: &str) -> Result<(), LedgerError> {
        let path = self.path(digest);
        if is_reused(&path, text.len() as u64) {
            return Ok(());
        }
        make_folder(&self.folder)?;
        let write = || {
            let mut file = NamedTempFile::new_in(&self.folder)?;
            file.write_all(text.as_bytes())?;
            sync_file(file.as_file())?;
            file.persist(&path)?;
            sync_folder(&self.folder)
        };
        write().map_err(|source| LedgerError::Folder {
            path: path.clone(),
            source,
        })
    }
}

/// Why a file could not be copied.
#[derive(Debug)]
pub(crate) enum CopyError {
    /// The file cannot be read.
    Source(io::Error),
    /// The copy cannot be written.
    Store(LedgerError),
}

/// Whether a picture is stored already, whole. It counts as new from now on: a program that does
/// not hold the files of the ledger spares it then, too.
fn is_reused(path: &Path, length: u64) -> bool {
    let opened = std::fs::OpenOptions::new().append(true).open(path);
    opened.is_ok_and(|file| {
        let whole = file
            .metadata()
            .is_ok_and(|metadata| metadata.is_file() && metadata.len() == length);
        whole && file.set_modified(SystemTime::now()).is_ok()
    })
}

/// Whether a picture's field holds a URL.
fn is_url(text: &str) -> bool {
    ["http:", "https:", "file:"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cleanup::testing::make_old;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn base64_picture_is_detached_and_attached_again() {
        let folder = tempfile::tempdir().expect("folder");
        let pictures = Pictures::of(folder.path());
        let raw_input = json!({"image": "data:image/png;base64,AAAA", "prompt": "p", "other": "https://a.example/b.png"});
        let mut document = raw_input.clone();
        pictures
            .detach(&mut document, &["/image", "/other", "/absent"])
            .expect("detach");
        let digest = document["image"]["$picture"].as_str().expect("a digest");
        let wanted = HashSet::from([digest.to_owned()]);
        assert_eq!(document["other"], raw_input["other"]);
        let freed = pictures.remove_others(&wanted, Duration::ZERO);
        assert_eq!(freed.expect("clean"), Freed::default());
        let mut back = document.clone();
        pictures.attach(&mut back).expect("attach");
        assert_eq!(back, raw_input);
        let none = HashSet::new();
        pictures.remove_others(&none, HOUR).expect("clean");
        assert!(pictures.attach(&mut document.clone()).is_ok());
        let freed = pictures.remove_others(&none, Duration::ZERO);
        assert_eq!(freed.expect("clean").files, 1);
        assert!(pictures.attach(&mut document).is_err());
    }

    #[test]
    fn stored_picture_that_is_used_again_counts_as_new() {
        let folder = tempfile::tempdir().expect("folder");
        let pictures = Pictures::of(folder.path());
        let detached = || {
            let mut document = json!({"images": ["AAAA"]});
            pictures
                .detach(&mut document, &["/images/0"])
                .expect("detach");
            document
        };
        let document = detached();
        let digest = document["images"][0]["$picture"].as_str().expect("digest");
        make_old(&pictures.path(digest), HOUR * 48);
        let mut again = detached();
        let freed = pictures.remove_others(&HashSet::new(), HOUR);
        assert_eq!(freed.expect("clean"), Freed::default());
        pictures.attach(&mut again).expect("the picture is there");
        assert_eq!(again, json!({"images": ["AAAA"]}));
        // A file that a power cut left empty is written again.
        std::fs::write(pictures.path(digest), "").expect("write");
        pictures.attach(&mut detached()).expect("attach");
    }

    #[test]
    fn file_is_copied_by_its_digest_unless_it_was_changed() {
        let folder = tempfile::tempdir().expect("folder");
        let pictures = Pictures::of(folder.path());
        let bytes = vec![7; 3 * BLOCK + 1];
        let digest = Sha256Digest::from(Sha256::digest(&bytes));
        let copy = |source: &[u8]| pictures.copy(&digest, bytes.len() as u64, source);
        assert!(!copy(b"another").expect("read"), "it was changed");
        assert!(!pictures.stored(&digest.to_string()).exists());
        assert!(copy(&bytes).expect("copy"));
        let stored = std::fs::read(pictures.stored(&digest.to_string()));
        assert_eq!(stored.expect("the copy"), bytes);
        assert!(copy(b"not read").expect("copy"), "it is stored already");
    }

    #[test]
    fn attach_of_a_damaged_picture_fails() {
        let folder = tempfile::tempdir().expect("folder");
        let pictures = Pictures::of(folder.path());
        let mut document = json!({"image": "AAAA"});
        pictures.detach(&mut document, &["/image"]).expect("detach");
        let digest = document["image"]["$picture"].as_str().expect("digest");
        std::fs::write(pictures.path(digest), "AAAB").expect("write");
        assert!(pictures.attach(&mut document).is_err());
    }
}
