//! Files that are no components, by their first bytes.

use crate::file_type::{self, FileType};
use crate::formats::format_of;

/// What a file with these bytes is, with its article; `None` if it may be a WebAssembly component.
#[must_use]
pub fn not_a_component(bytes: &[u8]) -> Option<String> {
    match bytes {
        [b'\0', b'a', b's', b'm', _, _, 1, 0, ..] => None,
        [b'\0', b'a', b's', b'm', _, _, 0, 0, ..] => Some("a core WebAssembly module".into()),
        bytes => {
            let header = &bytes[..bytes.len().min(file_type::HEADER)];
            Some(match file_type::kind(header) {
                FileType::Image(media_type) => named(media_type, "picture"),
                FileType::Video(media_type) => named(media_type, "video"),
                other => other.to_string(),
            })
        }
    }
}

/// The name of a format, with its article and a noun.
fn named(media_type: &str, noun: &str) -> String {
    match format_of(media_type) {
        Some(format) if format.name.split(' ').count() > 2 => format.name.to_owned(),
        Some(format) => format!("{} {noun}", format.name),
        None => format!("a {noun} ({media_type})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_that_is_no_component_is_named_by_its_type() {
        for (bytes, expected) in [
            (&b"\0asm\x0d\0\x01\0"[..], None),
            (b"\0asm\x01\0\0\0", Some("a core WebAssembly module")),
            (b"", Some("an empty file")),
            (b"hello", Some("something else")),
            (b"{}", Some("a JSON document")),
            (b"\xff\xd8\xff\xe0", Some("a JPEG picture")),
            (b"\x89PNG\r\n\x1a\n", Some("a PNG picture")),
            (b"\0\0\0\x14ftypqt  ", Some("a QuickTime movie")),
        ] {
            assert_eq!(not_a_component(bytes).as_deref(), expected, "{bytes:?}");
        }
    }
}
