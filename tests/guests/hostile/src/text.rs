//! Texts that would be too long to write down, or that are known only when they are used.

use serde::Deserialize;

/// A text of an order.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// Itself; `{seen}` stands for what the deeds so far have seen, with ` | ` between
    /// one thing and the next.
    Plain(String),
    /// One text again and again.
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
    /// The text, with what was `seen` so far.
    #[must_use]
    pub fn written(&self, seen: &Seen) -> String {
        match self {
            Self::Plain(text) => text.replace("{seen}", &seen.lines.join(" | ")),
            Self::Repeated { repeat, times } => repeat.repeat(*times),
        }
    }
}

/// What deeds have seen.
#[derive(Debug, Default)]
pub struct Seen {
    lines: Vec<String>,
}

impl Seen {
    /// Notes one thing.
    pub fn note(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }
}
