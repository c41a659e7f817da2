//! Quotes words for a shell.

use std::fmt::Write as _;
use std::path::Path;

use zoetrope_host::sanitize::is_harmful;

/// A path as a word of a shell command. One that cannot be shown, with harmful characters or
/// bytes that are not UTF-8, is written as `$'…'`, which bash, zsh and POSIX shells of 2024 read.
pub(crate) fn quoted(path: &Path) -> String {
    match path.to_str() {
        Some(text) => quoted_text(text),
        None => quoted_bytes(path.as_os_str().as_encoded_bytes()),
    }
}

fn quoted_bytes(path: &[u8]) -> String {
    let mut word = String::from("$'");
    for byte in path {
        match byte {
            b'\'' | b'\\' => word.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => word.push(char::from(*byte)),
            // Octal: a digit that follows is not part of it.
            _ => drop(write!(word, "\\{byte:03o}")),
        }
    }
    word.push('\'');
    word
}

/// A text as a word of a shell command, as [`quoted`] writes a path.
pub(crate) fn quoted_text(text: &str) -> String {
    if text.contains(is_harmful) {
        return quoted_bytes(text.as_bytes());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_a_shell() {
        assert_eq!(quoted(Path::new("/a/b-c.mp4")), "/a/b-c.mp4");
        assert_eq!(quoted(Path::new("my clip's.mp4")), r"'my clip'\''s.mp4'");
        assert_eq!(quoted_text(""), "''");
    }

    #[test]
    fn path_that_cannot_be_shown_is_quoted_byte_by_byte() {
        let hostile = Path::new("/a\n\u{1b}[2J'\\1/ä");
        assert_eq!(quoted(hostile), r"$'/a\012\033[2J\'\\1/\303\244'");
        assert_eq!(quoted_text("a\u{200b}"), r"$'a\342\200\213'");
    }
}
