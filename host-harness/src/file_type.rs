//! Detects a file's type by its first bytes.

use std::fmt;

use crate::formats::format_of;

/// How many bytes [`kind`] and [`is_animated`] read: a GIF says that it moves after its colours.
pub(crate) const HEADER: usize = 1024;

/// How many of them decide between formats that share a container.
#[cfg(test)]
pub(crate) const CONTAINER: usize = 64;

/// The type of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileType {
    /// A picture, and its media type. It may move: [`is_animated`].
    Image(&'static str),
    /// A clip, and its media type.
    Video(&'static str),
    /// A document with drawings or text, and its media type.
    Document(&'static str),
    /// An HTML page, most likely an error or a sign-in.
    Html,
    /// JSON, most likely an error.
    Json,
    /// No bytes, or white space only.
    Empty,
    /// None of these.
    Other,
}

/// Appends `bytes` to `header`, up to [`HEADER`] bytes. Whether this completed it.
pub(crate) fn remember(header: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let left = HEADER - header.len();
    header.extend_from_slice(&bytes[..bytes.len().min(left)]);
    left > 0 && header.len() == HEADER
}

/// The type of a file that begins with `header`.
pub(crate) fn kind(header: &[u8]) -> FileType {
    if header.is_empty() {
        return FileType::Empty;
    }
    let begins = |start: &&(&[u8], FileType)| header.starts_with(start.0);
    if let Some((_, found)) = STARTS.iter().find(begins) {
        return *found;
    }
    match header {
        [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..] => riff(form),
        // The four bytes after the size are reserved: a text may begin with BM.
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => FileType::Image("image/bmp"),
        // The number of pictures, and the width of the first.
        [0, 0, 1 | 2, 0, 1..=255, 0, ..] => FileType::Image("image/vnd.microsoft.icon"),
        [_, _, _, _, b'f', b't', b'y', b'p', brands @ ..] => base_media(brands),
        // Movies of QuickTime had no brand at first.
        [_, _, _, _, name @ ..] if OLD_MOVIES.iter().any(|old| name.starts_with(old)) => {
            FileType::Video("video/quicktime")
        }
        [0x1a, 0x45, 0xdf, 0xa3, rest @ ..] => matroska(rest),
        text => text_kind(text),
    }
}

/// The first bytes of formats that have them alone. The longer of two comes first.
const STARTS: [(&[u8], FileType); 22] = [
    (b"\x89PNG\r\n\x1a\n", FileType::Image("image/png")),
    (b"\xff\xd8\xff", FileType::Image("image/jpeg")),
    (b"GIF87a", FileType::Image("image/gif")),
    (b"GIF89a", FileType::Image("image/gif")),
    (b"II*\0\x10\0\0\0CR", FileType::Image("image/x-dcraw")),
    (b"IIU\0", FileType::Image("image/x-dcraw")),
    (b"IIRO", FileType::Image("image/x-dcraw")),
    (b"FUJIFILMCCD-RAW", FileType::Image("image/x-dcraw")),
    (b"II*\0", FileType::Image("image/tiff")),
    (b"MM\0*", FileType::Image("image/tiff")),
    (b"II+\0", FileType::Image("image/tiff")),
    (b"MM\0+", FileType::Image("image/tiff")),
    (b"\0\0\0\x0cJXL \r\n\x87\n", FileType::Image("image/jxl")),
    (b"\xff\x0a", FileType::Image("image/jxl")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", FileType::Image("image/jp2")),
    (b"8BPS\0", FileType::Image("image/vnd.adobe.photoshop")),
    (b"%PDF-", FileType::Document("application/pdf")),
    (b"%!PS", FileType::Document("application/postscript")),
    (b"\0\0\x01\xba", FileType::Video("video/mpeg")),
    (b"OggS", FileType::Video("video/ogg")),
    (b"FLV\x01", FileType::Video("video/x-flv")),
    (
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
        FileType::Video("video/x-ms-asf"),
    ),
];

const OLD_MOVIES: [&[u8]; 4] = [b"moov", b"mdat", b"wide", b"pnot"];

fn riff(form: &[u8]) -> FileType {
    match form {
        [b'W', b'E', b'B', b'P', ..] => FileType::Image("image/webp"),
        [b'A', b'V', b'I', b' ', ..] => FileType::Video("video/x-msvideo"),
        _ => FileType::Other,
    }
}

/// Files of the ISO base media format, by their brand. The general brand of still pictures has
/// the codec among the compatible ones.
fn base_media(brands: &[u8]) -> FileType {
    let compatible = brands.get(8..brands.len().min(52)).unwrap_or_default();
    let has = |brand: &[u8]| compatible.chunks_exact(4).any(|one| one == brand);
    match brands {
        [b'q', b't', b' ', b' ', ..] => FileType::Video("video/quicktime"),
        [b'3', b'g', b'p' | b'2' | b'g' | b'r' | b's' | b'e', ..] => FileType::Video("video/3gpp"),
        [b'c', b'r', b'x', b' ', ..] => FileType::Image("image/x-dcraw"),
        [b'a', b'v', b'i', b'f' | b's', ..] => FileType::Image("image/avif"),
        [b'm', b'i' | b's', b'f', b'1', ..] if has(b"avif") || has(b"avis") => {
            FileType::Image("image/avif")
        }
        [b'h', b'e', b'i' | b'v', b'c' | b'x' | b'm' | b's', ..]
        | [b'm', b'i' | b's', b'f', b'1', ..] => FileType::Image("image/heic"),
        _ => FileType::Video("video/mp4"),
    }
}

/// Files of Matroska, by the type of document in their header: the element 4282 of this length.
fn matroska(header: &[u8]) -> FileType {
    let header = &header[..header.len().min(56)];
    let has = |element: &[u8]| header.windows(element.len()).any(|one| one == element);
    if has(b"\x42\x82\x88matroska") {
        FileType::Video("video/x-matroska")
    } else {
        FileType::Video("video/webm")
    }
}

fn text_kind(header: &[u8]) -> FileType {
    let text = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
    match text.trim_ascii_start() {
        [] => FileType::Empty,
        [b'{' | b'[', ..] => FileType::Json,
        markup @ [b'<', ..] => {
            let markup = &markup[..markup.len().min(HEADER)];
            let has = |word: &[u8]| {
                let mut words = markup.windows(word.len());
                words.any(|one| one.eq_ignore_ascii_case(word))
            };
            if has(b"<svg") && !has(b"<html") {
                FileType::Document("image/svg+xml")
            } else {
                FileType::Html
            }
        }
        _ => FileType::Other,
    }
}

/// Whether a picture that begins with `header` moves: a GIF, a PNG, a WebP or an AVIF of several
/// pictures.
pub(crate) fn is_animated(header: &[u8]) -> bool {
    /// The flag of a WebP's header.
    const ANIMATION: u8 = 1 << 1;
    let has = |word: &[u8]| header.windows(word.len()).any(|one| one == word);
    match kind(header) {
        FileType::Image("image/gif") => has(b"NETSCAPE2.0") || has(b"ANIMEXTS1.0"),
        FileType::Image("image/png") => has(b"acTL"),
        FileType::Image("image/webp") => {
            let flags = header.get(20).copied().unwrap_or_default();
            header.get(12..16) == Some(b"VP8X") && flags & ANIMATION != 0
        }
        FileType::Image("image/avif") => header.get(8..12) == Some(b"avis"),
        _ => false,
    }
}

impl fmt::Display for FileType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(media_type) => write!(f, "a picture ({media_type})"),
            Self::Video(media_type) => write!(f, "a video ({media_type})"),
            Self::Document(media_type) => match format_of(media_type) {
                Some(format) => f.write_str(format.name),
                None => write!(f, "a document ({media_type})"),
            },
            Self::Html => f.write_str("an HTML page"),
            Self::Json => f.write_str("a JSON document"),
            Self::Empty => f.write_str("an empty file"),
            Self::Other => f.write_str("something else"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_type_is_detected_by_the_first_bytes() {
        for (header, expected) in [
            (&b"\x89PNG\r\n\x1a\n"[..], FileType::Image("image/png")),
            (b"\xff\xd8\xff\xe0", FileType::Image("image/jpeg")),
            (b"RIFF\x10\0\0\0WEBPVP8 ", FileType::Image("image/webp")),
            (b"RIFF\x10\0\0\0WAVEfmt ", FileType::Other),
            (b"GIF87a", FileType::Image("image/gif")),
            (b"BM\x10\0\0\0\0\0\0\0", FileType::Image("image/bmp")),
            (b"BMW is a car", FileType::Other),
            (b"\0\0\0\x20ftypisom", FileType::Video("video/mp4")),
            (b"\0\0\0\x14ftypqt  ", FileType::Video("video/quicktime")),
            (b"\0\0\0\x1cftypavif", FileType::Image("image/avif")),
            (b"\x1a\x45\xdf\xa3\x01", FileType::Video("video/webm")),
            (b"\xef\xbb\xbf \n<html>", FileType::Html),
            (b"  {\"error\": 1}", FileType::Json),
            (b" \n", FileType::Empty),
            (b"", FileType::Empty),
            (b"\x89PN", FileType::Other),
        ] {
            assert_eq!(kind(header), expected, "{header:?}");
        }
    }

    #[test]
    fn other_formats_of_pictures_and_clips_are_detected() {
        for (header, expected) in [
            (&b"II*\0\x08\0\0\0"[..], "a picture (image/tiff)"),
            (b"MM\0*\0\0\0\x08", "a picture (image/tiff)"),
            (b"II*\0\x10\0\0\0CR\x02\0", "a picture (image/x-dcraw)"),
            (b"\0\0\0\x18ftypheic", "a picture (image/heic)"),
            (
                b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic",
                "a picture (image/heic)",
            ),
            (
                b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif",
                "a picture (image/avif)",
            ),
            (b"\0\0\0\x18ftypcrx ", "a picture (image/x-dcraw)"),
            (b"\xff\x0a\x00\x00", "a picture (image/jxl)"),
            (
                b"\0\0\x01\0\x01\0\x20\x20",
                "a picture (image/vnd.microsoft.icon)",
            ),
            (b"8BPS\0\x01", "a picture (image/vnd.adobe.photoshop)"),
            (b"%PDF-1.7", "a PDF"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG"),
            (b"<?xml version='1.0'?>\n<SVG>", "an SVG"),
            (b"<!doctype html><html><svg/></html>", "an HTML page"),
            (b"\0\0\0\x14ftyp3gp4", "a video (video/3gpp)"),
            (b"\0\0\x10\0moov\0\0\0\x6cmvhd", "a video (video/quicktime)"),
            (b"RIFF\x10\0\0\0AVI LIST", "a video (video/x-msvideo)"),
            (
                b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm",
                "a video (video/webm)",
            ),
            (
                b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska",
                "a video (video/x-matroska)",
            ),
        ] {
            assert_eq!(kind(header).to_string(), expected, "{header:?}");
        }
    }

    #[test]
    fn pictures_that_move_are_told_from_still_ones() {
        let mut gif = b"GIF89a\x01\0\x01\0\xf7\0\0".to_vec();
        gif.resize(13 + 768, 0);
        assert!(!is_animated(&gif));
        gif.extend_from_slice(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0");
        assert!(gif.len() <= HEADER && is_animated(&gif));
        let webp = |flags: &str| format!("RIFF\x10\0\0\0WEBPVP8X\x0a\0\0\0{flags}\0\0\0");
        assert!(is_animated(webp("\x02").as_bytes()));
        assert!(!is_animated(webp("\x10").as_bytes()));
        assert!(is_animated(b"\0\0\0\x1cftypavis"));
        assert!(!is_animated(b"\0\0\0\x1cftypavif"));
        assert!(is_animated(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR acTL"));
        assert!(!is_animated(b"a text with NETSCAPE2.0 and acTL"));
    }
}
