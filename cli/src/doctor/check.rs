//! The result of a check.

use serde_json::{Map, Value};
use textwrap::{Options, WordSeparator, WordSplitter};
use zoetrope_host::error::ErrorKind;

use super::home::Home;
use crate::report::Failure;

/// The width of a text that is pasted into a report.
pub(super) const COLUMNS: usize = 80;

/// The least width. In fewer columns than [`NARROW`], a text is below its name.
pub(super) const MIN_COLUMNS: usize = 40;
const NARROW: usize = 60;

/// The result of a check.
pub(super) struct Check {
    name: &'static str,
    state: State,
    text: String,
    next: Option<String>,
    facts: Map<String, Value>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    /// Commands work; something is slower, or may fail later.
    Warning,
    /// Other commands fail, with an error of this kind.
    Problem(ErrorKind),
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem(_) => "problem",
        }
    }
}

impl Check {
    pub(super) fn ok(name: &'static str, text: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Ok,
            text: text.into(),
            next: None,
            facts: Map::new(),
        }
    }

    pub(super) fn warning(
        name: &'static str,
        text: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Warning,
            next: Some(next.into()),
            ..Self::ok(name, text)
        }
    }

    /// A problem, with the kind of the error that commands have because of it.
    pub(super) fn problem_of(
        kind: ErrorKind,
        name: &'static str,
        text: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Problem(kind),
            ..Self::warning(name, text, next)
        }
    }

    /// The problem that a failure is.
    pub(super) fn of_failure(name: &'static str, failure: &Failure) -> Self {
        Self::problem_of(failure.kind(), name, failure.message(), failure.next())
    }

    /// Adds a fact to its JSON.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a statement to its text.
    pub(super) fn and(mut self, statement: &str) -> Self {
        self.text = format!("{}; {statement}", self.text);
        self
    }

    /// The same facts as a problem.
    pub(super) fn turned(self, kind: ErrorKind, text: String, next: String) -> Self {
        Self {
            facts: self.facts,
            ..Self::problem_of(kind, self.name, text, next)
        }
    }

    /// The kind of its error, if it is a problem.
    pub(super) fn problem(&self) -> Option<ErrorKind> {
        match self.state {
            State::Problem(kind) => Some(kind),
            State::Ok | State::Warning => None,
        }
    }

    pub(super) fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// Its name and its text.
    pub(super) fn summary(&self) -> String {
        format!("{}: {}", self.name, self.text)
    }

    /// Aligned lines of at most this width, but for a word that is longer.
    pub(super) fn text(&self, home: &Home, columns: usize) -> String {
        let (state, name) = (self.state.as_str(), self.name);
        let (head, indent) = if columns < NARROW {
            (format!("{state:9}{name}\n  "), 2)
        } else {
            (format!("{state:9}{name:16}"), 25)
        };
        let (above, head) = match head.split_once('\n') {
            Some((above, head)) => (format!("{above}\n"), head.to_owned()),
            None => (String::new(), head),
        };
        let indent = " ".repeat(indent);
        let wrapped = |text: &str, first: &str| {
            let options = Options::new(columns)
                .initial_indent(first)
                .subsequent_indent(&indent)
                .word_separator(WordSeparator::AsciiSpace)
                .word_splitter(WordSplitter::NoHyphenation)
                .break_words(false);
            textwrap::fill(text, options)
        };
        let line = format!("{above}{}", wrapped(&home.hidden(&self.text), &head));
        match &self.next {
            Some(next) => {
                let next = format!("next: {}", home.hidden(next));
                format!("{line}\n{}", wrapped(&next, &indent))
            }
            None => line,
        }
    }

    pub(super) fn document(&self, home: &Home) -> Value {
        let mut document = self.facts.clone();
        let mut set = |name: &str, value: Value| document.insert(name.to_owned(), value);
        set("name", self.name.into());
        set("state", self.state.as_str().into());
        set("text", self.text.as_str().into());
        set("next", self.next.as_deref().into());
        let mut document = Value::Object(document);
        home.hide(&mut document);
        document
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn check_is_a_line_and_an_object() {
        let check = Check::warning("disk", "little space", "zoetrope jobs prune").with("bytes", 7);
        let indent = " ".repeat(25);
        let text =
            format!("warning  disk            little space\n{indent}next: zoetrope jobs prune");
        let home = Home::none();
        assert_eq!(check.text(&home, COLUMNS), text);
        let narrow = "warning  disk\n  little space\n  next: zoetrope jobs prune";
        assert_eq!(check.text(&home, MIN_COLUMNS), narrow);
        let long = Check::ok("disk", "words of a long text ".repeat(9)).text(&home, COLUMNS);
        for (line, text) in long.lines().enumerate() {
            assert!(text.len() <= COLUMNS, "{text}");
            assert!(line == 0 || text.starts_with(&indent), "{text}");
        }
        let document = json!({
            "name": "disk", "state": "warning", "text": "little space",
            "next": "zoetrope jobs prune", "bytes": 7,
        });
        assert_eq!(check.document(&home), document);
        assert_eq!(Check::ok("a", "b").document(&home)["next"], json!(null));
    }
}
