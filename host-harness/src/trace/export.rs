//! Exported spans have the ids that `traceparent` tells providers.

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Makes `span` a part of `trace`, below the span `parent` of it. Where nothing is exported
/// it is none.
pub(super) fn adopt(span: &Span, trace: [u8; 16], parent: [u8; 8], flags: u8) {
    let parent = SpanContext::new(
        TraceId::from_bytes(trace),
        SpanId::from_bytes(parent),
        TraceFlags::new(flags),
        true,
        TraceState::default(),
    );
    let parent = opentelemetry::Context::new().with_remote_span_context(parent);
    // Without an exporter nobody asks whose child it is.
    let _ = span.set_parent(parent);
}

/// The id under which the present span is exported, if it is, as a part of this trace.
pub(super) fn present(trace: [u8; 16]) -> Option<[u8; 8]> {
    let context = Span::current().context();
    let present = context.span().span_context().clone();
    let is_exported = present.is_valid() && present.trace_id().to_bytes() == trace;
    is_exported.then(|| present.span_id().to_bytes())
}
