//! Fuzz targets for the untrusted data that a download reads; see `docs/reference/fuzzing.md`.

use http::HeaderMap;
use http::header::{CONTENT_RANGE, HeaderValue};
use zoetrope_fuzzing::Target;

use super::range::ContentRange;
use crate::file_type::{self, FileType};
use crate::formats::format_of;

#[test]
fn file_type_depends_on_the_first_bytes_only() {
    Target::new("first-bytes", 4000).run(|input| {
        let kind = file_type::kind(input);
        assert!(!kind.to_string().is_empty());
        let container = &input[..input.len().min(file_type::CONTAINER)];
        // Only a picture is animated.
        assert!(!file_type::is_animated(input) || matches!(kind, FileType::Image(_)));
        match kind {
            FileType::Image(media_type) => {
                assert!(media_type.starts_with("image/"));
                // The rest changes nothing.
                assert_eq!(file_type::kind(container), kind);
                "a picture"
            }
            FileType::Video(media_type) => {
                assert!(media_type.starts_with("video/"));
                assert_eq!(file_type::kind(container), kind);
                "a clip"
            }
            FileType::Document(media_type) => {
                assert!(format_of(media_type).is_some());
                "a document with drawings or text"
            }
            FileType::Html => "a page",
            FileType::Json => "a document",
            FileType::Empty => {
                assert!(input.trim_ascii().is_empty() || input.starts_with(b"\xef\xbb\xbf"));
                "empty"
            }
            FileType::Other => "something else",
        }
    });
}

#[test]
fn parsed_content_range_is_valid() {
    Target::new("ranges", 8000).run(|input| {
        let Ok(value) = HeaderValue::from_bytes(input) else {
            return "no header";
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_RANGE, value);
        let Some(range) = ContentRange::of(&headers) else {
            return "refused";
        };
        assert!(range.first <= range.last && range.last < u64::MAX);
        assert!(range.total.is_none_or(|total| range.last < total));
        let written = match range.total {
            Some(total) => format!("bytes {}-{}/{total}", range.first, range.last),
            None => format!("bytes {}-{}/*", range.first, range.last),
        };
        headers.insert(CONTENT_RANGE, written.parse().expect("a header"));
        assert_eq!(ContentRange::of(&headers), Some(range));
        "accepted"
    });
}
