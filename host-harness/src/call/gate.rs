//! The gate before the one request of a call that can cost money.

use futures::future::BoxFuture;
use http::request;
use serde_json::Value;

use crate::digest::Sha256Digest;

/// Asked once the request of a `start` that can cost money has passed every check, and
/// before anything is dialled for it: the moment to write down that it leaves.
pub trait SubmitGate: Send + Sync {
    /// Whether this request may leave.
    fn may_leave<'a>(&'a self, submission: Submission<'a>) -> BoxFuture<'a, bool>;
}

/// A submit as the component made it: the credential is not in it.
pub struct Submission<'a> {
    /// Over method, path, headers and body.
    pub digest: Sha256Digest,
    pub(crate) parts: &'a request::Parts,
    pub(crate) body: &'a [u8],
}

impl Submission<'_> {
    /// Whether a provider could know it again by this idempotency key: whether the key stands
    /// in its path, in a header or in its body.
    #[must_use]
    pub fn carries(&self, key: &str) -> bool {
        let quoted = Value::from(key).to_string();
        let in_json = quoted.trim_matches('"');
        let holds = |part: &[u8], key| str::from_utf8(part).is_ok_and(|text| text.contains(key));
        let mut headers = self.parts.headers.values();
        self.parts.uri.path().contains(key)
            || headers.any(|value| holds(value.as_bytes(), key))
            || holds(self.body, key)
            || holds(self.body, in_json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carries(key: &str, path: &str, header: &str, body: &str) -> bool {
        let request = http::Request::post(path).header("x-once", header);
        let (parts, body) = request
            .body(body.to_owned())
            .expect("a request")
            .into_parts();
        let submission = Submission {
            digest: [0; 32].into(),
            parts: &parts,
            body: body.as_bytes(),
        };
        submission.carries(key)
    }

    #[test]
    fn a_key_is_found_wherever_a_provider_could_read_it() {
        assert!(carries("k-1", "/jobs/k-1", "", ""));
        assert!(carries("k-1", "/jobs", "k-1", ""));
        assert!(carries("k-1", "/jobs", "", r#"{"key": "k-1"}"#));
        assert!(carries(r#"k"\1"#, "/jobs", "", r#"{"key": "k\"\\1"}"#));
        assert!(!carries("k-1", "/jobs", "k-2", r#"{"key": "k-"}"#));
    }
}
