//! From a clip's URL to a file, whole or not at all, in two steps.
//!
//! [`fetch`] brings the bytes to an unfinished file beside the target ([`part_of`]); when
//! it returns, they are all there, of the announced kind, length and digest, and on the
//! disk. [`place()`] gives the file its name. A caller commits the digest between the two:
//! whatever happens then, either the unfinished file or the named one is the clip, and
//! [`place()`] can be done again.
//!
//! # Going on
//!
//! What came before a download broke off, or its process was killed, is kept. The next
//! [`fetch`] asks for the rest, and for the last 64 KiB of what is there once more. If
//! these come as they are here, the rest belongs to them; if anything else comes, the
//! file is begun anew, once. So nothing but the file needs to be remembered: no validator
//! (`ETag`, `Last-Modified`), which would be of no use besides, since every poll may give
//! another URL, on another host, for the same bytes.
//!
//! A power cut, unlike a kill, may take blocks from the middle of the file: they read as
//! zeros then. So all from the first such block on is asked for again and compared.

mod error;
mod files;
mod part;
mod place;
mod range;
mod transfer;

pub use error::{DownloadError, DownloadFailure, TargetError};
pub use files::{Fetched, Received};
pub use part::{digest_of, part_of};
pub use place::{check_target, copy, place};
pub use transfer::{Download, LONGEST, fetch};

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
