//! A configuration file that was read.

use std::fmt;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use crate::bounded::{self, FileFault, Links};
use crate::digest::Sha256Digest;
use crate::text_file::decoded;

/// The longest configuration, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// A configuration file that was read once: its digest and its text are those of the same
/// bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigFile {
    path: PathBuf,
    text: String,
    digest: Sha256Digest,
}

impl ConfigFile {
    /// Reads a file that the user named, or the user's own one. Symbolic links are followed. A pipe
    /// of the caller, such as the `/dev/fd/63` of a shell's `<(…)`, can be read once.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is not a regular file or such a pipe of at most 1 MiB of text in
    /// UTF-8 or UTF-16.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::open(path, Links::Followed)
    }

    /// Reads a file that was found in a folder. A symbolic link is refused.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and when it is a symbolic link.
    pub fn read_found(path: &Path) -> Result<Self, ConfigError> {
        Self::open(path, Links::Refused)
    }

    fn open(path: &Path, links: Links) -> Result<Self, ConfigError> {
        let read = match bounded::read(path, links, MAX_BYTES) {
            Err(FileFault::NotRegular) if links == Links::Followed => {
                bounded::read_inherited_pipe(path, MAX_BYTES)
            }
            read => read.map(|read| read.bytes),
        };
        let read = read.and_then(|bytes| {
            let text = decoded(&bytes).map_err(FileFault::NotText)?;
            Ok((Sha256Digest::of(&bytes), text))
        });
        let (digest, text) = read.map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            text,
            digest,
        })
    }

    /// A file of this content, as this process wrote it.
    #[must_use]
    pub fn written(path: &Path, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            digest: Sha256Digest::of(text.as_bytes()),
        }
    }

    /// The path that it was read from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The digest of its bytes.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        self.digest
    }
}

/// Without the text, which may contain a misplaced credential.
impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ConfigFile");
        shown.field("path", &self.path);
        shown.field("digest", &self.digest);
        shown.finish_non_exhaustive()
    }
}
