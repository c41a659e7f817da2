//! The hook that is called before the one request of a `start` or `cancel` that can cost money.

use futures::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use http::request;
use serde_json::Value;

use crate::digest::Sha256Digest;

/// Decides whether the request of a `start` or `cancel` that can cost money is sent.
///
/// Called when that request has passed every check and before a connection is opened for it,
/// so that the implementation can record it first. Not called for other requests. If a
/// component makes two such requests at the same time, both are passed to the hook, and one is
/// sent.
pub trait SubmitHook: Send + Sync {
    /// Whether this request may be sent.
    ///
    /// `false` denies it ([`Denial::HeldBack`](super::Denial::HeldBack)): nothing was sent.
    /// After `true` the connection can still fail to open, so that `true` alone does not
    /// prove that bytes were sent. An implementation that cannot record its decision answers
    /// `false`. It must not send the request itself, and must not block the thread. The wait
    /// counts towards [`HttpLimits::total`](super::HttpLimits::total); the future is dropped
    /// when that time is over, and nothing was sent.
    fn before_submit<'a>(&'a self, submission: Submission<'a>) -> BoxFuture<'a, bool>;
}

/// A submit as the component made it, without the credential.
pub struct Submission<'a> {
    /// Over method, path, headers and body.
    pub digest: Sha256Digest,
    pub(crate) parts: &'a request::Parts,
    pub(crate) body: &'a [u8],
}

impl Submission<'_> {
    /// Its path, with that of the connection's base URL and without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// Whether the request carries this idempotency key: as a header's value, or as a text
    /// that the JSON body holds more often than the run's `input` does.
    #[must_use]
    pub fn carries(&self, key: &str, input: &Value) -> bool {
        let mut headers = self.parts.headers.iter();
        let of_http = [ACCEPT, CONTENT_LENGTH, CONTENT_TYPE];
        if headers.any(|(name, value)| value == key && !of_http.contains(name)) {
            return true;
        }
        let body = serde_json::from_slice(self.body).unwrap_or_default();
        count(&body, key) > count(input, key)
    }
}

/// How often a document has this text as a value.
fn count(document: &Value, text: &str) -> usize {
    match document {
        Value::String(value) => usize::from(value == text),
        Value::Array(values) => values.iter().map(|value| count(value, text)).sum(),
        Value::Object(fields) => fields.values().map(|value| count(value, text)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn carries(key: &str, header: &str, body: &Value) -> bool {
        let request = http::Request::post("/v1/k-1").header("x-once", header);
        let request = request.header(CONTENT_TYPE, "application/json");
        let body = body.to_string();
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let submission = Submission {
            digest: [0; 32].into(),
            parts: &parts,
            body: body.as_bytes(),
        };
        submission.carries(key, &json!({"prompt": "k-1", "notes": ["k-2"]}))
    }

    #[test]
    fn key_in_a_header_or_added_to_the_body_is_found() {
        let input = json!({"prompt": "k-1", "notes": ["k-2"]});
        assert!(carries("k-1", "k-1", &json!({})));
        assert!(carries("k-1", "", &json!({"input": input, "key": "k-1"})));
        assert!(carries(r#"k"\3"#, "", &json!({"meta": {"key": r#"k"\3"#}})));
    }

    #[test]
    fn key_in_the_input_or_in_part_of_a_text_is_not_found() {
        let input = json!({"prompt": "k-1", "notes": ["k-2"]});
        for key in ["k-1", "k-2", "k", "prompt", "application/json"] {
            assert!(!carries(key, "k-10", &json!({"input": input})), "{key}");
        }
        assert!(!carries("v1", "", &json!("no v1")));
    }
}
