//! Downloads a clip atomically to a file, in two steps.
//!
//! [`fetch`] writes the bytes to an unfinished file beside the target ([`part_of`]). When it
//! returns, the file is complete, synced to the disk, and has the expected kind, length and
//! digest. [`finalize()`] gives the file its final name. A caller commits the digest between the
//! two steps. After a crash at any later point, either the unfinished file or the named one
//! is the clip, and [`finalize()`] can be repeated.
//!
//! [`check_target`] tries in the target's folder what is done with a result, before money is spent.
//! `rename` gives the final name by what the file system can do.
//!
//! # Resuming
//!
//! The bytes of an interrupted download are kept. The next [`fetch`] requests the rest of the
//! file and the last 64 KiB of the existing bytes. If these 64 KiB are equal, the rest is
//! appended; otherwise the file is downloaded again from its start, once. No validator
//! (`ETag`, `Last-Modified`) is stored: every poll may return another URL, on another host,
//! for the same bytes, so a validator could not be used.
//!
//! A body with a `content-encoding` is decoded while it is written, and the length limit holds
//! for the decoded file. A range of an encoded body is a part of the encoded bytes, so the
//! download of an encoded body is not continued: it starts again. A part of one may be continued
//! if a later server sends the file without encoding and the 64 KiB are equal.
//!
//! # The end of a file
//!
//! A file is complete if its length was announced, by `content-length` or the total of a
//! `content-range`; if the reply itself has an end (a last chunk, the end of a stream or of an
//! encoding) and the file is not cut by its format; or if it has the SHA-256 that the provider
//! announced. After any other reply (`bytes 0-99/*`, or a body that ends with its connection), further
//! requests ask for more, until status 416 says that there is none. If the server answers in another
//! way, the structure of the file decides; if that is not known, the file is not complete.
//!
//! A power cut may lose blocks in the middle of the file, which then read as zeros. Bytes
//! from the first such block on are requested again and compared.

mod aside;
mod error;
mod files;
mod finalize;
mod names;
mod part;
mod range;
mod regular;
mod rename;
mod requests;
mod target;
mod transfer;
mod unfinished;
mod write;

pub use error::{DownloadError, DownloadFailure, TargetError};
pub use files::{Fetched, Received};
pub use finalize::{copy, finalize};
pub use names::windows_fault;
pub use part::part_of;
pub use regular::digest_of;
pub use target::check_target;
pub use transfer::{Download, MAX_BYTES, fetch};
pub use unfinished::CLIPS_FOLDER;
pub(crate) use unfinished::Unfinished;
pub(crate) use write::{complete_of, is_of_kind, job_of, keep, kept, write};

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
