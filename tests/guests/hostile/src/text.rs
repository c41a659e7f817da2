//! Texts of an instruction: literal, repeated, or filled with observations at run time.

use serde::Deserialize;
use wasip2::random::random;

/// A text of an instruction.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// A literal text; `{seen}` stands for the observations so far, joined by ` | `, `{key}` for
    /// the idempotency key of `start`, and `{random}` for a random number of 20
    /// digits.
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
    /// The text, with its placeholders replaced.
    #[must_use]
    pub fn written(&self, seen: &Seen) -> String {
        match self {
            Self::Plain(text) => text
                .replace("{seen}", &seen.lines.join(" | "))
                .replace("{key}", &seen.key)
                .replace("{random}", &format!("{:020}", random::get_random_u64())),
            Self::Repeated { repeat, times } => repeat.repeat(*times),
        }
    }
}

/// The observations of the actions, such as replies and refusals.
#[derive(Debug, Default)]
pub struct Seen {
    lines: Vec<String>,
    key: String,
    status: Option<u16>,
}

impl Seen {
    /// No observations yet, in a `start` with this idempotency key.
    #[must_use]
    pub fn with_key(key: String) -> Self {
        Self {
            key,
            ..Self::default()
        }
    }

    /// Adds the status of a reply.
    pub fn reply(&mut self, status: u16) {
        self.status = Some(status);
    }

    /// The status of the last reply.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Adds an observation.
    pub fn note(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }
}
