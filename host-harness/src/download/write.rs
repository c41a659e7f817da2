//! Writes a file that is in memory to its unfinished file.

use std::io::{self, Write as _};
use std::path::Path;

use super::error::DownloadError;
use super::files::{Fetched, sync_folder_of};
use super::part;
use super::transfer::recognised;
use crate::contract::MediaKind;
use crate::digest::Sha256Digest;
use crate::file_type;

/// What an error names in the place of a URL.
const IN_THE_REPLY: &str = "the provider's reply";

/// Writes `bytes`, a file of this kind, to the unfinished file `path`. When it returns, the file
/// survives a power cut. Blocks while it writes.
///
/// # Errors
///
/// When the bytes are of another kind, or cannot be written.
pub(crate) fn write(path: &Path, kind: MediaKind, bytes: &[u8]) -> Result<Fetched, DownloadError> {
    let header = &bytes[..bytes.len().min(file_type::HEADER)];
    let media_type = recognised(kind, header, || IN_THE_REPLY.into())?;
    let mut file = part::open_to_write(path)?;
    let mut write = || -> io::Result<()> {
        file.set_len(0)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        sync_folder_of(path)
    };
    write().map_err(|source| DownloadError::Write {
        path: path.to_owned(),
        source,
    })?;
    Ok(Fetched {
        bytes: bytes.len() as u64,
        sha256: Sha256Digest::of(bytes),
        media_type,
    })
}
