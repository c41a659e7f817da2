//! Makes texts of components and providers safe for terminals, and bounds their length.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

/// Longest sentence, in bytes.
const MAX_BYTES: usize = 4 << 10;

/// `text` without control characters, except line ends and tabs, and without characters that
/// change the direction of writing.
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
    let is_kept = |letter: char| matches!(letter, '\n' | '\t') || !acts(letter);
    replaced(text, is_kept)
}

/// `text` as one line of bounded length, without control characters and characters that
/// change the direction of writing.
#[must_use]
pub fn sentence(text: &str) -> Cow<'_, str> {
    let end = text.floor_char_boundary(MAX_BYTES);
    let line = replaced(&text[..end], |letter| !acts(letter));
    if end == text.len() {
        line
    } else {
        format!("{line}…").into()
    }
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

/// `path` as one line: control characters, and characters that change the direction of writing,
/// as `\u{…}`, and bytes that are not UTF-8 as `\x…`.
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
            if acts(letter) {
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

fn acts(letter: char) -> bool {
    let turns = matches!(
        letter,
        '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    let ends_line = matches!(letter, '\u{2028}' | '\u{2029}');
    letter.is_control() || turns || ends_line
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
