//! The hook that is called before the one request of a `start` or `cancel` that can cost money.

use futures::future::BoxFuture;
use http::header::{AsHeaderName, CONTENT_TYPE};
use http::{HeaderValue, Method, request};
use serde_json::Value;

use crate::digest::Sha256Digest;
use crate::json::Unambiguous;
use crate::policy::KeyPlace;

/// Decides whether the request of a `start` or `cancel` that can cost money is sent.
///
/// Called when that request has passed every check and before a connection is opened for it,
/// so that the implementation can record it first. Not called for other requests. Of several
/// such requests of a component one is passed to the hook, and the others are denied, also if
/// the hook refuses that one.
pub trait SubmitHook: Send + Sync {
    /// Whether this request may be sent.
    ///
    /// After [`Decision::Send`] the connection can still fail to open, so that it alone does not
    /// prove that bytes were sent. An implementation that cannot record its decision answers
    /// [`Decision::Refuse`]. It must not send the request itself, and must not block the thread.
    /// The wait counts towards [`HttpLimits::total`](super::HttpLimits::total); the future is
    /// dropped when that time is over or the call ends, and nothing was sent.
    fn before_submit<'a>(&'a self, submission: Submission<'a>) -> BoxFuture<'a, Decision>;
}

/// What becomes of a request that can cost money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is sent.
    Send {
        /// Whether the same request is sent again after a lost reply, under a key that the provider
        /// recognizes. Only then may it use a connection that was open before, which can be stale.
        is_keyed: bool,
    },
    /// It is denied ([`Denial::HeldBack`](super::Denial::HeldBack)), and nothing was sent.
    Refuse,
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

    /// Whether the request carries this idempotency key where the provider looks for it.
    #[must_use]
    pub fn carries(&self, key: &str, place: &KeyPlace) -> bool {
        if self.parts.method != Method::POST {
            return false;
        }
        match place {
            KeyPlace::Header(name) => self.the_one(name).is_some_and(|value| value == key),
            KeyPlace::Field(pointer) => {
                // Of two fields of one name a provider may read either.
                self.is_json()
                    && serde_json::from_slice::<Unambiguous>(self.body).is_ok()
                    && serde_json::from_slice::<Value>(self.body).is_ok_and(|body| {
                        body.pointer(pointer).and_then(Value::as_str) == Some(key)
                    })
            }
        }
    }

    /// The value of a header that the request has once.
    fn the_one(&self, name: impl AsHeaderName) -> Option<&HeaderValue> {
        let mut values = self.parts.headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none())
    }

    /// Whether the body is of a type of JSON.
    fn is_json(&self) -> bool {
        let named = self.the_one(CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let named = named.and_then(|named| named.split(';').next());
        named.is_some_and(|named| {
            let named = named.trim().to_ascii_lowercase();
            named == "application/json" || named.ends_with("+json")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carries(place: &str, headers: &[(&str, &str)], body: &str) -> bool {
        let mut request = http::Request::post("/v1/k-1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let submission = Submission {
            digest: [0; 32].into(),
            parts: &parts,
            body: body.as_bytes(),
        };
        submission.carries("k-1", &place.parse().expect("a place"))
    }

    #[test]
    fn key_counts_in_its_header_alone() {
        let place = "idempotency-key";
        assert!(carries(place, &[("Idempotency-Key", "k-1")], ""));
        for headers in [
            &[][..],
            &[("x-foo", "k-1")],
            &[("user-agent", "k-1")],
            &[("idempotency_key", "k-1")],
            &[("x-idempotency-key", "k-1")],
            &[("idempotency-key", "k-10")],
            &[("idempotency-key", "k-1"), ("idempotency-key", "k-2")],
        ] {
            assert!(!carries(place, headers, r#"{"key": "k-1"}"#), "{headers:?}");
        }
    }

    #[test]
    fn key_counts_in_a_body_that_is_read_as_json_alone() {
        let body = r#"{"idempotency_key": "k-1", "list": [{"a": 1e2}, {"a": null}]}"#;
        for (types, expected) in [
            (&["application/json"][..], true),
            (&["Application/JSON; charset=utf-8"], true),
            (&["application/vnd.example+json"], true),
            (&[], false),
            (&["text/plain"], false),
            (&["application/json", "text/plain"], false),
        ] {
            let headers: Vec<_> = types.iter().map(|it| ("content-type", *it)).collect();
            let found = carries("/idempotency_key", &headers, body);
            assert_eq!(found, expected, "{types:?}");
        }
    }

    #[test]
    fn key_counts_in_a_post_alone() {
        let (mut parts, ()) = http::Request::put("/v1/jobs")
            .header("idempotency-key", "k-1")
            .body(())
            .expect("a request")
            .into_parts();
        let place = "idempotency-key".parse().expect("a place");
        for (method, expected) in [(Method::PUT, false), (Method::POST, true)] {
            parts.method = method;
            let submission = Submission {
                digest: [0; 32].into(),
                parts: &parts,
                body: b"",
            };
            assert_eq!(submission.carries("k-1", &place), expected);
        }
    }

    #[test]
    fn key_counts_in_its_field_alone() {
        let place = "/idempotency_key";
        let json = ("content-type", "application/json");
        assert!(carries(place, &[json], r#"{"idempotency_key": "k-1"}"#));
        for body in [
            "",
            "k-1",
            r#"{"junk": "k-1"}"#,
            r#"{"idempotency_key": ["k-1"]}"#,
            r#"{"input": {"idempotency_key": "k-1"}}"#,
            r#"{"idempotency_key": "junk", "idempotency_key": "k-1"}"#,
            r#"{"Idempotency_Key": "junk", "idempotency_key": "k-1"}"#,
        ] {
            assert!(
                !carries(place, &[("idempotency-key", "k-1"), json], body),
                "{body}"
            );
        }
    }
}
