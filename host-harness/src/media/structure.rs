//! The structure of a picture: whether the file is complete and put together as its format
//! demands. Pixels are not decoded.
//!
//! A file is read once, in pieces of any length; of it, at most twelve bytes are kept. Bytes
//! after the end of a PNG or JPEG are permitted, since every decoder ignores them.

mod jpeg;
mod png;
mod webp;

use jpeg::Jpeg;
use png::Png;
use webp::WebP;

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

/// Reads the structure of one picture.
pub(super) struct Structure(Format);

enum Format {
    Png(Png),
    Jpeg(Jpeg),
    WebP(WebP),
}

impl Structure {
    /// The structure of a picture of this media type; `None` if it is not known.
    pub(super) fn of(media_type: &str) -> Option<Self> {
        Some(Self(match media_type {
            "image/png" => Format::Png(Png::default()),
            "image/jpeg" => Format::Jpeg(Jpeg::default()),
            "image/webp" => Format::WebP(WebP::default()),
            _ => return None,
        }))
    }

    /// Reads the next bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Format::Png(png) => png.take(bytes),
            Format::Jpeg(jpeg) => jpeg.take(bytes),
            Format::WebP(webp) => webp.take(bytes),
        }
    }

    /// The damage of a file that ends here.
    pub(super) fn end(self) -> Option<Damage> {
        match self.0 {
            Format::Png(png) => png.end(),
            Format::Jpeg(jpeg) => jpeg.end(),
            Format::WebP(webp) => webp.end(),
        }
    }
}

/// The first bytes of a part of a file, which may arrive in pieces.
#[derive(Default)]
struct Head {
    bytes: [u8; 12],
    length: usize,
}

impl Head {
    /// Moves bytes from `rest` until there are `N`: returns these, and is empty again.
    fn take<const N: usize>(&mut self, rest: &mut &[u8]) -> Option<[u8; N]> {
        let count = N.saturating_sub(self.length).min(rest.len());
        let (now, later) = rest.split_at(count);
        self.bytes[self.length..self.length + count].copy_from_slice(now);
        self.length += count;
        *rest = later;
        let whole = self.bytes.first_chunk().copied();
        let whole = whole.filter(|_| self.length >= N);
        if whole.is_some() {
            self.length = 0;
        }
        whole
    }

    fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// Moves up to `left` bytes out of `rest`, and lowers `left` by their number.
fn skip<'a>(left: &mut u64, rest: &mut &'a [u8]) -> &'a [u8] {
    let count = usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
    let (skipped, later) = rest.split_at(count);
    *left -= count as u64;
    *rest = later;
    skipped
}

#[cfg(test)]
mod tests;
