//! Files that were inside a reply, and complete files that wait for the others of their result.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::aside::set_aside;
use super::error::DownloadError;
use super::files::{Fetched, sync_folder_of};
use super::regular::{digest_of, open_to_read, open_to_write};
use super::transfer::recognised;
use crate::contract::MediaKind;
use crate::digest::Sha256Digest;
use crate::durable::sync_file;
use crate::file_type;

/// What an error names in the place of a URL.
const IN_THE_REPLY: &str = "the provider's reply";

/// Whether bytes begin as a file of this kind.
pub(crate) fn is_of_kind(kind: MediaKind, bytes: &[u8]) -> bool {
    let header = &bytes[..bytes.len().min(file_type::HEADER)];
    recognised(kind, header, String::new).is_ok()
}

/// Keeps a complete unfinished file under a name of its own, which says that it is complete:
/// `<target's name>.<job>.complete`. Survives a power cut.
///
/// # Errors
///
/// When it cannot be renamed.
pub(crate) fn keep(part: &Path) -> Result<(), DownloadError> {
    let complete = complete_of(part);
    let kept = std::fs::rename(part, &complete).and_then(|()| sync_folder_of(&complete));
    kept.map_err(|source| DownloadError::Write {
        path: complete,
        source,
    })
}

/// The name of a complete file that has not got its final name.
pub(crate) fn complete_of(part: &Path) -> PathBuf {
    part.with_extension("complete")
}

/// The length of a job's id, and of the random part in the name of a probe for a writable folder.
const ID: usize = 36;

/// The job's id in the name of a file that [`part_of`](super::part::part_of), [`complete_of`],
/// [`unverified_of`](super::aside::unverified_of) or [`copy_of`](super::part::copy_of) names.
pub(crate) fn job_of(name: &str) -> Option<&str> {
    let named = name
        .strip_suffix(".part")
        .or_else(|| name.strip_suffix(".complete"))
        .or_else(|| name.strip_suffix(".unverified"))
        .or_else(|| name.strip_suffix(".copy"))?;
    let (target, id) = named.rsplit_once('.')?;
    (!target.is_empty() && id.len() == ID).then_some(id)
}

/// The complete file of this kind that was kept, if there is one. Blocks while it reads the file.
pub(crate) fn kept(part: &Path, kind: MediaKind) -> Option<Fetched> {
    let path = complete_of(part);
    let mut header = Vec::new();
    let file = open_to_read(&path).ok()?;
    let length = file.metadata().ok()?.len();
    file.take(file_type::HEADER as u64)
        .read_to_end(&mut header)
        .ok()?;
    Some(Fetched {
        bytes: length,
        sha256: digest_of(&path).ok()??,
        media_type: recognised(kind, &header, String::new).ok()?,
    })
}

/// Writes `bytes`, a file of this kind and, if it is announced, of this digest, to the unfinished
/// file `path`. When it returns, the file survives a power cut. Blocks while it writes.
///
/// # Errors
///
/// When the bytes are of another kind or digest, or cannot be written.
pub(crate) fn write(
    path: &Path,
    kind: MediaKind,
    announced: Option<&str>,
    bytes: &[u8],
) -> Result<Fetched, DownloadError> {
    let header = &bytes[..bytes.len().min(file_type::HEADER)];
    let media_type = recognised(kind, header, || IN_THE_REPLY.into())?;
    let sha256 = Sha256Digest::of(bytes);
    let is_announced = announced.is_none_or(|text| text.eq_ignore_ascii_case(&sha256.to_string()));
    let mut file = open_to_write(path)?;
    let mut write = || -> io::Result<()> {
        file.set_len(0)?;
        file.write_all(bytes)?;
        sync_file(&file)?;
        sync_folder_of(path)
    };
    write().map_err(|source| DownloadError::Write {
        path: path.to_owned(),
        source,
    })?;
    if !is_announced {
        drop(file);
        return Err(DownloadError::Digest {
            url: IN_THE_REPLY.into(),
            kept: set_aside(path),
        });
    }
    Ok(Fetched {
        bytes: bytes.len() as u64,
        sha256,
        media_type,
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::aside::unverified_of;
    use super::super::part;
    use super::*;

    #[test]
    fn only_names_with_the_id_of_a_job_are_unfinished_files() {
        let id = Uuid::nil().to_string();
        let part = part::part_of(Path::new("clip.mp4"), &id);
        let complete = complete_of(&part);
        let unverified = unverified_of(&part, 1);
        let second = unverified_of(&part, 2);
        let copy = part::copy_of(&part);
        for built in [part, complete, unverified, second, copy] {
            let name = built.to_str().expect("a name");
            assert_eq!(job_of(name), Some(id.as_str()), "{name}");
        }
        for (name, expected) in [
            (format!("clip.mp4.{id}.part"), true),
            (format!("clip.mp4.{id}.complete"), true),
            (format!("clip-2.{id}.part"), true),
            (format!("clip.mp4.{id}.mp4"), false),
            (format!("{id}.part"), false),
            (format!(".{id}.part"), false),
            ("clip.mp4.0123456789abcdef.part".into(), false),
            ("download.part".into(), false),
        ] {
            assert_eq!(job_of(&name), expected.then_some(id.as_str()), "{name}");
        }
    }
}
