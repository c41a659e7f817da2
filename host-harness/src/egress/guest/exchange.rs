//! The third stage: sends the request as a read or as a submit, and reads the whole reply.

use std::time::Duration;

use http::StatusCode;

use super::body::Collected;
use super::outgoing::{Outgoing, destination_of};
use super::receive::receive;
use super::redact::{Received, Unredacted};
use crate::egress::destination::Destination;
use crate::egress::error::{Denial, EgressError, NotSent, ReplyLost};
use crate::egress::spans;

/// How much longer a reply may take that can hold a clip, as a part of the usual time. The usual
/// time is half of the call's, and the component still gets the error.
const CLIP_TIME: f64 = 0.8;

/// Sends `request` and reads the whole reply.
pub(super) async fn exchange(mut request: Collected<'_>) -> Result<Unredacted, EgressError> {
    let head = request.head();
    let destination = destination_of(head).ok_or(NotSent::denied(Denial::Url))?;
    let (method, path) = (&head.parts.method, head.parts.uri.path());
    let length = request.body().len() as u64;
    let span = spans::span(method, &destination.origin, path, length);
    let reply = spans::traced(span, transmitted(&mut request, &destination)).await?;
    let head = request.head();
    if reply.0.status == StatusCode::PAYLOAD_TOO_LARGE {
        head.call.transmission.note_too_large(length);
    }
    Ok(Unredacted::of(reply, head.call.connection.clone()))
}

/// Sends `request` to `destination` and reads the whole reply.
async fn transmitted(
    request: &mut Collected<'_>,
    destination: &Destination,
) -> Result<Received, EgressError> {
    let head = request.head();
    let limits = head.limits;
    // A reply with a clip may take most of the call.
    let more = if head.call.sends.receives_clips() {
        limits.total.mul_f64(CLIP_TIME)
    } else {
        Duration::ZERO
    };
    let deadline = head.deadline.plus(more);
    let exchange = async {
        let outgoing = Outgoing::to(destination, request).ok_or(NotSent::denied(Denial::Url))?;
        let reply = if request.head().parts.method.is_safe() {
            outgoing.read().await?
        } else {
            outgoing.submit().await?
        };
        request.drop_body();
        Ok::<_, EgressError>(receive(request.head(), reply).await?)
    };
    let after = limits.total + more;
    if let Ok(exchanged) = deadline.limit(exchange).await {
        return exchanged;
    }
    let head = request.head();
    // The submit hook may have waited for the ledger all the time.
    if head.parts.method.is_safe() || head.call.transmission.has_left() {
        Err(ReplyLost::Timeout { after }.into())
    } else {
        Err(NotSent::HeldUp { after }.into())
    }
}
