//! The envelope of successful replies: `{"ok": true, "data"}`.

use axum::Json;
use serde::Serialize;

/// A successful reply.
#[derive(Serialize)]
pub(super) struct Wrapped<T> {
    ok: bool,
    data: T,
}

pub(super) fn wrapped<T>(data: T) -> Json<Wrapped<T>> {
    Json(Wrapped { ok: true, data })
}
