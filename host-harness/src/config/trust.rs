//! The record of the configuration files that the user trusts.
//!
//! The record is a JSON document outside of the folders of these files. It has the absolute path
//! of each file, the digest of its bytes, and its text, for the difference to a later one.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::source::ConfigFile;
use super::write::{create_private_folder, replace_file};
use crate::bounded::{self, Content, FileFault, Links};
use crate::digest::Sha256Digest;
use crate::hex;
use crate::sanitize::escaped_bytes;

mod error;
mod place;

pub use error::TrustError;

/// The version of the record's form.
const VERSION: u64 = 1;

/// The longest record, in bytes: 16 files of the greatest length, or thousands of usual ones.
const MAX_BYTES: u64 = 32 << 20;

/// The most files of a record.
const MAX_FILES: usize = 4_096;

/// The trusted files, in the order in which they were trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustRecord {
    files: Vec<TrustedFile>,
}

impl TrustRecord {
    /// Reads the record at `path`; an empty one if there is no file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or parsed, has a later version, or if another user owns
    /// or can write it or its folder.
    pub fn read(path: &Path) -> Result<Self, TrustError> {
        let failed = |source| TrustError::Read {
            path: path.to_owned(),
            source,
        };
        match bounded::read(path, Links::Followed, MAX_BYTES) {
            Ok(Content { bytes, metadata }) => {
                place::check(path, path, &metadata)?;
                place::check_folder(path)?;
                Self::parse(&bytes, path)
            }
            Err(FileFault::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            Err(fault) => Err(failed(fault)),
        }
    }

    /// Parses `bytes`, the content of `path`.
    ///
    /// # Errors
    ///
    /// When it is not a record of this version. The error never quotes the file.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, TrustError> {
        let content = |line, column| TrustError::Content {
            path: path.to_owned(),
            line,
            column,
        };
        let malformed = |error: &serde_json::Error| content(error.line(), error.column());
        let Version { version } =
            serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
        if version != VERSION {
            let path = path.to_owned();
            return Err(TrustError::Version { path, version });
        }
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
        let files = document.files.into_iter().map(TrustedFile::of);
        let files: Option<Vec<_>> = files.collect();
        let files = files.ok_or_else(|| content(1, 1))?;
        let mut paths: Vec<_> = files.iter().map(|file| &file.path).collect();
        paths.sort();
        if paths.windows(2).any(|pair| pair[0] == pair[1]) || files.len() > MAX_FILES {
            return Err(content(1, 1));
        }
        Ok(Self { files })
    }

    /// The files, in the order in which they were trusted.
    #[must_use]
    pub fn files(&self) -> &[TrustedFile] {
        &self.files
    }

    /// The trusted file of this absolute path, whatever its content is now.
    #[must_use]
    pub fn entry(&self, path: &Path) -> Option<&TrustedFile> {
        self.files.iter().find(|file| file.is_at(path))
    }

    /// Whether the file is trusted with its present content.
    #[must_use]
    pub fn trusts(&self, file: &ConfigFile) -> bool {
        let entry = self.entry(file.path());
        entry.is_some_and(|entry| entry.digest == file.digest())
    }

    /// Adds a file to the record at `path`, or renews its entry. The record is created if it is
    /// absent.
    ///
    /// # Errors
    ///
    /// When the record cannot be read or written. It is unchanged then.
    pub fn add(path: &Path, file: &ConfigFile, at: Timestamp) -> Result<(), TrustError> {
        let added = TrustedFile {
            path: bytes_of(file.path()),
            digest: file.digest(),
            text: file.text().to_owned(),
            trusted_at: at,
        };
        update(path, |record| {
            record.files.retain(|known| known.path != added.path);
            record.files.push(added);
            true
        })?;
        Ok(())
    }

    /// Removes a file from the record at `path`; returns whether it was there.
    ///
    /// # Errors
    ///
    /// When the record cannot be read or written. It is unchanged then.
    pub fn remove(path: &Path, file: &Path) -> Result<bool, TrustError> {
        update(path, |record| {
            let before = record.files.len();
            record.files.retain(|known| !known.is_at(file));
            record.files.len() < before
        })
    }

    /// The record as a JSON document.
    #[must_use]
    pub fn to_json(&self) -> String {
        let document = Document {
            version: VERSION,
            files: self.files.iter().map(TrustedFile::to_entry).collect(),
        };
        // A document of texts and numbers has a JSON form.
        serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
    }
}

/// A file of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedFile {
    /// The platform's own encoding, which need not be UTF-8.
    path: Vec<u8>,
    digest: Sha256Digest,
    text: String,
    trusted_at: Timestamp,
}

impl TrustedFile {
    /// Its absolute path for people, with control characters and invalid bytes escaped.
    #[must_use]
    pub fn shown_path(&self) -> String {
        escaped_bytes(&self.path)
    }

    /// The digest of the bytes that were trusted.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// The text that was trusted.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// When it was trusted.
    #[must_use]
    pub fn trusted_at(&self) -> Timestamp {
        self.trusted_at
    }

    fn is_at(&self, path: &Path) -> bool {
        self.path == path.as_os_str().as_encoded_bytes()
    }

    /// `None` if the entry has no path or two, or no digest.
    fn of(entry: Entry) -> Option<Self> {
        let path = match (entry.path, entry.path_hex) {
            (Some(path), None) => path.into_bytes(),
            (None, Some(digits)) => {
                let path = hex::decoded_bytes(&digits)?;
                // One form for each path.
                std::str::from_utf8(&path).is_err().then_some(path)?
            }
            _ => return None,
        };
        Some(Self {
            path,
            digest: entry.sha256.parse().ok()?,
            text: entry.text,
            trusted_at: entry.trusted_at,
        })
    }

    fn to_entry(&self) -> Entry {
        let path = std::str::from_utf8(&self.path).ok();
        Entry {
            path: path.map(str::to_owned),
            path_hex: match path {
                Some(_) => None,
                None => Some(hex::encoded(&self.path).to_string()),
            },
            sha256: self.digest.to_string(),
            text: self.text.clone(),
            trusted_at: self.trusted_at,
        }
    }
}

/// The version alone: other versions may have other keys.
#[derive(Deserialize)]
struct Version {
    version: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    files: Vec<Entry>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The bytes of a path that is not UTF-8, in place of `path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_hex: Option<String>,
    sha256: String,
    text: String,
    trusted_at: Timestamp,
}

fn bytes_of(path: &Path) -> Vec<u8> {
    path.as_os_str().as_encoded_bytes().to_vec()
}

/// Changes the record, unless `change` returns `false`; returns what it returned. Two processes
/// take turns, so that neither loses the other's change.
fn update(path: &Path, change: impl FnOnce(&mut TrustRecord) -> bool) -> Result<bool, TrustError> {
    let failed = |source| TrustError::Write {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    create_private_folder(folder).map_err(failed)?;
    place::check_folder(path)?;
    let lock = place::locked(&folder.join("trust.lock")).map_err(failed)?;
    let mut record = TrustRecord::read(path)?;
    let is_changed = change(&mut record);
    if is_changed {
        let text = record.to_json();
        if record.files.len() > MAX_FILES || text.len() as u64 > MAX_BYTES {
            let path = path.to_owned();
            return Err(TrustError::Full { path });
        }
        replace_file(path, &text).map_err(failed)?;
    }
    drop(lock);
    Ok(is_changed)
}
