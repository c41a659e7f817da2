//! Errors of the record of trusted files.

use std::io;
use std::path::PathBuf;

use crate::bounded::FileFault;
use crate::sanitize::escaped_path;

/// Why the record of trusted files cannot be used. Never quotes the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The record cannot be read.
    #[error("the record of trusted files `{}` cannot be read", escaped_path(path))]
    Read {
        /// The record.
        path: PathBuf,
        /// Why.
        source: FileFault,
    },
    /// The record is damaged.
    #[error(
        "the record of trusted files `{}` is damaged, at line {line}, column {column}; delete it to trust no file, then trust each file again",
        escaped_path(path)
    )]
    Content {
        /// The record.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// Another version of the program wrote the record.
    #[error(
        "the record of trusted files `{}` has version {version}, which this program cannot read; use the program that wrote it",
        escaped_path(path)
    )]
    Version {
        /// The record.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// Other users can write the record or its folder.
    #[error(
        "the record of trusted files `{}` trusts no file, since other users can write `{place}`; run `chmod go-w '{place}'`, then read `zoetrope trust --list`",
        escaped_path(path),
        place = escaped_path(place)
    )]
    WritableByOthers {
        /// The record.
        path: PathBuf,
        /// The record or its folder.
        place: PathBuf,
    },
    /// Another user owns the record or its folder.
    #[error(
        "the record of trusted files `{}` trusts no file, since `{}` belongs to another user; move it away, then trust each file again",
        escaped_path(path),
        escaped_path(place)
    )]
    OfAnotherUser {
        /// The record.
        path: PathBuf,
        /// The record or its folder.
        place: PathBuf,
    },
    /// The record has no place for another file.
    #[error(
        "the record of trusted files `{}` is full; remove files from it with `zoetrope trust --revoke`",
        escaped_path(path)
    )]
    Full {
        /// The record.
        path: PathBuf,
    },
    /// The record cannot be written.
    #[error(
        "the record of trusted files `{}` cannot be written",
        escaped_path(path)
    )]
    Write {
        /// The record.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}
