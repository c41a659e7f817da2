//! Removes the texts of a job's input from a provider's messages.

use std::borrow::Cow;

use crate::ledger::{Job, JobError};
use crate::private_texts::PrivateTexts;

/// The texts of a job's input.
pub(super) fn private_texts(job: &Job) -> PrivateTexts {
    PrivateTexts::of(&[&job.spec.input, &job.spec.raw_input])
}

/// `message` without the texts of the job's input.
pub(super) fn redacted<'a>(message: &'a str, job: &Job) -> Cow<'a, str> {
    private_texts(job).redact(message)
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
            raw_input: r#"{"text": "a second text"}"#.into(),
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
        let message = "Pixel M cannot draw \"a red balloon\" and A SECOND TEXT";
        let mut error = JobError::new(ErrorKind::Rejected, message);
        without_input(&mut error, &job);
        assert_eq!(error.message, "Pixel M cannot draw \"[…]\" and […]");
        assert!(matches!(redacted("nothing", &job), Cow::Borrowed(_)));
    }
}
