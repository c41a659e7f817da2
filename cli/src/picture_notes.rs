//! Notes on pictures and results that a provider or a viewer may treat differently than the
//! user expects. A note follows the name of its field, or stands alone.

use std::path::Path;

use image::metadata::Orientation;
use image::{ImageDecoder as _, ImageReader};
use zoetrope_host::media::Picture;
use zoetrope_host::sanitize::sentence;

/// The longest picture whose header is read, in bytes: some decoders read the whole file.
const MAX_BYTES: u64 = 64 << 20;

/// Media types, their names, and their file extensions.
const KINDS: [(&str, &str, &[&str]); 10] = [
    ("image/png", "a PNG", &["png"]),
    ("image/jpeg", "a JPEG", &["jpg", "jpeg", "jpe", "jfif"]),
    ("image/webp", "a WebP", &["webp"]),
    ("image/gif", "a GIF", &["gif"]),
    ("image/bmp", "a BMP", &["bmp", "dib"]),
    ("image/avif", "an AVIF", &["avif"]),
    ("image/heic", "a HEIC", &["heic", "heif", "hif"]),
    ("video/mp4", "an MP4", &["mp4", "m4v"]),
    ("video/quicktime", "a QuickTime movie", &["mov", "qt"]),
    ("video/webm", "a WebM", &["webm"]),
];

/// The notes on a picture of an input.
pub(super) fn notes(picture: &Picture) -> Vec<String> {
    let name = sentence(picture.file_name());
    let mut notes = Vec::from_iter(misnamed(picture.path(), picture.media_type()));
    let (is_turned, has_alpha) = header(picture).unwrap_or_default();
    if is_turned {
        notes.push(format!(
            "{name} is rotated by its EXIF orientation; the provider may ignore that"
        ));
    }
    if has_alpha {
        notes.push(format!(
            "{name} has an alpha channel; the provider may show it as black"
        ));
    }
    notes
}

/// A note on a file whose extension does not match its type.
pub(super) fn misnamed(path: &Path, media_type: &str) -> Option<String> {
    let extension = path.extension()?.to_string_lossy().to_ascii_lowercase();
    let mut kinds = KINDS.iter();
    let (_, type_name, extensions) = kinds.find(|(known, ..)| *known == media_type)?;
    let name = path.file_name()?.to_string_lossy();
    (!extensions.contains(&extension.as_str()))
        .then(|| format!("{} is {type_name}", sentence(&name)))
}

/// Whether a picture is rotated, and whether it has an alpha channel; `None` if no decoder
/// reads it.
fn header(picture: &Picture) -> Option<(bool, bool)> {
    if picture.byte_length() > MAX_BYTES {
        return None;
    }
    let reader = ImageReader::open(picture.path()).ok()?;
    let mut decoder = reader.with_guessed_format().ok()?.into_decoder().ok()?;
    let orientation = decoder.orientation().ok();
    let is_turned = orientation.is_some_and(|turned| turned != Orientation::NoTransforms);
    Some((is_turned, decoder.color_type().has_alpha()))
}
