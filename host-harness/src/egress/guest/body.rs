//! The second stage: reads the whole body and compares its length with the announced one.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderMap};
use http_body_util::BodyExt as _;
use tokio::time::timeout_at;
use wasmtime_wasi_http::WasiBody;

use super::authorize::{Authorized, RequestHead};
use crate::egress::error::{BodyFault, NotSent};

/// A permitted request with its whole body. Only [`Collected::of`] makes one.
pub(super) struct Collected<'a> {
    authorized: Authorized<'a>,
    body: Bytes,
}

impl<'a> Collected<'a> {
    /// Reads `body` to its end.
    pub(super) async fn of(authorized: Authorized<'a>, body: WasiBody) -> Result<Self, NotSent> {
        let RequestHead {
            parts,
            limits,
            deadline,
            ..
        } = authorized.head();
        let body = timeout_at(
            *deadline,
            collect_body(body, &parts.headers, limits.request_body),
        )
        .await
        .unwrap_or(Err(BodyFault::Unfinished))
        .map_err(NotSent::Body)?;
        // Some servers do not read such a body, and take it for the next request.
        if parts.method.is_safe() && !body.is_empty() {
            return Err(NotSent::Body(BodyFault::Unexpected));
        }
        Ok(Self { authorized, body })
    }

    pub(super) fn head(&self) -> &RequestHead<'a> {
        self.authorized.head()
    }

    pub(super) fn body(&self) -> &Bytes {
        &self.body
    }
}

/// The whole body, or why it is not sent.
async fn collect_body(body: WasiBody, headers: &HeaderMap, limit: u64) -> Result<Bytes, BodyFault> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > limit) {
        return Err(BodyFault::TooLong(limit));
    }
    let mut body = Pin::new(Box::new(body));
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(|_| BodyFault::Broken)?.into_data() else {
            continue;
        };
        if (collected.len() + bytes.len()) as u64 > limit {
            return Err(BodyFault::TooLong(limit));
        }
        collected.extend_from_slice(&bytes);
    }
    let actual = collected.len() as u64;
    match announced {
        Some(announced) if announced != actual => Err(BodyFault::Length { announced, actual }),
        None if actual > 0 => Err(BodyFault::NoLength),
        _ => Ok(collected.freeze()),
    }
}
