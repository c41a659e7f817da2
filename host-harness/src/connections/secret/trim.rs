//! Removes what surrounds a credential when it was pasted or written by an editor: a byte-order
//! mark, blanks, a line end, quotes, and the prefix that the host writes before it itself.

use std::fmt;

use zeroize::Zeroizing;

/// The header of most providers, and the prefix in it.
const AUTHORIZATION: &str = "Authorization";
const BEARER: &str = "Bearer";

/// What may surround a credential.
#[derive(Clone, Copy)]
enum Part {
    Mark,
    Blanks,
    LineEnd,
    Quotes,
    Header,
    Bearer,
    /// Another prefix. It is not shown: it may be a credential by mistake.
    Prefix,
}

/// In the order of [`Part`].
const NAMES: [&str; 7] = [
    "a byte-order mark",
    "blanks",
    "a line end",
    "quotes",
    "the header name `Authorization`",
    "the prefix `Bearer`",
    "the prefix of its header",
];

/// What was removed around a credential. Displayed as a list for a sentence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    parts: [bool; NAMES.len()],
    keeps_bearer: bool,
}

impl Removed {
    /// Whether nothing was removed.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.parts == Self::default().parts
    }

    /// Whether the credential still begins with the word `Bearer`, which its connection does not
    /// put before it.
    #[must_use]
    pub fn keeps_bearer(&self) -> bool {
        self.keeps_bearer
    }

    fn add(&mut self, part: Part) {
        self.parts[part as usize] = true;
    }

    fn has(self, part: Part) -> bool {
        self.parts[part as usize]
    }
}

impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.parts.iter().zip(NAMES);
        let names: Vec<_> = all.filter(|one| *one.0).map(|one| one.1).collect();
        match names.as_slice() {
            [] => f.write_str("nothing"),
            [only] => f.write_str(only),
            [first @ .., last] => write!(f, "{} and {last}", first.join(", ")),
        }
    }
}

/// The credential in a text. `prefix`: the text before it in its header. It is removed in any
/// case of letters if it is a word with a blank after it; a key may begin with any other.
pub(super) fn trimmed<'a>(text: &'a str, prefix: &str) -> (&'a str, Removed) {
    let mut removed = Removed::default();
    let mut text = without_blanks(text, &mut removed);
    loop {
        let before = text.len();
        for step in [without_quotes, without_prefix] {
            let rest = step(text, prefix, &mut removed);
            text = without_blanks(rest, &mut removed);
        }
        if text.len() == before {
            break;
        }
    }
    let after_bearer = after_word(text, BEARER).unwrap_or_default();
    removed.keeps_bearer = after_bearer.starts_with(char::is_whitespace);
    (text, removed)
}

fn without_blanks<'a>(text: &'a str, removed: &mut Removed) -> &'a str {
    let is_blank = |letter: char| letter.is_whitespace() || letter == '\u{feff}';
    let begun = text.trim_start_matches(is_blank);
    let rest = begun.trim_end_matches(is_blank);
    let around = [&text[..text.len() - begun.len()], &begun[rest.len()..]];
    for letter in around.into_iter().flat_map(str::chars) {
        match letter {
            '\u{feff}' => removed.add(Part::Mark),
            '\r' | '\n' => removed.add(Part::LineEnd),
            _ => removed.add(Part::Blanks),
        }
    }
    rest
}

/// One pair.
fn without_quotes<'a>(text: &'a str, _: &str, removed: &mut Removed) -> &'a str {
    let pair = ['"', '\''].into_iter().find_map(|quote| {
        let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
        Some(inner)
    });
    match pair.filter(|_| !removed.has(Part::Quotes)) {
        Some(inner) => {
            removed.add(Part::Quotes);
            inner
        }
        None => text,
    }
}

/// The name of the header, or the prefix, once.
fn without_prefix<'a>(text: &'a str, prefix: &str, removed: &mut Removed) -> &'a str {
    let word = prefix.trim_end();
    if word.is_empty() || word.len() == prefix.len() {
        return text;
    }
    if let Some(rest) = after_word(text, AUTHORIZATION).and_then(after_colon) {
        removed.add(Part::Header);
        return rest.trim_start();
    }
    let Some(rest) = after_word(text, word) else {
        return text;
    };
    let is_bearer = word.eq_ignore_ascii_case(BEARER);
    let is_apart = |rest: &str| rest.is_empty() || rest.starts_with(char::is_whitespace);
    let rest = match after_colon(rest) {
        // A key of another provider may have a colon inside.
        Some(after) if is_bearer || is_apart(after) => after,
        _ if is_apart(rest) => rest,
        _ => return text,
    };
    removed.add(if is_bearer {
        Part::Bearer
    } else {
        Part::Prefix
    });
    // The blank is a part of the prefix.
    rest.trim_start()
}

/// The text after `word` in any case of letters, if it begins with it.
fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (begin, rest) = text.split_at_checked(word.len())?;
    begin.eq_ignore_ascii_case(word).then_some(rest)
}

fn after_colon(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix(':')
}

/// The text of a credential's file: UTF-8, or UTF-16 with a byte-order mark. `None` if it is
/// neither. The memory is overwritten when it is dropped.
pub(super) fn text_of(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Some(Zeroizing::new(str::from_utf8(bytes).ok()?.to_owned())),
    };
    let (pairs, []) = bytes.as_chunks() else {
        return None;
    };
    // Allocated once: a reallocation would leave a copy of the credential in memory.
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 2));
    for letter in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        text.push(letter.ok()?);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credential_is_found_in_what_surrounds_it() {
        for (text, prefix, expected, removed) in [
            ("sk-1", "Bearer ", "sk-1", "nothing"),
            ("\u{feff}sk-1", "", "sk-1", "a byte-order mark"),
            (" \tsk-1\u{a0}", "", "sk-1", "blanks"),
            ("sk-1\r\n", "", "sk-1", "a line end"),
            ("\n\nsk-1\n\n", "", "sk-1", "a line end"),
            ("\"sk-1\"\n", "", "sk-1", "a line end and quotes"),
            ("'sk-1'", "", "sk-1", "quotes"),
            ("'sk-1\"", "", "'sk-1\"", "nothing"),
            ("\"", "", "\"", "nothing"),
            ("''sk-1''", "", "'sk-1'", "quotes"),
            ("bearer  sk-1", "Bearer ", "sk-1", "the prefix `Bearer`"),
            ("BEARER\tsk-1", "Bearer ", "sk-1", "the prefix `Bearer`"),
            (
                "\"Bearer sk-1\"",
                "Bearer ",
                "sk-1",
                "quotes and the prefix `Bearer`",
            ),
            (
                "Bearer \"sk-1\"",
                "Bearer ",
                "sk-1",
                "quotes and the prefix `Bearer`",
            ),
            ("Bearer ", "Bearer ", "", "blanks and the prefix `Bearer`"),
            ("Bearersk-1", "Bearer ", "Bearersk-1", "nothing"),
            // A connection without this prefix may need it in the key.
            ("Bearer sk-1", "", "Bearer sk-1", "nothing"),
            ("Bearer sk-1", "Key ", "Bearer sk-1", "nothing"),
            ("key sk-1", "Key ", "sk-1", "the prefix of its header"),
            ("sk-1", "sk-", "sk-1", "nothing"),
            ("\u{e9}", "Bearer ", "\u{e9}", "nothing"),
            (
                "\u{feff} \"Bearer sk-1 \"\r\n",
                "Bearer ",
                "sk-1",
                "a byte-order mark, blanks, a line end, quotes and the prefix `Bearer`",
            ),
        ] {
            let (found, what) = trimmed(text, prefix);
            assert_eq!(
                (found, what.to_string().as_str()),
                (expected, removed),
                "{text:?}"
            );
            assert_eq!(what.is_nothing(), removed == "nothing");
        }
    }

    #[test]
    fn prefix_is_removed_each_time_with_the_header_name_and_a_colon() {
        for (text, prefix, expected, removed) in [
            (
                "Bearer Bearer sk-1",
                "Bearer ",
                "sk-1",
                "the prefix `Bearer`",
            ),
            ("Bearer: sk-1", "Bearer ", "sk-1", "the prefix `Bearer`"),
            ("bearer :sk-1", "Bearer ", "sk-1", "the prefix `Bearer`"),
            (
                "authorization: Bearer bearer sk-1",
                "Bearer ",
                "sk-1",
                "the header name `Authorization` and the prefix `Bearer`",
            ),
            (
                "\"Authorization: Key sk-1\"",
                "Key ",
                "sk-1",
                "quotes, the header name `Authorization` and the prefix of its header",
            ),
            ("Authorization: sk-1", "", "Authorization: sk-1", "nothing"),
            ("key: sk-1", "Key ", "sk-1", "the prefix of its header"),
            ("key:sk-1", "Key ", "key:sk-1", "nothing"),
        ] {
            let (found, what) = trimmed(text, prefix);
            let found = (found, what.to_string());
            assert_eq!(found, (expected, removed.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn bearer_that_the_connection_does_not_write_is_kept_and_noted() {
        for (text, prefix, keeps) in [
            ("Bearer sk-1", "", true),
            ("\"bearer sk-1\"", "Key ", true),
            ("Bearer sk-1", "Bearer ", false),
            ("Bearersk-1", "", false),
            ("Bearer", "", false),
            ("sk-1", "", false),
        ] {
            let (_, what) = trimmed(text, prefix);
            assert_eq!(what.keeps_bearer(), keeps, "{text:?} {prefix:?}");
        }
    }

    #[test]
    fn credential_file_is_read_in_utf_8_and_utf_16() {
        let text = |bytes: &[u8]| text_of(bytes).map(|text| text.to_string());
        let low: Vec<u8> = "\u{feff}sk-1\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let high: Vec<u8> = "\u{feff}sk-1\r\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        for bytes in [&low[..], &high, "\u{feff}sk-1\r\n".as_bytes()] {
            assert_eq!(text(bytes).as_deref(), Some("\u{feff}sk-1\r\n"));
        }
        for bytes in [&low[..5], b"\xff\xfe\0\xd8", b"\xff", b"sk-\xe9"] {
            assert_eq!(text(bytes), None, "{bytes:x?}");
        }
    }
}
