//! Redacts the credential that a reply may echo.

use std::sync::Arc;

use bytes::Bytes;

use super::error::ReplyLost;
use crate::connections::OpenConnection;

/// Bodies of this length are redacted in a blocking thread.
const BLOCKING: usize = 64 << 10;

/// The body of a reply that came over `connection`, without its credential.
pub(super) async fn redacted(
    body: Bytes,
    connection: &Arc<OpenConnection>,
) -> Result<Bytes, ReplyLost> {
    let Some(credential) = connection.credential() else {
        return Ok(body);
    };
    if body.len() < BLOCKING {
        return Ok(credential.redact(body));
    }
    let connection = Arc::clone(connection);
    let redacted = tokio::task::spawn_blocking(move || match connection.credential() {
        Some(credential) => credential.redact(body),
        None => body,
    });
    redacted.await.map_err(|_| ReplyLost::Unread)
}
