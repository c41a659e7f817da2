//! Makes texts of components and providers safe for terminals, and bounds their length.

use std::borrow::Cow;

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

fn replaced(text: &str, is_kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().all(&is_kept) {
        return text.into();
    }
    let letters = text.chars().map(|letter| match letter {
        letter if is_kept(letter) => letter,
        '\n' | '\r' | '\t' => ' ',
        _ => char::REPLACEMENT_CHARACTER,
    });
    letters.collect::<String>().into()
}

fn acts(letter: char) -> bool {
    let turns = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    letter.is_control() || turns
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
    fn sentence_is_truncated_at_the_length_limit() {
        let long = "ä".repeat(MAX_BYTES);
        let kept = sentence(&long);
        assert!(kept.len() <= MAX_BYTES + "…".len() && kept.ends_with("ä…"));
    }
}
