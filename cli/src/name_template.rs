//! Templates of paths: `clips/{date}/{prompt}.mp4`.
//!
//! `{NAME}` stands for a value, `{{` and `}}` for braces. What a value contributes to a path is made
//! safe as a file name on every system, so a path of one system is one on the others too: no
//! separators, no control characters, no names of devices, no leading dot or hyphen, bounded length.

use std::fmt;
use std::path::PathBuf;

use zoetrope_host::download::windows_fault;
use zoetrope_host::sanitize::is_harmful;
use zoetrope_host::similar::most_similar;

/// The most bytes of a file or folder name with values in it. An unfinished file has a longer
/// name, and file systems permit 255.
const MAX_NAME: usize = 180;

/// The most bytes of one value.
const MAX_VALUE: usize = 100;

/// Stands for an empty value, and before a name that is reserved.
const FILLER: char = '_';

/// Joins emoji to one.
const JOINER: char = '\u{200d}';

/// A path with names of values in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(String),
}

/// A text that is no template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TemplateError {
    /// A brace without its counterpart.
    Brace(char),
    /// A name that has no value.
    Unknown { name: String, known: Vec<String> },
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Brace(brace) => write!(
                f,
                "a `{brace}` has no counterpart; write `{brace}{brace}` for the character"
            ),
            Self::Unknown { name, known } => {
                write!(f, "there is no name `{{{name}}}`")?;
                let names: Vec<_> = known.iter().map(String::as_str).collect();
                match most_similar(name, names.iter().copied()) {
                    Some(near) => write!(f, "; did you mean `{{{near}}}`?"),
                    None => {
                        let names: Vec<_> =
                            names.iter().map(|name| format!("{{{name}}}")).collect();
                        write!(f, "; there are {}", names.join(", "))
                    }
                }
            }
        }
    }
}

impl Template {
    /// Parses a template. Any name in it may be unknown.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = if rest[at..].starts_with('{') {
                '{'
            } else {
                '}'
            };
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push(brace);
                rest = after;
                continue;
            }
            let (name, after) = match rest.split_once('}') {
                Some(split) if brace == '{' && !split.0.contains('{') => split,
                _ => return Err(TemplateError::Brace(brace)),
            };
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Name(name.to_owned()));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }

    /// Refuses names that are not among these.
    pub(crate) fn check(&self, known: &[&str]) -> Result<(), TemplateError> {
        let unknown = self.names().find(|name| !known.contains(name));
        unknown.map_or(Ok(()), |name| {
            Err(TemplateError::Unknown {
                name: name.to_owned(),
                known: known.iter().map(|&name| name.to_owned()).collect(),
            })
        })
    }

    /// The names in it.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Whether a folder of the path has a name in it.
    pub(crate) fn has_names_in_folders(&self) -> bool {
        let named = self.0.iter().position(|part| matches!(part, Part::Name(_)));
        let after = named.map_or(&[] as &[Part], |at| &self.0[at..]);
        after.iter().any(|part| match part {
            Part::Text(text) => text.contains(std::path::is_separator),
            Part::Name(_) => false,
        })
    }

    /// The path with these values.
    pub(crate) fn path(&self, value: impl Fn(&str) -> String) -> PathBuf {
        let mut path = String::new();
        let mut name = Name::default();
        for part in &self.0 {
            match part {
                Part::Name(of) => name.add_value(&value(of)),
                Part::Text(text) => {
                    for piece in text.split_inclusive(std::path::is_separator) {
                        let end = piece.trim_end_matches(std::path::is_separator);
                        name.add_text(end);
                        if end.len() < piece.len() {
                            path.push_str(&std::mem::take(&mut name).safe());
                            path.push_str(&piece[end.len()..]);
                        }
                    }
                }
            }
        }
        path.push_str(&name.safe());
        path.into()
    }
}

/// The name of a file or folder, in pieces.
#[derive(Default)]
struct Name(Vec<Piece>);

struct Piece {
    text: String,
    is_value: bool,
}

impl Name {
    fn add_text(&mut self, text: &str) {
        self.add(text.to_owned(), false);
    }

    fn add_value(&mut self, value: &str) {
        self.add(safe_value(value), true);
    }

    fn add(&mut self, text: String, is_value: bool) {
        self.0.push(Piece { text, is_value });
    }

    /// The name, if it has values, as a file may be named on every system.
    fn safe(mut self) -> String {
        if !self.0.iter().any(|piece| piece.is_value) {
            return self.text();
        }
        while self.text().len() > MAX_NAME {
            let values = self.0.iter_mut().filter(|piece| piece.is_value);
            let longest = values.max_by_key(|piece| piece.text.len());
            match longest {
                Some(piece) if piece.text.chars().nth(1).is_some() => {
                    piece.text.pop();
                }
                _ => break,
            }
        }
        let text = self.text();
        // Windows removes them.
        let mut text = text.trim_end_matches(['.', ' ']).to_owned();
        if text.is_empty() {
            text.push(FILLER);
        }
        // A hidden file, the folder above, or an option of the program that gets the name.
        let begins_with_value = self
            .0
            .first()
            .is_some_and(|piece| piece.is_value || piece.text.is_empty());
        let is_special = begins_with_value && text.starts_with(['.', '-']);
        if is_special || windows_fault(&text).is_some_and(|_| is_device(&text)) {
            text.insert(0, FILLER);
        }
        text
    }

    fn text(&self) -> String {
        self.0.iter().map(|piece| piece.text.as_str()).collect()
    }
}

/// Whether a name is reserved on Windows, and not only for one of its characters, which the user
/// may have written.
fn is_device(name: &str) -> bool {
    windows_fault(&format!("{FILLER}{name}")).is_none()
}

/// A value as a part of a name: without separators, line ends, invisible characters and those that
/// Windows permits in no name; blanks are joined, and a long one is cut between characters.
pub(crate) fn safe_value(value: &str) -> String {
    let mut safe = String::new();
    let mut is_cut = false;
    for word in value.split_whitespace() {
        if !safe.is_empty() {
            safe.push(' ');
        }
        let mut letters = word.chars().peekable();
        while let Some(c) = letters.next() {
            let joins = c == JOINER
                && safe.ends_with(is_emoji)
                && letters.peek().is_some_and(|&next| is_emoji(next));
            let c = if is_unsafe(c) && !joins { FILLER } else { c };
            if safe.len() + c.len_utf8() > MAX_VALUE {
                is_cut = true;
                break;
            }
            safe.push(c);
        }
        if is_cut {
            break;
        }
    }
    let safe = safe.trim_end();
    // A path must not climb: a value that is `..` is a name.
    let safe = match safe.strip_prefix('.') {
        Some(rest) => format!("{FILLER}{rest}"),
        None => safe.to_owned(),
    };
    if safe.is_empty() { FILLER.into() } else { safe }
}

/// Whether an emoji may be made of this character and others.
fn is_emoji(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{27bf}' | '\u{2900}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || is_harmful(c) || "/\\:*?\"<>|".contains(c)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn path(template: &str, value: &str) -> PathBuf {
        let template = Template::parse(template).expect("a template");
        template.path(|_| value.to_owned())
    }

    #[test]
    fn names_are_replaced_and_doubled_braces_are_braces() {
        let template = Template::parse("a{{b}}/{date}-{seed}.mp4").expect("a template");
        let names: Vec<_> = template.names().collect();
        assert_eq!(names, ["date", "seed"]);
        let found = template.path(|name| format!("<{name}>"));
        assert_eq!(found, Path::new("a{b}/_date_-_seed_.mp4"));
        assert_eq!(path("no names.mp4", "x"), Path::new("no names.mp4"));
        for (text, brace) in [
            ("{date", '{'),
            ("date}", '}'),
            ("{da{te}", '{'),
            ("{", '{'),
            ("}{date}", '}'),
        ] {
            let error = Template::parse(text).expect_err("a brace alone");
            assert_eq!(error, TemplateError::Brace(brace), "{text}");
        }
    }

    #[test]
    fn unknown_name_is_an_error_that_names_the_nearest() {
        let known = ["job", "date", "prompt"];
        let template = Template::parse("{promt}").expect("a template");
        let error = template.check(&known).expect_err("unknown").to_string();
        assert_eq!(
            error,
            "there is no name `{promt}`; did you mean `{prompt}`?"
        );
        let template = Template::parse("{}").expect("a template");
        let error = template.check(&known).expect_err("unknown").to_string();
        assert_eq!(
            error,
            "there is no name `{}`; there are {job}, {date}, {prompt}"
        );
        let template = Template::parse("{job}-{date}").expect("a template");
        assert_eq!(template.check(&known), Ok(()));
    }

    #[test]
    fn value_stays_within_one_name() {
        for (value, expected) in [
            ("a/b\\c", "a_b_c.mp4"),
            ("../../etc/passwd", "_._.._etc_passwd.mp4"),
            ("..", "_..mp4"),
            (".hidden", "_hidden.mp4"),
            ("", "_.mp4"),
            (" \n\t ", "_.mp4"),
            ("one\ntwo  three", "one two three.mp4"),
            ("what? \"<x>\" | *:", "what_ __x__ _ __.mp4"),
            ("a\u{202e}b\u{1b}c\u{0}", "a_b_c_.mp4"),
            ("nul", "_nul.mp4"),
            ("COM1", "_COM1.mp4"),
            ("Leuchtturm ä 灯台", "Leuchtturm ä 灯台.mp4"),
            ("~", "~.mp4"),
            ("-rf", "_-rf.mp4"),
            (
                "\u{1f469}\u{200d}\u{1f680}",
                "\u{1f469}\u{200d}\u{1f680}.mp4",
            ),
            (
                "\u{2764}\u{fe0f}\u{200d}\u{1f525}",
                "\u{2764}\u{fe0f}\u{200d}\u{1f525}.mp4",
            ),
            ("a\u{200d}b\u{1f469}\u{200d}", "a_b\u{1f469}_.mp4"),
        ] {
            assert_eq!(
                path("{prompt}.mp4", value),
                Path::new(expected),
                "{value:?}"
            );
        }
        assert_eq!(path("{prompt}", "ends. . "), Path::new("ends"));
        assert_eq!(path("{prompt}", "con.txt"), Path::new("_con.txt"));
        assert_eq!(path("clips/{prompt}/x", ".."), Path::new("clips/_/x"));
        assert_eq!(path("/{prompt}", "/"), Path::new("/_"));
    }

    #[test]
    fn long_value_is_cut_between_characters_and_the_rest_of_the_name_stays() {
        let long = "灯".repeat(300);
        let name = |template: &str| {
            let path = path(template, &long);
            path.to_str().expect("text").to_owned()
        };
        let one = name("{prompt}-take.mp4");
        assert!(one.ends_with("灯-take.mp4"), "{one}");
        assert!(one.len() <= MAX_VALUE + 9, "{}", one.len());
        let many = name("{prompt}-{prompt}-{prompt}.mp4");
        assert!(many.len() <= MAX_NAME, "{}", many.len());
        assert!(many.ends_with("灯.mp4"), "{many}");
    }

    #[test]
    fn folders_with_names_are_known() {
        let has = |text: &str| {
            let template = Template::parse(text).expect("a template");
            template.has_names_in_folders()
        };
        assert!(has("clips/{date}/x.mp4") && has("{date}/x"));
        assert!(!has("clips/{date}.mp4") && !has("clips/x.mp4"));
    }
}
