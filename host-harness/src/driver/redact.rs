//! Removes the texts of a job's input from a provider's messages.

use std::borrow::Cow;

use serde_json::Value;

use crate::json;
use crate::ledger::{Job, JobError};
use crate::media::file_url;
use crate::private_texts::PrivateTexts;

/// The texts of a job's input.
pub(super) fn private_texts(job: &Job) -> PrivateTexts {
    // The URL of an upload may give access to the picture.
    let uploads = job.local_pictures.values().to_string();
    PrivateTexts::of(&[&job.spec.input, &job.spec.raw_input, &uploads])
}

/// The texts of a job's input without the URLs of local files: the reply to an upload may name the
/// file, and is stored as it is.
pub(super) fn texts_without_files(job: &Job) -> PrivateTexts {
    let documents = [&job.spec.input, &job.spec.raw_input].map(|text| {
        let mut document = json::parse(text).unwrap_or_default();
        remove_file_urls(&mut document);
        document.to_string()
    });
    PrivateTexts::of(&documents.each_ref().map(String::as_str))
}

fn remove_file_urls(document: &mut Value) {
    match document {
        Value::String(text) if file_url::is_one(text) => *document = Value::Null,
        Value::Array(values) => values.iter_mut().for_each(remove_file_urls),
        Value::Object(fields) => fields.values_mut().for_each(remove_file_urls),
        _ => {}
    }
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
    use crate::ledger::testing::{local_pictures, queued};
    use crate::ledger::{FieldValue, JobSpec, Target};

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

    #[test]
    fn link_of_an_upload_is_redacted_in_messages_and_kept_in_its_reply() {
        let mut job = queued(0);
        let spec = std::sync::Arc::make_mut(&mut job.spec);
        spec.input =
            r#"{"prompt": "a red balloon", "image": "file:///a/holiday-by-the-sea.png"}"#.into();
        let url = "https://files.example/1/holiday-by-the-sea.png?signature=x";
        let reply = format!(r#"{{"url": "{url}", "echo": "a red balloon"}}"#);
        let kept = texts_without_files(&job).redact(&reply).into_owned();
        assert!(kept.contains(url) && !kept.contains("balloon"), "{kept}");
        job.local_pictures = local_pictures();
        job.local_pictures.pictures[0].value = Some(FieldValue::Json(url.into()));
        let message = format!("cannot fetch {url}");
        assert!(!redacted(&message, &job).contains("signature"));
    }
}
