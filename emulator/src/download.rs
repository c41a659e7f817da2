//! Serves a stored file or a byte range of it, read from the disk in chunks.

use std::io::{self, SeekFrom};
use std::path::Path;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::range::{Selection, select};
use crate::rejection::Rejection;

/// Bytes read at once.
const CHUNK: u64 = 64 << 10;

/// A file never changes under its name.
const IMMUTABLE: &str = "private, max-age=31536000, immutable";

/// Sends a file of a media type, with its digest as entity tag.
pub(crate) async fn send(
    path: &Path,
    media_type: &'static str,
    digest: &str,
    request: &HeaderMap,
) -> Result<Response, Rejection> {
    let mut file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Rejection::not_found()),
        Err(error) => return Err(Rejection::storage(&error)),
    };
    let length = file
        .metadata()
        .await
        .map_err(|error| Rejection::storage(&error))?
        .len();
    let tag = format!("\"{digest}\"");
    let reply = Response::builder()
        .header(ACCEPT_RANGES, "bytes")
        .header(CACHE_CONTROL, IMMUTABLE)
        .header(CONTENT_TYPE, media_type)
        .header(ETAG, &tag);
    if text(request, &IF_NONE_MATCH).is_some_and(|tags| tags == "*" || tags.contains(&tag)) {
        let reply = reply.status(StatusCode::NOT_MODIFIED).body(Body::empty());
        return reply.map_err(|error| Rejection::internal(&error));
    }
    // A range of another version does not fit the bytes that the client has.
    let range = text(request, &RANGE)
        .filter(|_| text(request, &IF_RANGE).is_none_or(|version| version == tag));
    let (reply, first, count) = match select(range, length) {
        Selection::Whole => (reply, 0, length),
        Selection::Part { first, last } => {
            let range = format!("bytes {first}-{last}/{length}");
            let reply = reply
                .status(StatusCode::PARTIAL_CONTENT)
                .header(CONTENT_RANGE, range);
            (reply, first, last - first + 1)
        }
        Selection::Unsatisfiable => return Err(Rejection::range(length)),
    };
    file.seek(SeekFrom::Start(first))
        .await
        .map_err(|error| Rejection::storage(&error))?;
    let chunks = stream::try_unfold((file, count), |(file, left)| next_chunk(file, left));
    reply
        .header(CONTENT_LENGTH, count)
        .body(Body::from_stream(chunks))
        .map_err(|error| Rejection::internal(&error))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The next chunk of a file with `left` bytes to send, and the state after it.
async fn next_chunk(mut file: File, left: u64) -> io::Result<Option<(Bytes, (File, u64))>> {
    if left == 0 {
        return Ok(None);
    }
    let mut chunk = Vec::new();
    let read = (&mut file)
        .take(left.min(CHUNK))
        .read_to_end(&mut chunk)
        .await?;
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some((chunk.into(), (file, left - read as u64))))
}
