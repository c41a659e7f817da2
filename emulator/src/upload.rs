//! Uploads: checks and stores the picture of a form.

use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};

use crate::files::FileName;
use crate::picture;
use crate::rejection::Rejection;
use crate::state::Server;

/// The most bytes of an upload: a picture and the form around it, with its boundaries, headers and
/// other fields.
pub(crate) const MAX_UPLOAD: usize = picture::MAX_BYTES + (64 << 10);

/// Stores the picture in the part `file` of a form and returns its name.
pub(crate) async fn store(
    server: &Server,
    form: Result<Multipart, MultipartRejection>,
) -> Result<FileName, Rejection> {
    let bytes = file(form?).await?;
    let name = FileName::of(&bytes).ok_or_else(|| {
        let what = picture::other(&bytes);
        let message = format!("the provider accepts PNG, JPEG and WebP; this file is {what}");
        Rejection::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            message,
        )
    })?;
    server.render_queue.store(name.clone(), bytes).await?;
    Ok(name)
}

/// The part `file` of a form.
async fn file(mut form: Multipart) -> Result<Bytes, Rejection> {
    while let Some(mut field) = form.next_field().await? {
        if field.name() != Some("file") {
            continue;
        }
        let mut bytes = BytesMut::new();
        while let Some(chunk) = field.chunk().await? {
            if bytes.len() + chunk.len() > picture::MAX_BYTES {
                return Err(Rejection::unreadable_body(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    String::new(),
                ));
            }
            bytes.extend_from_slice(&chunk);
        }
        return Ok(bytes.freeze());
    }
    Err(Rejection::new(
        StatusCode::BAD_REQUEST,
        "invalid_request",
        "the form has no part `file`",
    ))
}
