//! The formats of pictures, clips and documents: their names, and the extensions of their files.

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Format {
    /// `image/png`.
    pub media_type: &'static str,
    /// Its name with the article: "a PNG".
    pub name: &'static str,
    /// The extensions of its files, the usual one first.
    pub extensions: &'static [&'static str],
}

const fn format(
    media_type: &'static str,
    name: &'static str,
    extensions: &'static [&'static str],
) -> Format {
    Format {
        media_type,
        name,
        extensions,
    }
}

/// The known formats: of pictures, of clips, of documents.
const FORMATS: [Format; 26] = [
    format("image/png", "a PNG", &["png"]),
    format("image/jpeg", "a JPEG", &["jpg", "jpeg", "jpe", "jfif"]),
    format("image/webp", "a WebP", &["webp"]),
    format("image/gif", "a GIF", &["gif"]),
    format("image/bmp", "a BMP", &["bmp", "dib"]),
    format("image/tiff", "a TIFF", &["tif", "tiff"]),
    format("image/avif", "an AVIF", &["avif"]),
    format("image/heic", "a HEIC", &["heic", "heif", "hif"]),
    format("image/jxl", "a JPEG XL", &["jxl"]),
    format("image/jp2", "a JPEG 2000", &["jp2", "jpx", "j2k", "jpf"]),
    format("image/vnd.microsoft.icon", "an ICO", &["ico", "cur"]),
    format("image/vnd.adobe.photoshop", "a PSD", &["psd", "psb"]),
    format(
        "image/x-dcraw",
        "a camera raw file",
        &["dng", "cr2", "cr3", "raf", "rw2", "orf", "nef", "arw"],
    ),
    format("video/mp4", "an MP4", &["mp4", "m4v"]),
    format("video/quicktime", "a QuickTime movie", &["mov", "qt"]),
    format("video/webm", "a WebM", &["webm"]),
    format("video/x-matroska", "a Matroska video", &["mkv"]),
    format("video/x-msvideo", "an AVI", &["avi"]),
    format("video/3gpp", "a 3GP", &["3gp", "3g2"]),
    format("video/mpeg", "an MPEG", &["mpg", "mpeg"]),
    format("video/ogg", "an Ogg video", &["ogv", "ogg"]),
    format("video/x-flv", "an FLV", &["flv"]),
    format("video/x-ms-asf", "a Windows Media video", &["wmv", "asf"]),
    format("application/pdf", "a PDF", &["pdf"]),
    format("image/svg+xml", "an SVG", &["svg"]),
    format("application/postscript", "an EPS", &["eps", "ps"]),
];

/// The format of this media type; `None` if it is not known.
#[must_use]
pub fn format_of(media_type: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|known| known.media_type == media_type)
}

/// The usual extensions of the clips, or of the pictures, that a result may be.
pub(crate) fn extensions_of(kind: &str) -> impl Iterator<Item = &'static str> {
    let kind = format!("{kind}/");
    let formats = FORMATS.iter();
    formats
        .filter(move |known| known.media_type.starts_with(&kind))
        .filter_map(|known| known.extensions.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_one_entry_and_an_extension_of_its_own() {
        let mut extensions: Vec<_> = FORMATS.iter().flat_map(|one| one.extensions).collect();
        extensions.sort();
        let before = extensions.len();
        extensions.dedup();
        assert_eq!(extensions.len(), before);
        for format in &FORMATS {
            assert_eq!(format_of(format.media_type), Some(format));
            let name = format.name;
            assert!(name.starts_with("a ") || name.starts_with("an "), "{name}");
        }
        assert_eq!(format_of("text/plain"), None);
        let clips: Vec<_> = extensions_of("video").collect();
        assert!(clips.starts_with(&["mp4", "mov", "webm", "mkv", "avi"]));
    }
}
