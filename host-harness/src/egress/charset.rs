//! Turns the text of a reply into UTF-8, so that a component reads UTF-8 alone and a credential
//! is redacted however the provider encodes it.

use std::borrow::Cow;

use bytes::{Buf as _, BytesMut};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::file_type::{self, FileType};

/// The byte-order mark of UTF-8.
const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// The byte-order marks of UTF-16.
const UTF_16_MARKS: [(&[u8], &Encoding); 2] = [(b"\xff\xfe", UTF_16LE), (b"\xfe\xff", UTF_16BE)];

/// Most bytes of memory for a byte of a text whose charset is decoded: itself, and up to three of
/// UTF-8.
pub(super) const DECODED: u64 = 4;

/// `body` as UTF-8 without a byte-order mark, and `headers` adapted to it.
///
/// - A mark of UTF-8 is removed.
/// - UTF-16 is recognized by its mark, by the `charset` of the content type, or by a JSON text
///   whose first character is two bytes long.
/// - Another charset that the content type names is decoded if the bytes are not UTF-8.
/// - Pictures, clips and other files without a text's beginning stay as they are.
///
/// A wrong charset on a valid text of UTF-8 has no effect.
pub(super) fn to_utf8(headers: &mut HeaderMap, mut body: BytesMut) -> BytesMut {
    let header = &body[..body.len().min(file_type::HEADER)];
    if matches!(
        file_type::kind(header),
        FileType::Image(_) | FileType::Video(_)
    ) {
        return body;
    }
    if body.starts_with(UTF_8_MARK) {
        body.advance(UTF_8_MARK.len());
        adapt(headers);
        return body;
    }
    let Some((encoding, mark)) = encoding_of(headers, &body) else {
        return body;
    };
    if encoding == UTF_8 {
        // Only the charset was wrong.
        adapt(headers);
        return body;
    }
    let (text, _) = encoding.decode_without_bom_handling(&body[mark..]);
    let text = match text {
        Cow::Borrowed(text) => BytesMut::from(text),
        Cow::Owned(text) => BytesMut::from(bytes::Bytes::from(text)),
    };
    adapt(headers);
    text
}

/// Whether [`to_utf8`] decodes this body, so that it is in memory twice meanwhile.
pub(super) fn is_decoded(headers: &HeaderMap, body: &[u8]) -> bool {
    let is_marked = body.starts_with(UTF_8_MARK);
    let encoding = encoding_of(headers, body);
    !is_marked && encoding.is_some_and(|(encoding, _)| encoding != UTF_8)
}

/// The encoding of a body that is to be changed, and the length of its mark. [`UTF_8`] if
/// its content type names another charset wrongly.
fn encoding_of(headers: &HeaderMap, body: &[u8]) -> Option<(&'static Encoding, usize)> {
    let content_type = headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    let marked = UTF_16_MARKS.iter().find(|(mark, _)| body.starts_with(mark));
    if let Some((mark, encoding)) = marked {
        let is_text = is_text_type(&content_type) || begins_as_text(&body[mark.len()..], encoding);
        return is_text.then_some((*encoding, mark.len()));
    }
    if let Some(encoding) = utf_16_of_json(body) {
        return Some((encoding, 0));
    }
    let named = Encoding::for_label(charset(&content_type)?.as_bytes())?;
    if named == UTF_8 {
        return None;
    }
    let is_utf_16 = named == UTF_16LE || named == UTF_16BE;
    let is_utf_8 = std::str::from_utf8(body).is_ok();
    // A text of UTF-16 has zeros, a text of UTF-8 has none.
    if is_utf_8 && !(is_utf_16 && body.contains(&0)) {
        return Some((UTF_8, 0));
    }
    Some((named, 0))
}

/// The encoding of a JSON text in UTF-16 without a mark: its first character is ASCII.
fn utf_16_of_json(body: &[u8]) -> Option<&'static Encoding> {
    match body {
        [b'{' | b'[' | b'"', 0, ..] => Some(UTF_16LE),
        [0, b'{' | b'[' | b'"', ..] => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether the first character is one with which texts begin: printable ASCII or white space.
fn begins_as_text(body: &[u8], encoding: &Encoding) -> bool {
    let [first, second, ..] = *body else {
        return body.is_empty();
    };
    let (high, low) = if encoding == UTF_16BE {
        (first, second)
    } else {
        (second, first)
    };
    high == 0 && (low.is_ascii_graphic() || low.is_ascii_whitespace())
}

fn is_text_type(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.starts_with("text/")
        || ["json", "xml", "javascript", "x-www-form-urlencoded"]
            .iter()
            .any(|end| essence.ends_with(end))
}

/// The charset that a content type names.
fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"').trim_matches('\'');
        (name.trim() == "charset").then_some(value)
    })
}

/// The header of a body that is UTF-8 now.
fn adapt(headers: &mut HeaderMap) {
    headers.remove(CONTENT_LENGTH);
    let Some(content_type) = headers.get(CONTENT_TYPE) else {
        return;
    };
    let content_type = content_type.to_str().unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    match HeaderValue::from_str(&format!("{essence}; charset=utf-8")) {
        Ok(value) if !essence.is_empty() => headers.insert(CONTENT_TYPE, value),
        _ => headers.remove(CONTENT_TYPE),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16(text: &str, big: bool) -> Vec<u8> {
        let units = text.encode_utf16();
        units
            .flat_map(|unit| {
                if big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    }

    /// The body as UTF-8 and its content type.
    fn read(content_type: &str, body: &[u8]) -> (Vec<u8>, String) {
        let mut headers = HeaderMap::new();
        if !content_type.is_empty() {
            headers.insert(CONTENT_TYPE, content_type.parse().expect("a value"));
        }
        let text = to_utf8(&mut headers, BytesMut::from(body));
        let content_type = headers.get(CONTENT_TYPE);
        let content_type = content_type.map_or("", |value| value.to_str().expect("text"));
        (text.to_vec(), content_type.to_owned())
    }

    const TEXT: &str = "{\"message\": \"größer – 大きい 🎬\"}";

    #[test]
    fn byte_order_mark_of_utf_8_is_removed() {
        let marked = [UTF_8_MARK, TEXT.as_bytes()].concat();
        for content_type in ["application/json", "text/plain; charset=utf-8", "x"] {
            let (text, changed) = read(content_type, &marked);
            assert_eq!(text, TEXT.as_bytes());
            assert!(changed.ends_with("; charset=utf-8"), "{changed}");
        }
        let octets = read("application/octet-stream", &marked);
        assert_eq!(octets.0, TEXT.as_bytes());
        assert_eq!(read("", &marked), (TEXT.as_bytes().to_vec(), String::new()));
        assert_eq!(read("", UTF_8_MARK).0, b"");
    }

    #[test]
    fn utf_16_is_read_with_a_mark_or_a_charset() {
        for big in [false, true] {
            let mark: &[u8] = if big { b"\xfe\xff" } else { b"\xff\xfe" };
            let bare = utf_16(TEXT, big);
            let marked = [mark, &bare].concat();
            let charset = if big { "utf-16be" } else { "UTF-16LE" };
            for (content_type, body) in [
                ("", &marked),
                ("application/octet-stream", &marked),
                ("application/json", &marked),
                ("application/json; charset=utf-8", &marked),
                (&*format!("text/plain; Charset=\"{charset}\""), &marked),
                (&*format!("application/json;charset={charset}"), &bare),
                ("application/json; charset=utf-16", &bare),
                ("", &bare),
            ] {
                let (text, changed) = read(content_type, body);
                assert_eq!(text, TEXT.as_bytes(), "{content_type}, {big}");
                let is_adapted = changed.is_empty() || changed.ends_with("; charset=utf-8");
                assert!(is_adapted, "{changed}");
            }
        }
    }

    #[test]
    fn other_charset_is_read_if_the_bytes_are_not_utf_8() {
        let (text, changed) = read("text/html; charset=ISO-8859-1", b"gr\xf6\xdfer");
        assert_eq!(text, "größer".as_bytes());
        assert_eq!(changed, "text/html; charset=utf-8");
        let (text, _) = read("application/json; charset=gbk", b"\"\xb4\xf3\"");
        assert_eq!(text, "\"大\"".as_bytes());
        let (text, changed) = read("text/html; charset=latin1", TEXT.as_bytes());
        assert_eq!(text, TEXT.as_bytes());
        assert_eq!(changed, "text/html; charset=utf-8");
        let (text, _) = read("application/json; charset=utf-16", TEXT.as_bytes());
        assert_eq!(text, TEXT.as_bytes());
    }

    #[test]
    fn body_that_is_no_text_stays_as_it_is() {
        let picture = b"\xff\xd8\xff\xe0\0\x10JFIF";
        let clip = b"\0\0\0\x20ftypisom\0\0";
        let octets = b"\xff\xfe\x90\x80\x01\x02";
        for (content_type, body) in [
            ("image/jpeg", &picture[..]),
            ("text/plain; charset=utf-16", &clip[..]),
            ("application/octet-stream", &octets[..]),
            ("", &octets[..]),
            ("application/json", b"\xff"),
            ("application/json; charset=nonsense", b"\xff"),
            ("", b""),
        ] {
            let (text, unchanged) = read(content_type, body);
            assert_eq!(text, body, "{content_type}");
            assert_eq!(unchanged, content_type);
        }
    }
}
