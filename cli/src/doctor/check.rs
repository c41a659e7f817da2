//! The result of a check.

use serde_json::{Map, Value};
use zoetrope_host::error::ErrorKind;

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

    /// Adds a fact to its JSON.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
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

    pub(super) fn text(&self) -> String {
        let line = format!("{:8} {}", self.state.as_str(), self.summary());
        match &self.next {
            Some(next) => format!("{line}\n         next: {next}"),
            None => line,
        }
    }

    pub(super) fn document(&self) -> Value {
        let mut document = self.facts.clone();
        let mut set = |name: &str, value: Value| document.insert(name.to_owned(), value);
        set("name", self.name.into());
        set("state", self.state.as_str().into());
        set("text", self.text.as_str().into());
        set("next", self.next.as_deref().into());
        document.into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn check_is_a_line_and_an_object() {
        let check = Check::warning("disk", "little space", "zoetrope jobs prune").with("bytes", 7);
        let text = "warning  disk: little space\n         next: zoetrope jobs prune";
        assert_eq!(check.text(), text);
        let document = json!({
            "name": "disk", "state": "warning", "text": "little space",
            "next": "zoetrope jobs prune", "bytes": 7,
        });
        assert_eq!(check.document(), document);
        assert_eq!(Check::ok("a", "b").document()["next"], json!(null));
    }
}
