//! Detects a file's type by its first bytes.

use std::fmt;

/// How many bytes [`kind`] reads.
pub(crate) const HEADER: usize = 512;

/// The type of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileType {
    /// A still picture, and its media type.
    Image(&'static str),
    /// A clip, and its media type.
    Video(&'static str),
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
    match header {
        [] => FileType::Empty,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => FileType::Image("image/png"),
        [0xff, 0xd8, 0xff, ..] => FileType::Image("image/jpeg"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => FileType::Image("image/webp"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => FileType::Image("image/gif"),
        // The four bytes after the size are reserved: a text may begin with BM.
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => FileType::Image("image/bmp"),
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand {
            [b'q', b't', b' ', b' ', ..] => FileType::Video("video/quicktime"),
            [b'a', b'v', b'i', b'f' | b's', ..] => FileType::Image("image/avif"),
            [b'h', b'e', b'i', b'c' | b'x', ..] | [b'm', b'i', b'f', b'1', ..] => {
                FileType::Image("image/heic")
            }
            _ => FileType::Video("video/mp4"),
        },
        [0x1a, 0x45, 0xdf, 0xa3, ..] => FileType::Video("video/webm"),
        text => text_kind(text),
    }
}

fn text_kind(header: &[u8]) -> FileType {
    let text = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
    match text.trim_ascii_start() {
        [] => FileType::Empty,
        [b'{' | b'[', ..] => FileType::Json,
        [b'<', ..] => FileType::Html,
        _ => FileType::Other,
    }
}

impl fmt::Display for FileType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(media_type) => write!(f, "a picture ({media_type})"),
            Self::Video(media_type) => write!(f, "a video ({media_type})"),
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
}
