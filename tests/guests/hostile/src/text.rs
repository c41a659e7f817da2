//! Texts of an instruction: literal, repeated, or filled with observations at run time.

use serde::Deserialize;

/// A text of an instruction.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// A literal text; `{seen}` stands for the observations so far, joined by ` | `.
    Plain(String),
    /// A text repeated.
    Repeated {
        /// The text.
        repeat: String,
        /// How often.
        times: usize,
    },
}

impl Default for Text {
    fn default() -> Self {
        Self::Plain(String::new())
    }
}

impl Text {
    /// The text, with `{seen}` replaced by the observations.
    #[must_use]
    pub fn written(&self, seen: &Seen) -> String {
        match self {
            Self::Plain(text) => text.replace("{seen}", &seen.lines.join(" | ")),
            Self::Repeated { repeat, times } => repeat.repeat(*times),
        }
    }
}

/// The observations of the actions, such as replies and refusals.
#[derive(Debug, Default)]
pub struct Seen {
    lines: Vec<String>,
}

impl Seen {
    /// Adds an observation.
    pub fn note(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }
}
