//! The fault script. It is parsed into rules, which contain no contradictions.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::rule::Rule;

/// The faults of a practice provider; none by default.
///
/// It is read from JSON, by [`FromStr`] or serde. Unknown keys are errors. A script is
/// `{"idempotency", "rules"}`, both optional. A rule gives the requests that it matches, at which
/// of them it is due, and the fault:
///
/// ```
/// # use zoetrope_emulator::FaultScript;
/// let script: FaultScript = r#"{
///     "idempotency": "ignored",
///     "rules": [
///         {"method": "POST", "path": "/v1/jobs", "times": 1, "close": "after"},
///         {"method": "GET", "path": "/v1/jobs/{id}", "every": 3, "status": 503}
///     ]
/// }"#
/// .parse()?;
/// # Ok::<_, zoetrope_emulator::FaultScriptError>(())
/// ```
///
/// `docs/reference/practice-faults.md` in the repository is the reference of every key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultScript {
    pub(crate) idempotency: KeyPolicy,
    pub(crate) rules: Vec<Rule>,
}

/// How idempotency keys are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyPolicy {
    /// The same key and body give the same job.
    #[default]
    Honoured,
    /// Every submission creates a job.
    Ignored,
}

impl FromStr for FaultScript {
    type Err = FaultScriptError;

    fn from_str(text: &str) -> Result<Self, FaultScriptError> {
        serde_json::from_str(text).map_err(FaultScriptError)
    }
}

/// The error of a text that is not a fault script.
#[derive(Debug)]
pub struct FaultScriptError(serde_json::Error);

impl FaultScriptError {
    /// The line of the error, counted from 1. For a contradictory rule it is the rule's last line.
    #[must_use]
    pub fn line(&self) -> usize {
        self.0.line()
    }

    /// The column of the error in bytes, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.0.column()
    }
}

/// The message has no position; see [`FaultScriptError::line`] and [`FaultScriptError::column`].
impl fmt::Display for FaultScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let place = format!(" at line {} column {}", self.line(), self.column());
        f.write_str(text.strip_suffix(&place).unwrap_or(&text))
    }
}

impl std::error::Error for FaultScriptError {}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
