//! SHA-256 digests.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::hex;

/// A SHA-256 digest; shown as 64 lower-case hexadecimal digits.
///
/// # Example
///
/// ```
/// use zoetrope_host::digest::Sha256Digest;
///
/// let digest = Sha256Digest::of(b"a component");
/// assert_eq!(digest.to_string().parse(), Ok(digest));
/// assert!("not a digest".parse::<Sha256Digest>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest([u8; 32]);

impl Sha256Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::from(Sha256::digest(bytes))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its first twelve digits, which distinguish components in logs.
    #[must_use]
    pub fn short(&self) -> impl fmt::Display {
        hex::encoded(&self.0[..6])
    }
}

impl<T: Into<[u8; 32]>> From<T> for Sha256Digest {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::encoded(&self.0).fmt(f)
    }
}

impl FromStr for Sha256Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        hex::decoded(text).map(Self).ok_or(NotADigest)
    }
}

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a SHA-256 digest")]
pub struct NotADigest;

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_round_trips_through_text() {
        let digest = Sha256Digest([0xa7; 32]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for text in ["", "a7", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(text.parse::<Sha256Digest>(), Err(NotADigest));
        }
    }
}
