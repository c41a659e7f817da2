//! Words of components and providers, as people can be shown them and rows can keep them.

use std::borrow::Cow;

/// The longest sentence that is kept.
const LONGEST: usize = 4 << 10;

/// `text` without what a terminal would act on: control characters, but for line ends and
/// tabs, and those that reverse the direction of writing.
#[must_use]
pub fn sanitize(text: &str) -> Cow<'_, str> {
    let is_kept = |letter: char| matches!(letter, '\n' | '\t') || !acts(letter);
    replaced(text, is_kept)
}

/// `text` as one line of bounded length without what a terminal would act on.
#[must_use]
pub fn sentence(text: &str) -> Cow<'_, str> {
    let end = text.floor_char_boundary(LONGEST);
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
    fn nothing_is_left_for_a_terminal_to_do() {
        let hostile = "a\u{1b}[2J\u{9b}31m\u{7f}\0\u{202e}b\r\n\tc";
        assert_eq!(sentence(hostile), "a�[2J�31m���b   c");
        assert_eq!(sanitize(hostile), "a�[2J�31m���b \n\tc");
        assert!(matches!(sentence("plain – and não só"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_sentence_has_an_end() {
        let long = "ä".repeat(LONGEST);
        let kept = sentence(&long);
        assert!(kept.len() <= LONGEST + "…".len() && kept.ends_with("ä…"));
    }
}
