//! Changes of a reply: other fields, another encoding, truncation, slow sending.

use std::convert::Infallible;
use std::io::Write as _;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream;
use serde_json::{Map, Value};
use tokio::time::sleep;

use crate::concurrent_polls::PollGuard;
use crate::connection::{ConnectionControl, Disconnect};
use crate::rejection::Rejection;

/// The changes of a reply, applied in the order of the fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distortion {
    /// Replaces a JSON object by the value at this JSON Pointer (RFC 6901).
    pub(crate) unwrap: Option<String>,
    /// A merge patch (RFC 7396) for a JSON object.
    pub(crate) patch: Option<Value>,
    /// Adds a field `padding` of this many bytes to a JSON object.
    pub(crate) pad_bytes: Option<usize>,
    /// Adds a field `nesting` of this many nested arrays to a JSON object.
    pub(crate) nest: Option<usize>,
    pub(crate) gzip: bool,
    pub(crate) media_type: Option<HeaderValue>,
    /// These replace headers of the same name.
    pub(crate) headers: HeaderMap,
    /// Disconnects after this many bytes of the body.
    pub(crate) cut: Option<(usize, Disconnect)>,
    pub(crate) drip: Option<SlowBody>,
}

/// A body that is sent in small pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlowBody {
    /// The pause before each piece.
    pub(crate) pause: Duration,
    /// The bytes of each piece.
    pub(crate) bytes: usize,
}

impl Distortion {
    /// Applies the changes. The poll of `watched` lasts until the last piece of its reply.
    pub(crate) async fn apply(
        &self,
        reply: Response,
        control: ConnectionControl,
        watched: Option<PollGuard>,
    ) -> Response {
        let mut reply = if self.touches_body() {
            let (mut head, body) = reply.into_parts();
            let mut bytes = match to_bytes(body, usize::MAX).await {
                Ok(bytes) => bytes,
                Err(error) => return Rejection::internal(&error).into_response(),
            };
            bytes = self.edited(bytes);
            if self.gzip {
                bytes = gzipped(&bytes);
                let encoding = HeaderValue::from_static("gzip");
                head.headers.insert(CONTENT_ENCODING, encoding);
            }
            head.headers.remove(TRANSFER_ENCODING);
            head.headers.insert(CONTENT_LENGTH, bytes.len().into());
            Response::from_parts(head, self.paced(bytes, control, watched))
        } else {
            reply
        };
        if let Some(media_type) = &self.media_type {
            reply.headers_mut().insert(CONTENT_TYPE, media_type.clone());
        }
        for (name, value) in &self.headers {
            reply.headers_mut().insert(name, value.clone());
        }
        reply
    }

    fn touches_body(&self) -> bool {
        self.touches_json() || self.gzip || self.cut.is_some() || self.drip.is_some()
    }

    fn touches_json(&self) -> bool {
        self.unwrap.is_some()
            || self.patch.is_some()
            || self.pad_bytes.is_some()
            || self.nest.is_some()
    }

    /// The edited body. A body that is not a JSON object stays unchanged.
    fn edited(&self, body: Bytes) -> Bytes {
        if !self.touches_json() {
            return body;
        }
        let Ok(object) = serde_json::from_slice::<Map<String, Value>>(&body) else {
            return body;
        };
        let mut value = Value::Object(object);
        if let Some(pointer) = &self.unwrap
            && let Some(inner) = value.pointer_mut(pointer)
        {
            value = inner.take();
        }
        if !value.is_object() {
            return value.to_string().into();
        }
        if let Some(patch) = &self.patch {
            merge(&mut value, patch);
        }
        let mut text = value.to_string();
        if let Some(bytes) = self.pad_bytes {
            append(&mut text, "padding", &format!("\"{}\"", "x".repeat(bytes)));
        }
        if let Some(depth) = self.nest {
            // As text: dropping a `Value` of this depth would overflow the stack.
            let nesting = "[".repeat(depth) + &"]".repeat(depth);
            append(&mut text, "nesting", &nesting);
        }
        text.into()
    }

    fn paced(
        &self,
        mut bytes: Bytes,
        control: ConnectionControl,
        watched: Option<PollGuard>,
    ) -> Body {
        let cut = self.cut.filter(|(length, _)| *length < bytes.len());
        if cut.is_none() && self.drip.is_none() {
            return bytes.into();
        }
        if let Some((length, _)) = cut {
            bytes.truncate(length);
        }
        let pieces = Pieces {
            rest: bytes,
            drip: self.drip,
            disconnect: cut.map(|(_, how)| how),
            control,
            watched,
        };
        Body::from_stream(stream::unfold(pieces, Pieces::next))
    }
}

/// The rest of a body that is sent in pieces.
struct Pieces {
    rest: Bytes,
    drip: Option<SlowBody>,
    disconnect: Option<Disconnect>,
    control: ConnectionControl,
    watched: Option<PollGuard>,
}

impl Pieces {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if self.rest.is_empty() {
            match self.control.disconnect(self.disconnect?).await {}
        }
        let mut length = self.rest.len();
        if let Some(drip) = self.drip {
            sleep(drip.pause).await;
            length = length.min(drip.bytes);
        }
        let piece = self.rest.split_to(length);
        if self.rest.is_empty() {
            // Ends the poll before the last piece is sent: its client may poll again after it.
            self.watched = None;
        }
        Some((Ok(piece), self))
    }
}

/// Merges a patch into a value, by RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(target) = target.as_object_mut() else {
        return;
    };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Appends a field to the text of an object.
fn append(object: &mut String, name: &str, value: &str) {
    if object.pop() == Some('}') {
        let comma = if object.ends_with('{') { "" } else { "," };
        // Appended one by one without a copy: a value may have many megabytes.
        for part in [comma, "\"", name, "\":", value, "}"] {
            object.push_str(part);
        }
    }
}

fn gzipped(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    drop(encoder.write_all(bytes));
    encoder.finish().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn merge_patch_follows_rfc_7396() {
        let cases = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
            (
                json!(["a"]),
                json!({"a": "b", "c": null}),
                json!({"a": "b"}),
            ),
        ];
        for (mut target, patch, expected) in cases {
            merge(&mut target, &patch);
            assert_eq!(target, expected, "{patch}");
        }
    }

    #[test]
    fn reply_is_unwrapped_before_it_is_patched() {
        let distortion = Distortion {
            unwrap: Some("/data/0".to_owned()),
            patch: Some(json!({"b": 2})),
            pad_bytes: Some(1),
            ..Distortion::default()
        };
        let edited = |body: &'static str| distortion.edited(Bytes::from_static(body.as_bytes()));
        let inner = r#"{"a":1,"b":2,"padding":"x"}"#;
        assert_eq!(edited(r#"{"data": [{"a": 1}]}"#), inner);
        assert_eq!(edited(r#"{"data": ["a"]}"#), r#""a""#);
        assert_eq!(edited(r#"{"a": 1}"#), inner, "nothing at the pointer");
    }

    #[test]
    fn padding_is_added_to_json_objects_only() {
        let distortion = Distortion {
            pad_bytes: Some(3),
            nest: Some(2),
            ..Distortion::default()
        };
        let edited = |body: &'static str| distortion.edited(Bytes::from_static(body.as_bytes()));
        assert_eq!(edited("{}"), r#"{"padding":"xxx","nesting":[[]]}"#);
        assert_eq!(
            edited(r#"{"a": 1}"#),
            r#"{"a":1,"padding":"xxx","nesting":[[]]}"#
        );
        assert_eq!(edited("[1]"), "[1]");
        assert_eq!(edited("a clip"), "a clip");
    }
}
