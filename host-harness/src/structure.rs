//! The structure of a picture or clip: whether the file is complete and put together as its format
//! demands. Pixels are not decoded.
//!
//! [`Structure`] reads a picture once, in pieces of any length; of it, at most twelve bytes are kept.
//! Bytes after the end of a PNG or JPEG are permitted, since every decoder ignores them.
//! [`ending`] reads a file of any known format, and skips what its format announces. [`duration`]
//! reads the headers of a clip.

mod base_media;
mod damage;
mod ending;
mod gif;
mod jpeg;
mod matroska;
mod pieces;
mod png;
mod riff;
mod webp;

pub use damage::Damage;
pub(crate) use ending::Ending;

use std::io::{self, Read, Seek, SeekFrom};
use std::time::Duration;

use jpeg::Jpeg;
use png::Png;
use webp::WebP;

/// Reads the structure of one picture.
pub(crate) struct Structure(Format);

enum Format {
    Png(Png),
    Jpeg(Jpeg),
    WebP(WebP),
}

impl Structure {
    /// The structure of a picture of this media type; `None` if it is not known.
    pub(crate) fn of(media_type: &str) -> Option<Self> {
        Some(Self(match media_type {
            "image/png" => Format::Png(Png::default()),
            "image/jpeg" => Format::Jpeg(Jpeg::default()),
            "image/webp" => Format::WebP(WebP::default()),
            _ => return None,
        }))
    }

    /// Reads the next bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Format::Png(png) => png.take(bytes),
            Format::Jpeg(jpeg) => jpeg.take(bytes),
            Format::WebP(webp) => webp.take(bytes),
        }
    }

    /// The damage of a file that ends here.
    pub(crate) fn end(self) -> Option<Damage> {
        match self.0 {
            Format::Png(png) => png.end(),
            Format::Jpeg(jpeg) => jpeg.end(),
            Format::WebP(webp) => webp.end(),
        }
    }
}

/// Whether the file of this media type is complete. Its length is that of the file.
///
/// # Errors
///
/// When the file cannot be read.
pub(crate) fn ending(file: &mut (impl Read + Seek), media_type: &str) -> io::Result<Ending> {
    let length = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    match media_type {
        "video/mp4" | "video/quicktime" | "video/3gpp" | "image/avif" | "image/heic" => {
            base_media::ending(file, length)
        }
        "video/webm" | "video/x-matroska" => matroska::ending(file, length),
        "video/x-msvideo" => riff::ending(file, length),
        "image/gif" => gif::ending(file),
        _ => match Structure::of(media_type) {
            Some(structure) => of_picture(structure, file),
            None => Ok(Ending::Unknown),
        },
    }
}

/// How long the clip in a file of this media type plays; `None` if its headers do not say.
///
/// # Errors
///
/// When the file cannot be read.
pub(crate) fn duration(
    file: &mut (impl Read + Seek),
    media_type: &str,
) -> io::Result<Option<Duration>> {
    match media_type {
        "video/mp4" | "video/quicktime" | "video/3gpp" => {
            let length = file.seek(SeekFrom::End(0))?;
            file.rewind()?;
            base_media::duration(file, length)
        }
        _ => Ok(None),
    }
}

fn of_picture(mut structure: Structure, file: &mut impl Read) -> io::Result<Ending> {
    let mut block = vec![0; 64 << 10];
    loop {
        match file.read(&mut block) {
            Ok(0) => break,
            Ok(read) => structure.take(&block[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let damage = structure.end();
    Ok(damage.map_or(Ending::Whole, |damage| Ending::Cut(damage.to_string())))
}

#[cfg(test)]
mod tests;
