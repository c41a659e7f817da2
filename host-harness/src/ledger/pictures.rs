//! Pictures that an input contains as base64. They are stored as files beside the rows, since
//! a row is read and written at every poll.
//!
//! In a document, such a picture is replaced by `{"$picture": DIGEST}`, which no schema of a
//! picture field admits. The file holds the replaced text.

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::error::LedgerError;
use super::open::make_folder;
use crate::digest::Sha256Digest;

/// The folder in the data directory.
const FOLDER: &str = "pictures";

/// The key of the object that replaces a picture in a document.
const MARK: &str = "$picture";

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
    /// files, which are synced when this returns.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn detach(&self, document: &mut Value, fields: &[&str]) -> Result<(), LedgerError> {
        for field in fields {
            let Some(value) = document.pointer_mut(field) else {
                continue;
            };
            if let Some(text) = value.as_str().filter(|text| !is_url(text)) {
                let digest = Sha256Digest::from(Sha256::digest(text)).to_string();
                self.keep(&digest, text)?;
                *value = json!({ MARK: digest });
            }
        }
        Ok(())
    }

    /// Puts the pictures back into `document`.
    ///
    /// # Errors
    ///
    /// When a file is missing, unreadable or damaged.
    pub fn attach(&self, document: &mut Value) -> io::Result<()> {
        let Value::Object(fields) = document else {
            return Ok(());
        };
        for value in fields.values_mut() {
            let Some(digest) = value.get(MARK).and_then(Value::as_str) else {
                continue;
            };
            let text = std::fs::read_to_string(self.path(digest))?;
            if Sha256Digest::from(Sha256::digest(&text)).to_string() != digest {
                let damaged = format!("the picture {digest} is damaged");
                return Err(io::Error::new(io::ErrorKind::InvalidData, damaged));
            }
            *value = text.into();
        }
        Ok(())
    }

    /// Removes the pictures that none of these documents mentions and that are older than
    /// `age`: a younger one may belong to a row that is not inserted yet.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read or a file cannot be removed.
    pub fn keep_only<'a>(
        &self,
        documents: impl Iterator<Item = &'a str>,
        age: Duration,
    ) -> io::Result<()> {
        let mut wanted = HashSet::new();
        for document in documents {
            if let Ok(Value::Object(fields)) = serde_json::from_str(document) {
                let marks = fields
                    .values()
                    .filter_map(|value| value.get(MARK)?.as_str());
                wanted.extend(marks.map(str::to_owned));
            }
        }
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let is_wanted = name.to_str().is_some_and(|name| wanted.contains(name));
            let age_now = entry.metadata()?.modified()?.elapsed();
            if !is_wanted && age_now.is_ok_and(|it| it >= age) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(digest)
    }

    fn keep(&self, digest: &str, text: &str) -> Result<(), LedgerError> {
        let path = self.path(digest);
        if path.exists() {
            return Ok(());
        }
        make_folder(&self.folder)?;
        let write = || {
            let mut file = NamedTempFile::new_in(&self.folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            std::fs::File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| LedgerError::Folder {
            path: path.clone(),
            source,
        })
    }
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
    use super::*;

    #[test]
    fn base64_picture_is_detached_and_attached_again() {
        let folder = tempfile::tempdir().expect("folder");
        let pictures = Pictures::of(folder.path());
        let raw_input = json!({"image": "data:image/png;base64,AAAA", "prompt": "p", "other": "https://a.example/b.png"});
        let mut document = raw_input.clone();
        pictures
            .detach(&mut document, &["/image", "/other", "/absent"])
            .expect("detach");
        assert!(document["image"]["$picture"].is_string());
        assert_eq!(document["other"], raw_input["other"]);
        pictures
            .keep_only([document.to_string().as_str()].into_iter(), Duration::ZERO)
            .expect("keep");
        let mut back = document.clone();
        pictures.attach(&mut back).expect("attach");
        assert_eq!(back, raw_input);
        let hour = Duration::from_hours(1);
        pictures.keep_only(std::iter::empty(), hour).expect("keep");
        assert!(pictures.attach(&mut document.clone()).is_ok());
        pictures
            .keep_only(std::iter::empty(), Duration::ZERO)
            .expect("keep");
        assert!(pictures.attach(&mut document).is_err());
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
