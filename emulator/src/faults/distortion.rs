//! Changes of a reply: other fields, another encoding, truncation, slow sending.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING,
};
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::stream;
use serde_json::{Map, Value};
use tokio::time::sleep;

use super::clips::Clips;
use super::edits::Edits;
use super::encoding::{Charset, Encoding};
use crate::concurrent_polls::PollGuard;
use crate::connection::{ConnectionControl, Disconnect};
use crate::rejection::Rejection;

/// The places of a job's id in the replies of all protocols to a submission.
const ID_PLACES: [&str; 4] = ["/id", "/job_id", "/data/job_id", "/data/id"];

/// The changes of a reply, applied in the order of the fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distortion {
    /// Names the job in a header instead of the body.
    pub(crate) id_in_header: Option<IdInHeader>,
    /// Changes of a JSON object.
    pub(crate) edits: Edits,
    /// The encoding of a JSON body.
    pub(crate) charset: Option<Charset>,
    /// The content codings, in the order in which they are applied.
    pub(crate) encodings: Vec<Encoding>,
    pub(crate) media_type: Option<HeaderValue>,
    /// These replace headers of the same name.
    pub(crate) headers: HeaderMap,
    /// Disconnects after this many bytes of the body.
    pub(crate) cut: Option<(usize, Disconnect)>,
    pub(crate) drip: Option<SlowBody>,
}

/// A reply to a submission that names the job in a header and has no body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdInHeader {
    pub(crate) header: HeaderName,
    /// The header's value, in which `{id}` stands for the id.
    pub(crate) value: String,
    pub(crate) status: StatusCode,
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
        clips: &Clips<'_>,
        control: ConnectionControl,
        watched: Option<PollGuard>,
    ) -> Response {
        let mut reply = if self.touches_body() {
            let (mut head, body) = reply.into_parts();
            let bytes = match to_bytes(body, usize::MAX).await {
                Ok(bytes) => bytes,
                Err(error) => return Rejection::internal(&error).into_response(),
            };
            let bytes = self.name_in_header(&mut head, bytes);
            let bytes = self.edited(bytes, clips).await;
            let bytes = self.encoded(&mut head, bytes);
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
        self.id_in_header.is_some()
            || !self.edits.is_empty()
            || self.charset.is_some()
            || !self.encodings.is_empty()
            || self.cut.is_some()
            || self.drip.is_some()
    }

    /// Moves the job's id from the body to a header. A reply without an id stays unchanged.
    fn name_in_header(&self, head: &mut Parts, body: Bytes) -> Bytes {
        let Some(named) = &self.id_in_header else {
            return body;
        };
        let document: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut places = ID_PLACES.iter();
        let id = places.find_map(|place| document.pointer(place)?.as_str());
        let value = id.and_then(|id| named.value.replace("{id}", id).parse().ok());
        let Some(value) = value else {
            return body;
        };
        head.status = named.status;
        head.headers.remove(CONTENT_TYPE);
        head.headers.insert(named.header.clone(), value);
        Bytes::new()
    }

    /// The edited body. A body that is not a JSON object stays unchanged.
    async fn edited(&self, body: Bytes, clips: &Clips<'_>) -> Bytes {
        if self.edits.is_empty() {
            return body;
        }
        let Ok(object) = serde_json::from_slice::<Map<String, Value>>(&body) else {
            return body;
        };
        let object = Value::Object(object);
        let values = match self.edits.clip {
            Some(form) => clips.values(&object, form).await,
            None => HashMap::new(),
        };
        self.edits.text(object, &values).into()
    }

    /// The body in another charset and content coding, which the head names.
    fn encoded(&self, head: &mut Parts, mut body: Bytes) -> Bytes {
        if let Some(charset) = self.charset
            && let Some(bytes) = charset.encode(&body)
        {
            body = bytes.into();
            if let Some(media_type) = charset.media_type() {
                let media_type = HeaderValue::from_static(media_type);
                head.headers.insert(CONTENT_TYPE, media_type);
            }
        }
        if self.encodings.is_empty() {
            return body;
        }
        for encoding in &self.encodings {
            body = encoding.encode(&body).into();
        }
        let names: Vec<_> = self.encodings.iter().map(|one| one.name()).collect();
        if let Ok(names) = names.join(", ").parse() {
            head.headers.insert(CONTENT_ENCODING, names);
        }
        head.headers.remove(ACCEPT_RANGES);
        body
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::clips::FindClip;
    use super::*;
    use crate::result_urls::ResultUrls;

    async fn applied(distortion: &Distortion, body: &'static str) -> (Parts, Bytes) {
        let find: FindClip = Arc::new(|_| None);
        let clips = Clips {
            find: &find,
            result_urls: &ResultUrls::default(),
            host: "127.0.0.1:4",
        };
        let control = ConnectionControl::default();
        let reply = Response::new(Body::from(body));
        let reply = distortion.apply(reply, &clips, control, None).await;
        let (head, body) = reply.into_parts();
        (head, to_bytes(body, usize::MAX).await.expect("a body"))
    }

    #[tokio::test]
    async fn only_json_objects_are_edited() {
        let distortion = Distortion {
            edits: Edits {
                patch: Some(json!({"b": 2})),
                ..Edits::default()
            },
            ..Distortion::default()
        };
        for (body, expected) in [
            (r#"{"a": 1}"#, r#"{"a":1,"b":2}"#),
            ("[1]", "[1]"),
            ("a clip", "a clip"),
        ] {
            assert_eq!(applied(&distortion, body).await.1, expected);
        }
    }

    #[tokio::test]
    async fn body_has_its_codings_in_order() {
        let distortion = Distortion {
            encodings: vec![Encoding::Br, Encoding::Zstd],
            ..Distortion::default()
        };
        let (head, body) = applied(&distortion, "a").await;
        assert_eq!(head.headers[CONTENT_ENCODING], "br, zstd");
        let inner = zstd::decode_all(&body[..]).expect("zstd");
        assert_eq!(inner, Encoding::Br.encode(b"a"));
    }

    #[tokio::test]
    async fn id_moves_from_the_body_to_a_header() {
        let distortion = Distortion {
            id_in_header: Some(IdInHeader {
                header: HeaderName::from_static("location"),
                value: "/v1/jobs/{id}".to_owned(),
                status: StatusCode::ACCEPTED,
            }),
            ..Distortion::default()
        };
        for body in [
            r#"{"id": "j"}"#,
            r#"{"data": {"job_id": "j"}}"#,
            r#"{"job_id": "j", "data": {"id": "k"}}"#,
        ] {
            let (head, left) = applied(&distortion, body).await;
            assert_eq!(head.status, StatusCode::ACCEPTED);
            assert_eq!(head.headers["location"], "/v1/jobs/j");
            assert_eq!(left, "");
        }
        let (head, left) = applied(&distortion, r#"{"error": 1}"#).await;
        assert_eq!(
            (head.status, &left[..]),
            (StatusCode::OK, &br#"{"error": 1}"#[..])
        );
        assert!(!head.headers.contains_key("location"));
    }
}
