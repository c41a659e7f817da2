//! Gives exported spans the ids that are sent in `traceparent`.

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Makes `span` a child of the span `parent` in `trace`. Has no effect without an exporter.
pub(super) fn adopt(span: &Span, trace: [u8; 16], parent: [u8; 8], flags: u8) {
    let parent = SpanContext::new(
        TraceId::from_bytes(trace),
        SpanId::from_bytes(parent),
        TraceFlags::new(flags),
        true,
        TraceState::default(),
    );
    let parent = opentelemetry::Context::new().with_remote_span_context(parent);
    // Fails only without an exporter, where the parent is not used.
    let _ = span.set_parent(parent);
}

/// The exported id of the current span, if it is exported in this trace.
pub(super) fn present(trace: [u8; 16]) -> Option<[u8; 8]> {
    let context = Span::current().context();
    let present = context.span().span_context().clone();
    let is_exported = present.is_valid() && present.trace_id().to_bytes() == trace;
    is_exported.then(|| present.span_id().to_bytes())
}
