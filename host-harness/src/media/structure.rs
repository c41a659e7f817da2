//! The structure of a picture: whether the file is complete and put together as its format
//! demands. Pixels are not decoded.
//!
//! A file is read once, in pieces of any length; of it, at most twelve bytes are kept. Bytes
//! after the end of a PNG or JPEG are permitted, since every decoder ignores them.

mod damage;
mod jpeg;
mod pieces;
mod png;
mod webp;

pub use damage::Damage;

use jpeg::Jpeg;
use png::Png;
use webp::WebP;

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

#[cfg(test)]
mod tests;
