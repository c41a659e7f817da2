//! The third stage: the request is sent, as a read or as a submit, and its reply read whole.

use bytes::Bytes;
use http::response;
use tokio::time::timeout_at;

use super::body::Collected;
use super::outgoing::{Outgoing, destination_of};
use super::redact::Unredacted;
use crate::egress::destination::Destination;
use crate::egress::error::{Denial, EgressError, Lost, NotSent};
use crate::egress::header::length_of;
use crate::egress::watch;

/// Sends `request` and reads the whole reply.
pub(super) async fn exchange(request: Collected<'_>) -> Result<Unredacted<'_>, EgressError> {
    let order = request.order();
    let destination = destination_of(order).ok_or(NotSent::denied(Denial::Url))?;
    let (method, path) = (&order.parts.method, order.parts.uri.path());
    let length = request.body().len() as u64;
    let span = watch::span(method, &destination.origin, path, length);
    let reply = watch::told(span, transmitted(&request, &destination)).await?;
    Ok(Unredacted::of(reply, order.connection))
}

/// Sends what has passed the policy and reads the whole reply.
async fn transmitted(
    request: &Collected<'_>,
    destination: &Destination,
) -> Result<(response::Parts, Bytes), EgressError> {
    let order = request.order();
    let limits = &order.limits;
    let outgoing = Outgoing::to(destination, request).ok_or(NotSent::denied(Denial::Url))?;
    let exchange = async {
        let reply = if order.parts.method.is_safe() {
            outgoing.read().await?
        } else {
            outgoing.submit().await?
        };
        if length_of(&reply.parts.headers) > limits.reply_header {
            let limit = limits.reply_header;
            return Err(Lost::HeaderTooLong { limit }.into());
        }
        Ok::<_, EgressError>(reply.collect(limits.reply_body, limits.idle).await?)
    };
    // Opening ends before the deadline; what is late has left.
    timeout_at(order.deadline, exchange)
        .await
        .unwrap_or_else(|_| {
            Err(EgressError::from(Lost::Timeout {
                after: limits.total,
            }))
        })
}
