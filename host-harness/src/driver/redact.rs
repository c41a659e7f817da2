//! Removes the texts of a job's input from a provider's messages. A message may quote the
//! prompt, and messages are shown, logged and stored.

use std::borrow::Cow;

use serde_json::Value;

use crate::ledger::{Job, JobError};

/// Shorter texts are kept: names of models and sizes, which a message may need.
const MIN_LENGTH: usize = 12;

/// Replaces a text of the input.
const REDACTED: &str = "[…]";

/// `message` without the texts of the job's input.
pub(super) fn redacted<'a>(message: &'a str, job: &Job) -> Cow<'a, str> {
    let Ok(Value::Object(input)) = serde_json::from_str(&job.spec.input) else {
        return message.into();
    };
    let mut message = Cow::from(message);
    for text in input.values().filter_map(Value::as_str) {
        let text = text.trim();
        if text.len() >= MIN_LENGTH && message.contains(text) {
            message = message.replace(text, REDACTED).into();
        }
    }
    message
}

/// Redacts the message of an error.
pub(super) fn without_input(error: &mut JobError, job: &Job) {
    if let Cow::Owned(message) = redacted(&error.message, job) {
        error.message = message;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::ledger::{JobSpec, Target};

    #[test]
    fn quoted_prompt_is_redacted() {
        let spec = JobSpec {
            id: String::new(),
            node: String::new(),
            raw_input: String::new(),
            raw_input_sha256: String::new(),
            input: r#"{"prompt": " a red balloon ", "model": "Pixel M", "steps": 20}"#.into(),
            component: String::new(),
            connection: String::new(),
            provider_origin: String::new(),
            key: String::new(),
            idempotency_ms: 0,
            created_at: 0,
        };
        let job = Job::new(spec, Target::File("/a".into()), String::new(), 0);
        let mut error = JobError::new(ErrorKind::Rejected, "Pixel M cannot draw \"a red balloon\"");
        without_input(&mut error, &job);
        assert_eq!(error.message, "Pixel M cannot draw \"[…]\"");
        assert!(matches!(redacted("nothing", &job), Cow::Borrowed(_)));
    }
}
