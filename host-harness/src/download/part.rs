//! The unfinished file: opened safely, resumed, compared, synced.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use super::aside::set_aside;
use super::error::DownloadError;
use super::files::sync_folder_of;
use super::regular::{open_to_write, remove};
use crate::digest::Sha256Digest;
use crate::durable::sync_file;
use crate::file_type;
use crate::structure::{Ending, ending};

/// How many of the existing bytes are requested again and compared: two versions of a clip
/// do not agree in 64 KiB of compressed data by chance.
pub(super) const OVERLAP: u64 = 64 << 10;

/// The unit in which a power cut loses data; a lost block reads as zeros.
const PAGE: usize = 4 << 10;

/// The unfinished file of a job, beside its target: `<target's name>.<job>.part`.
///
/// The name depends on nothing else, so that a later process can resume the file.
#[must_use]
pub fn part_of(target: &Path, job: &str) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".");
    name.push(job);
    name.push(".part");
    name.into()
}

/// The name of the copy of an unfinished file, while it is written beside a target on another mount.
pub(super) fn copy_of(part: &Path) -> PathBuf {
    part.with_extension("copy")
}

/// An unfinished file that is being written.
pub(super) struct Part {
    path: PathBuf,
    file: tokio::fs::File,
    /// Its length when it was opened or restarted.
    there: u64,
    /// How far it has been read, compared or written; `digest` covers these bytes.
    position: u64,
    digest: Sha256,
    header: Vec<u8>,
    is_stale: bool,
}

impl Part {
    /// Opens or creates the file. The download resumes at [`Part::position`], which is 0 if
    /// the file is too short to be resumed.
    pub(super) async fn open(path: &Path) -> Result<Self, DownloadError> {
        let owned = path.to_owned();
        let opening = move || {
            let mut file = open_to_write(&owned)?;
            let read = begun(&mut file).map_err(|source| DownloadError::Write {
                path: owned.clone(),
                source,
            });
            let Begun {
                there,
                position,
                digest,
                header,
            } = read?;
            Ok(Self {
                path: owned,
                file: tokio::fs::File::from_std(file),
                there,
                position,
                digest,
                header,
                is_stale: false,
            })
        };
        match tokio::task::spawn_blocking(opening).await {
            Ok(opened) => opened,
            Err(error) => Err(DownloadError::Write {
                path: path.to_owned(),
                source: error.into(),
            }),
        }
    }

    /// The offset at which the download resumes.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Its length, including bytes that have not been compared yet.
    pub(super) fn bytes(&self) -> u64 {
        self.there.max(self.position)
    }

    /// Its first bytes, as many as the file type takes.
    pub(super) fn header(&self) -> &[u8] {
        &self.header
    }

    /// The digest of the bytes before [`Part::position`].
    pub(super) fn sha256(&self) -> Sha256Digest {
        self.digest.clone().finalize().into()
    }

    /// Begins again. What the file has is kept until the first byte comes.
    pub(super) async fn restart(&mut self) -> Result<(), DownloadError> {
        let begun = self.file.seek(SeekFrom::Start(0)).await;
        begun.map_err(|source| self.unwritable(source))?;
        self.is_stale |= self.bytes() > 0;
        self.there = 0;
        self.position = 0;
        self.digest = Sha256::new();
        self.header.clear();
        Ok(())
    }

    /// Whether the file still has the bytes from before [`Part::restart`].
    pub(super) fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Empties the file before its new first byte.
    async fn empty(&mut self) -> Result<(), DownloadError> {
        let emptied = async {
            self.file.set_len(0).await?;
            self.file.seek(SeekFrom::Start(0)).await
        };
        emptied.await.map_err(|source| self.unwritable(source))?;
        self.is_stale = false;
        Ok(())
    }

    /// Takes the bytes at the position: compares those that exist, writes the others.
    pub(super) async fn take(&mut self, bytes: &[u8]) -> Result<Taken, DownloadError> {
        if self.is_stale && !bytes.is_empty() {
            self.empty().await?;
        }
        let known = self.there.saturating_sub(self.position);
        let known = usize::try_from(known).map_or(bytes.len(), |known| known.min(bytes.len()));
        let (known, new) = bytes.split_at(known);
        let compared = async {
            let mut here = vec![0; known.len()];
            self.file.read_exact(&mut here).await?;
            if here != known {
                return Ok(false);
            }
            self.file.write_all(new).await?;
            Ok(true)
        };
        if !compared.await.map_err(|source| self.unwritable(source))? {
            return Ok(Taken::Differs);
        }
        self.digest.update(bytes);
        self.position += bytes.len() as u64;
        Ok(if file_type::remember(&mut self.header, bytes) {
            Taken::Header
        } else {
            Taken::More
        })
    }

    /// Writes everything to the system, so that it survives this process.
    pub(super) async fn flush(&mut self) -> Result<(), DownloadError> {
        let flushed = self.file.flush().await;
        flushed.map_err(|source| self.unwritable(source))
    }

    /// Syncs the file and its folder entry to the disk, through the handle that is open.
    pub(super) async fn sync(mut self) -> Result<(), DownloadError> {
        self.flush().await?;
        let path = self.path.clone();
        let file = self.file.into_std().await;
        let sync = move || {
            let synced = sync_file(&file).and_then(|()| sync_folder_of(&path));
            // The system may have discarded the data that it could not write, and reports that
            // only once: this file is never continued. It may be all that there is, though.
            synced.map_err(|source| DownloadError::Unsynced {
                kept: set_aside(&path),
                source,
            })
        };
        match tokio::task::spawn_blocking(sync).await {
            Ok(synced) => synced,
            Err(error) => Err(DownloadError::Write {
                path: self.path,
                source: error.into(),
            }),
        }
    }

    /// Whether it ends where the format of this media type says.
    pub(super) async fn ending(
        &mut self,
        media_type: &'static str,
    ) -> Result<Ending, DownloadError> {
        let read = async {
            self.file.flush().await?;
            let mut file = self.file.try_clone().await?.into_std().await;
            let position = SeekFrom::Start(self.position);
            let read = move || {
                let ending = ending(&mut file, media_type)?;
                // The clone has the same position.
                file.seek(position)?;
                Ok(ending)
            };
            tokio::task::spawn_blocking(read).await?
        };
        read.await.map_err(|source| DownloadError::Read {
            path: self.path.clone(),
            source,
        })
    }

    /// Removes it.
    pub(super) fn discard(self) {
        remove(&self.path);
    }

    fn unwritable(&self, source: io::Error) -> DownloadError {
        DownloadError::Write {
            path: self.path.clone(),
            source,
        }
    }
}

/// The result of [`Part::take`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// The bytes are part of the file.
    More,
    /// The bytes are part of the file, and [`Part::header`] became complete.
    Header,
    /// The bytes differ from the existing ones.
    Differs,
}

struct Begun {
    there: u64,
    position: u64,
    digest: Sha256,
    header: Vec<u8>,
}

/// Reads the bytes that need not be compared again: all but the overlap, up to the first
/// block of zeros. Leaves the file at the position.
fn begun(file: &mut File) -> io::Result<Begun> {
    let there = file.metadata()?.len();
    let trusted = there.saturating_sub(OVERLAP);
    let mut begun = Begun {
        there,
        position: 0,
        digest: Sha256::new(),
        header: Vec::new(),
    };
    let mut block = vec![0; 64 << 10];
    'all: while begun.position < trusted {
        let left = usize::try_from(trusted - begun.position).unwrap_or(usize::MAX);
        let block = &mut block[..left.min(64 << 10)];
        file.read_exact(block)?;
        for page in block.chunks(PAGE) {
            if page.len() == PAGE && page.iter().all(|byte| *byte == 0) {
                break 'all;
            }
            begun.digest.update(page);
            begun.position += page.len() as u64;
            file_type::remember(&mut begun.header, page);
        }
    }
    file.seek(SeekFrom::Start(begun.position))?;
    Ok(begun)
}
