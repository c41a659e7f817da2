//! Why a picture is not complete.

/// Why a provider may not be able to read a picture. The text continues "the picture …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// Bytes are missing at its end.
    #[error("is truncated: {0}")]
    Truncated(&'static str),
    /// It is not put together as its format demands.
    #[error("is damaged: {0}")]
    Malformed(&'static str),
    /// The header of a WebP has another length than the file.
    #[error("is damaged: its RIFF header says {announced} bytes, and the file has {actual}")]
    Length {
        /// The length by the header.
        announced: u64,
        /// The file's length.
        actual: u64,
    },
}
