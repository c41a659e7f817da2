//! From a clip's URL to a file, whole or not at all.
//!
//! The bytes go to a `.part` beside the target; only when they are all there, of the
//! announced kind and length, and on the disk, does the file get its name. A target that
//! exists is not replaced unless that was asked for.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;
use url::Url;

use crate::connections::OpenConnection;
use crate::contract::MediaKind;
use crate::digest::Sha256Digest;
use crate::egress::{AddressRule, Egress, FetchError, Lost, Wanted};
use crate::sniff::{self, Kind};
use crate::urls::shown;

/// Longest file that is downloaded unless a caller says otherwise, in bytes.
pub const LONGEST: u64 = 2 << 30;

/// What to download, and to where.
pub struct Download<'a> {
    /// The clip's or picture's URL.
    pub url: &'a str,
    /// What it must be.
    pub kind: MediaKind,
    /// Where else than on the internet it may be.
    pub rule: AddressRule,
    /// The connection whose credential it takes, if any; sent to its origin only.
    pub credential: Option<&'a OpenConnection>,
    /// Its digest in lower-case hexadecimal, if the provider told.
    pub sha256: Option<&'a str>,
    /// The file to make.
    pub target: &'a Path,
    /// Whether a file that is there already is replaced.
    pub force: bool,
    /// Longest that it may be, in bytes; [`LONGEST`] is a good choice.
    pub limit: u64,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes so far.
    pub bytes: u64,
    /// Bytes in all, when the server tells.
    pub total: Option<u64>,
}

/// A file that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// Where it is: absolute.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Sha256Digest,
    /// What it is, by its first bytes: `video/mp4`.
    pub media_type: &'static str,
}

/// Why a file cannot be made where it should be.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Something is there already.
    #[error("`{}` exists already", path.display())]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// Not the name of a file.
    #[error("`{}` is a folder, not a file", path.display())]
    IsAFolder {
        /// The target.
        path: PathBuf,
    },
    /// Nothing can be written there.
    #[error("nothing can be written to the folder `{}`", folder.display())]
    Unwritable {
        /// The target's folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The file cannot be made where it should be.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// There is nothing to be had at the URL.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The download broke off.
    #[error("the download of {url} broke off")]
    Broken {
        /// The URL without its query.
        url: String,
        /// Why.
        source: Lost,
    },
    /// It is longer than it may be.
    #[error("{url} is longer than {limit} bytes")]
    TooLong {
        /// The URL without its query.
        url: String,
        /// The limit.
        limit: u64,
    },
    /// It is something else.
    #[error("{url} should be a {expected}, but {what} came")]
    WrongKind {
        /// The URL without its query.
        url: String,
        /// What it should be.
        expected: &'static str,
        /// What came, by its first bytes.
        what: String,
    },
    /// It is not what the provider says it made.
    #[error("the file from {url} has another SHA-256 than the provider says")]
    Digest {
        /// The URL without its query.
        url: String,
    },
    /// It cannot be written.
    #[error("`{}` cannot be written", path.display())]
    Write {
        /// The target.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Whether a file can be made at `target`: to be asked before anything is paid for.
///
/// # Errors
///
/// When something is there and `force` is not set, or when nothing can be written there.
pub fn check_target(target: &Path, force: bool) -> Result<(), TargetError> {
    part(target, force).map(drop)
}

/// Downloads a clip or picture. `progress` is called after every piece.
///
/// # Errors
///
/// When it cannot be had whole and of the right kind, or not be written. Nothing is left
/// behind then.
pub async fn download(
    egress: &Egress,
    wanted: &Download<'_>,
    mut progress: impl FnMut(Received),
) -> Result<Downloaded, DownloadError> {
    let url = Url::parse(wanted.url).map_err(|_| FetchError::Url)?;
    let part = part(wanted.target, wanted.force)?;
    let unwritable = |source| DownloadError::Write {
        path: wanted.target.to_owned(),
        source,
    };
    let mut reply = egress
        .fetch(Wanted {
            url: url.clone(),
            rule: wanted.rule,
            credential: wanted.credential,
            from: 0,
        })
        .await?;
    let total = reply.announced();
    let too_long = || DownloadError::TooLong {
        url: shown(&url),
        limit: wanted.limit,
    };
    if total.is_some_and(|total| total > wanted.limit) {
        return Err(too_long());
    }
    let broken = |source| DownloadError::Broken {
        url: shown(&url),
        source,
    };
    let mut file = tokio::fs::File::from_std(part.reopen().map_err(unwritable)?);
    let mut digest = Sha256::new();
    let mut header = Vec::new();
    let mut received = Received { bytes: 0, total };
    let idle = egress.limits().idle;
    while let Some(bytes) = reply.chunk(idle).await.map_err(broken)? {
        received.bytes += bytes.len() as u64;
        if received.bytes > wanted.limit {
            return Err(too_long());
        }
        // A page instead of a clip is seen before it is all here.
        if header.len() < sniff::HEADER && remember(&mut header, &bytes) {
            recognised(&header, wanted.kind, &url)?;
        }
        digest.update(&bytes);
        file.write_all(&bytes).await.map_err(unwritable)?;
        progress(received);
    }
    let media_type = recognised(&header, wanted.kind, &url)?;
    if let Some(announced) = total.filter(|total| *total != received.bytes) {
        return Err(broken(Lost::Length {
            announced,
            actual: received.bytes,
        }));
    }
    let sha256 = Sha256Digest::from(digest.finalize());
    if wanted
        .sha256
        .is_some_and(|told| !told.eq_ignore_ascii_case(&sha256.to_string()))
    {
        return Err(DownloadError::Digest { url: shown(&url) });
    }
    file.flush().await.map_err(unwritable)?;
    file.sync_all().await.map_err(unwritable)?;
    drop(file);
    let path = place(part, wanted.target, wanted.force)?;
    Ok(Downloaded {
        path,
        bytes: received.bytes,
        sha256,
        media_type,
    })
}

/// Adds to the header; whether that made it long enough to be judged.
fn remember(header: &mut Vec<u8>, bytes: &Bytes) -> bool {
    let room = sniff::HEADER - header.len();
    header.extend_from_slice(&bytes[..bytes.len().min(room)]);
    header.len() == sniff::HEADER
}

fn recognised(header: &[u8], kind: MediaKind, url: &Url) -> Result<&'static str, DownloadError> {
    match (kind, sniff::kind(header)) {
        (MediaKind::Image, Kind::Image(media_type))
        | (MediaKind::Video, Kind::Video(media_type)) => Ok(media_type),
        (_, came) => Err(DownloadError::WrongKind {
            url: shown(url),
            expected: kind.as_str(),
            what: came.to_string(),
        }),
    }
}

/// An empty `.part` in the target's folder, with the rights of an ordinary new file; it
/// is removed when it is dropped.
fn part(target: &Path, force: bool) -> Result<NamedTempFile, TargetError> {
    let exists = |path: &Path| TargetError::Exists {
        path: path.to_owned(),
    };
    match std::fs::symlink_metadata(target) {
        Ok(metadata) if metadata.is_dir() => {
            return Err(TargetError::IsAFolder {
                path: target.to_owned(),
            });
        }
        Ok(_) if !force => return Err(exists(target)),
        _ => {}
    }
    let ends_in_a_separator = target
        .as_os_str()
        .as_encoded_bytes()
        .last()
        .is_some_and(|last| std::path::is_separator(char::from(*last)));
    let name = target.file_name().filter(|_| !ends_in_a_separator);
    let Some(name) = name else {
        return Err(TargetError::IsAFolder {
            path: target.to_owned(),
        });
    };
    let folder = folder_of(target);
    let mut builder = tempfile::Builder::new();
    let mut prefix = name.to_owned();
    prefix.push(".");
    builder.prefix(&prefix).suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
        .tempfile_in(folder)
        .map_err(|source| TargetError::Unwritable {
            folder: folder.to_owned(),
            source,
        })
}

/// Gives the whole file its name.
fn place(part: NamedTempFile, target: &Path, force: bool) -> Result<PathBuf, DownloadError> {
    let unwritable = |source| DownloadError::Write {
        path: target.to_owned(),
        source,
    };
    let placed = if force {
        part.persist(target)
    } else {
        part.persist_noclobber(target)
    };
    placed.map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => TargetError::Exists {
            path: target.to_owned(),
        }
        .into(),
        _ => unwritable(error.error),
    })?;
    // The name, too, must survive a power cut.
    #[cfg(unix)]
    std::fs::File::open(folder_of(target))
        .and_then(|folder| folder.sync_all())
        .map_err(unwritable)?;
    std::path::absolute(target).map_err(unwritable)
}

fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests;
