//! Quotes words for a shell.

use std::path::Path;

/// A path as a word of a shell command.
pub(crate) fn quoted(path: &Path) -> String {
    quoted_text(&path.to_string_lossy())
}

/// A text as a word of a shell command.
pub(crate) fn quoted_text(text: &str) -> String {
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
}
