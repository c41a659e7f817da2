//! Makes texts of components, providers, files and users safe for terminals, logs and JSON, and
//! bounds their length.
//!
//! [`is_harmful`] is the one definition of a character that may not reach them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

/// Longest sentence, in bytes.
const MAX_BYTES: usize = 4 << 10;

/// Whether a character controls a terminal, changes the direction of writing, ends a line, or is
/// not visible: the control characters C0 and C1, U+007F, bidirectional marks, overrides and
/// isolates, line and paragraph separators, interlinear annotations, blank letters (U+2800, U+3164),
/// and what Unicode calls default-ignorable: zero-width characters, fillers, soft hyphens, tags,
/// variation selectors. U+FE0F, which emoji end with, is permitted.
///
/// # Example
///
/// ```
/// use zoetrope_host::sanitize::is_harmful;
///
/// assert!(is_harmful('\u{1b}') && is_harmful('\u{202e}') && is_harmful('\n'));
/// assert!(!is_harmful('é') && !is_harmful(' '));
/// ```
#[must_use]
pub fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0e}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// `text` without harmful characters, except line ends and tabs.
///
/// # Example
///
/// ```
/// use zoetrope_host::sanitize::sanitize;
///
/// assert_eq!(sanitize("failed\u{1b}[2J"), "failed\u{fffd}[2J");
/// ```
#[must_use]
pub fn sanitize(text: &str) -> Cow<'_, str> {
    let is_kept = |letter: char| matches!(letter, '\n' | '\t') || !is_harmful(letter);
    replaced(text, is_kept)
}

/// `text` as one line of bounded length, without harmful characters.
#[must_use]
pub fn sentence(text: &str) -> Cow<'_, str> {
    let end = text.floor_char_boundary(MAX_BYTES);
    let line = line(&text[..end]);
    if end == text.len() {
        line
    } else {
        format!("{line}…").into()
    }
}

/// `text` as one line, without harmful characters.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    replaced(text, |letter| !is_harmful(letter))
}

/// A JSON document with its harmful characters escaped as `\u…`, so that its value stays the same.
/// Line ends and tabs between its tokens stay.
///
/// # Example
///
/// ```
/// use zoetrope_host::sanitize::escaped_json;
///
/// assert_eq!(escaped_json("[\"a\u{9b}b\u{202e}\"]"), r#"["a\u009bb\u202e"]"#);
/// ```
#[must_use]
pub fn escaped_json(document: &str) -> Cow<'_, str> {
    let is_kept = |letter: char| matches!(letter, '\n' | '\t') || !is_harmful(letter);
    if document.chars().all(is_kept) {
        return document.into();
    }
    let mut escaped = String::with_capacity(document.len() + 16);
    for letter in document.chars() {
        match letter {
            // Between tokens: in a text, serializers escape it.
            '\r' => escaped.push(' '),
            letter if is_kept(letter) => escaped.push(letter),
            letter => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    // Writing to a text does not fail.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    escaped.into()
}

/// `text` as it is, or its beginning with an ellipsis: `most` characters at most.
#[must_use]
pub fn excerpt(text: &str, most: usize) -> Cow<'_, str> {
    if text.chars().nth(most).is_none() {
        return text.into();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end()).into()
}

/// `path` as one line: harmful characters as `\u{…}`, and bytes that are not UTF-8 as `\x…`.
///
/// # Example
///
/// ```
/// use std::path::Path;
///
/// use zoetrope_host::sanitize::escaped_path;
///
/// assert_eq!(escaped_path(Path::new("/a b/\u{1b}[2J")), "/a b/\\u{1b}[2J");
/// ```
#[must_use]
pub fn escaped_path(path: &Path) -> String {
    escaped_bytes(path.as_os_str().as_encoded_bytes())
}

/// The bytes of a path, as [`escaped_path`] shows them.
#[must_use]
pub fn escaped_bytes(path: &[u8]) -> String {
    let mut shown = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if is_harmful(letter) {
                shown.extend(letter.escape_unicode());
            } else {
                shown.push(letter);
            }
        }
        for byte in chunk.invalid() {
            // Writing to a text does not fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

fn replaced(text: &str, is_kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().all(&is_kept) {
        return text.into();
    }
    let letters = text.chars().map(|letter| match letter {
        letter if is_kept(letter) => letter,
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
        _ => char::REPLACEMENT_CHARACTER,
    });
    letters.collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_are_replaced() {
        let hostile = "a\u{1b}[2J\u{9b}31m\u{7f}\0\u{202e}b\r\n\tc";
        assert_eq!(sentence(hostile), "a�[2J�31m���b   c");
        assert_eq!(sanitize(hostile), "a�[2J�31m���b \n\tc");
        assert!(matches!(sentence("plain – and não só"), Cow::Borrowed(_)));
    }

    #[test]
    fn marks_of_direction_and_line_separators_are_replaced() {
        let hostile = "a\u{200f}b\u{61c}c\u{2028}d";
        assert_eq!(sentence(hostile), "a\u{fffd}b\u{fffd}c d");
        assert_eq!(sanitize(hostile), "a\u{fffd}b\u{fffd}c d");
    }

    #[test]
    fn invisible_characters_are_harmful_and_letters_of_every_script_are_not() {
        for harmful in [
            '\0',
            '\u{7f}',
            '\u{85}',
            '\u{9b}',
            '\u{9d}',
            '\u{ad}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{2028}',
            '\u{2029}',
            '\u{202e}',
            '\u{2060}',
            '\u{2064}',
            '\u{2066}',
            '\u{feff}',
            '\u{e0041}',
            '\u{e0100}',
            '\u{34f}',
            '\u{1160}',
            '\u{180b}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe00}',
            '\u{ffa0}',
            '\u{1d173}',
            '\u{e0080}',
        ] {
            assert!(is_harmful(harmful), "{harmful:?}");
            let text = format!("a{harmful}b");
            assert!(!sanitize(&text).contains(harmful), "{harmful:?}");
            assert!(!sentence(&text).contains(harmful), "{harmful:?}");
            let value = serde_json::to_string(&[&text]).expect("JSON");
            let escaped = escaped_json(&value);
            assert!(!escaped.contains(harmful), "{harmful:?}");
            let read: [String; 1] = serde_json::from_str(&escaped).expect("JSON");
            assert_eq!(read, [text]);
        }
        for kept in [
            'a', 'ä', '字', 'א', 'ع', '\u{301}', '🎈', '\u{fe0f}', ' ', '\u{a0}',
        ] {
            assert!(!is_harmful(kept), "{kept:?}");
        }
    }

    #[test]
    fn json_keeps_its_structure_and_its_value_when_it_is_escaped() {
        let document = "{\r\n\t\"a\": \"\u{10ffff}\u{e0041}\\u0007\"}\n";
        let escaped = escaped_json(document);
        assert!(escaped.ends_with("\\udb40\\udc41\\u0007\"}\n"), "{escaped}");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(read(&escaped), read(document));
        assert!(matches!(escaped_json("{\"a\":\n1}"), Cow::Borrowed(_)));
    }

    #[test]
    fn excerpt_has_at_most_this_many_characters() {
        assert_eq!(excerpt("äöü", 3), "äöü");
        assert_eq!(excerpt("äöüä", 3), "äö…");
        assert_eq!(excerpt("ä öü", 3), "ä…");
        assert_eq!(excerpt("ab", 0), "…");
    }

    #[test]
    fn path_is_shown_on_one_line_with_its_unprintable_parts_escaped() {
        let shown = |bytes: &[u8]| escaped_bytes(bytes);
        assert_eq!(shown("/ä b/zoetrope.toml".as_bytes()), "/ä b/zoetrope.toml");
        let hostile = "/a\n\u{1b}[2J\u{202e}".as_bytes();
        assert_eq!(shown(hostile), "/a\\u{a}\\u{1b}[2J\\u{202e}");
        assert_eq!(shown(b"/\xff\xfea"), "/\\xff\\xfea");
    }

    #[test]
    fn sentence_is_truncated_at_the_length_limit() {
        let long = "ä".repeat(MAX_BYTES);
        let kept = sentence(&long);
        assert!(kept.len() <= MAX_BYTES + "…".len() && kept.ends_with("ä…"));
    }
}
