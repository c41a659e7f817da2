//! The second stage: reads the whole body and compares its length with the announced one.
//!
//! A body has its announced length reserved in the byte budget before its first byte is read, and
//! takes no more memory than that.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap};
use http_body_util::BodyExt as _;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::WasiBody;

use super::authorize::{Authorized, RequestHead};
use crate::egress::budget::CallBudget;
use crate::egress::error::{BodyFault, NotSent};

/// A permitted request with its whole body. Only [`Collected::of`] makes one.
pub(super) struct Collected<'a> {
    authorized: Authorized<'a>,
    body: Bytes,
    _turn: Option<OwnedSemaphorePermit>,
}

impl<'a> Collected<'a> {
    /// Reads `body` to its end.
    pub(super) async fn of(authorized: Authorized<'a>, body: WasiBody) -> Result<Self, NotSent> {
        let head = authorized.head();
        let expected = expected_length(head).map_err(NotSent::Body)?;
        let collected = async {
            let turn = head.call.memory.turn().await;
            let body = match expected {
                0 => nothing(body, head).await?,
                length => {
                    let budget = budget(head);
                    let is_alone = head.call.memory.is_only_turn();
                    if is_alone && budget.is_exceeded_by(length) {
                        // Nothing of the call is released before this request ends.
                        return Err(BodyFault::Memory(budget.share()));
                    }
                    let mut reserved = budget.reserved();
                    let waited = head.deadline.limit(reserved.grow_to(length)).await;
                    waited.map_err(|_| BodyFault::Memory(budget.share()))?;
                    let body = exactly(body, length).await?;
                    Arc::new(reserved).holding(body)
                }
            };
            Ok((body, turn))
        };
        let collected = head.deadline.limit(collected).await;
        let (body, turn) = collected
            .unwrap_or(Err(BodyFault::Unfinished))
            .map_err(NotSent::Body)?;
        Ok(Self {
            authorized,
            body,
            _turn: turn,
        })
    }

    pub(super) fn head(&self) -> &RequestHead<'a> {
        self.authorized.head()
    }

    pub(super) fn body(&self) -> &Bytes {
        &self.body
    }

    /// Drops the body, once it is sent and the reply begins: the reply may need its memory.
    pub(super) fn drop_body(&mut self) {
        self.body = Bytes::new();
    }
}

/// The budget of the request's call.
pub(super) fn budget<'a>(head: &RequestHead<'a>) -> &'a CallBudget {
    let call = head.call;
    call.memory.budget(head.egress, &call.quota, &head.limits)
}

/// The announced length; 0 if none is. Refuses what is known to be refused from the head alone.
fn expected_length(head: &RequestHead<'_>) -> Result<u64, BodyFault> {
    let announced = announced(&head.parts.headers).unwrap_or(0);
    let limit = head.limits.request_body;
    if announced > limit {
        return Err(BodyFault::TooLong(limit));
    }
    // Some servers do not read such a body, and take it for the next request.
    if announced > 0 && head.parts.method.is_safe() {
        return Err(BodyFault::Unexpected);
    }
    Ok(announced)
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a body of no byte, or says at its first byte why it is refused.
async fn nothing(body: WasiBody, head: &RequestHead<'_>) -> Result<Bytes, BodyFault> {
    let mut body = Pin::new(Box::new(body));
    let limit = head.limits.request_body;
    while let Some(bytes) = next(&mut body).await? {
        if bytes.is_empty() {
            continue;
        }
        let actual = bytes.len() as u64;
        return Err(match announced(&head.parts.headers) {
            _ if head.parts.method.is_safe() => BodyFault::Unexpected,
            _ if actual > limit => BodyFault::TooLong(limit),
            Some(announced) => BodyFault::Length { announced, actual },
            None => BodyFault::NoLength,
        });
    }
    Ok(Bytes::new())
}

/// Reads a body of `announced` bytes, and stops at the first byte beyond.
async fn exactly(body: WasiBody, announced: u64) -> Result<Bytes, BodyFault> {
    let mut body = Pin::new(Box::new(body));
    let capacity = usize::try_from(announced).map_err(|_| BodyFault::TooLong(announced))?;
    let mut collected = Vec::with_capacity(capacity);
    while let Some(bytes) = next(&mut body).await? {
        let actual = (collected.len() + bytes.len()) as u64;
        if actual > announced {
            return Err(BodyFault::Length { announced, actual });
        }
        collected.extend_from_slice(&bytes);
    }
    let actual = collected.len() as u64;
    if actual < announced {
        return Err(BodyFault::Length { announced, actual });
    }
    Ok(collected.into())
}

/// The next bytes of a body; `None` at its end.
async fn next(body: &mut Pin<Box<WasiBody>>) -> Result<Option<Bytes>, BodyFault> {
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame.map_err(|_| BodyFault::Broken)?.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}
