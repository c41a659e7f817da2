//! What is round every reply that is not refused.

use axum::Json;
use serde::Serialize;

/// What is not refused.
#[derive(Serialize)]
pub(super) struct Wrapped<T> {
    ok: bool,
    data: T,
}

pub(super) fn wrapped<T>(data: T) -> Json<Wrapped<T>> {
    Json(Wrapped { ok: true, data })
}
