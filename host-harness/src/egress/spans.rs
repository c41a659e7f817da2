//! The span of a request, with its destination and result.

use std::time::Instant;

use futures::future::BoxFuture;
use http::Method;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::error::{Denial, EgressError, NotSent};
use crate::error::chain;
use crate::net::Origin;

/// The span of a request. Without the query, which may hold a credential.
pub(super) fn span(method: &Method, origin: &Origin, path: &str, sent: u64) -> Span {
    tracing::debug_span!(
        "request",
        %method,
        url = %format_args!("{origin}{path}"),
        sent,
        reused = Empty,
        status = Empty,
        received = Empty,
        milliseconds = Empty,
    )
}

/// Records whether the connection was open already.
pub(super) fn connected(reused: bool) {
    Span::current().record("reused", reused);
}

/// Records the reply's status.
pub(super) fn answered(status: http::StatusCode) {
    Span::current().record("status", status.as_u16());
}

/// Records how long the reply's body was.
pub(super) fn received(bytes: usize) {
    Span::current().record("received", bytes);
}

/// Runs a request within its span and records the result. Boxed, because the future is large
/// and part of many others.
pub(super) fn traced<'a, T: Send>(
    span: Span,
    request: impl Future<Output = Result<T, EgressError>> + Send + 'a,
) -> BoxFuture<'a, Result<T, EgressError>> {
    let begun = Instant::now();
    let request = Box::pin(request);
    let traced = async move {
        let outcome = request.await;
        let span = Span::current();
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        span.record("milliseconds", milliseconds);
        match &outcome {
            Ok(_) => tracing::debug!("a request was answered"),
            Err(EgressError::NotSent(NotSent::Denied(denial))) => denied(denial),
            Err(error) => tracing::debug!(error = chain(error), "a request has no reply"),
        }
        outcome
    };
    Box::pin(traced.instrument(span))
}

/// Logs the rule that denied a request.
pub(super) fn denied(denial: &Denial) {
    tracing::info!(rule = %denial, "a request was denied");
}
