//! Logs of a job: its span, and an event at each change of its row. They never contain the
//! input, the ticket, the output or a provider's message, which `jobs show` prints.

use tracing::Span;

use super::event::Event;
use crate::ledger::Job;
use crate::trace::{Caller, TraceParent};

/// The span of a job's step.
pub(super) fn span(job: &Job, caller: Option<&Caller>) -> Span {
    let spec = &job.spec;
    let span = tracing::info_span!(
        "job",
        id = spec.id,
        node = spec.node,
        state = job.state().as_str(),
        connection = spec.connection,
        trace_id = tracing::field::Empty,
        caller = tracing::field::Empty,
    );
    if span.is_disabled() {
        return span;
    }
    let own = TraceParent::of_job(&spec.id).ok();
    if let Some(own) = &own {
        span.record("trace_id", own.trace_id());
    }
    if let Some(caller) = caller {
        span.record("caller", tracing::field::display(caller.parent()));
    }
    if let Some(parent) = caller.map(Caller::parent).or(own.as_ref()) {
        parent.adopt(&span);
    }
    span
}

/// Logs a commit.
pub(super) fn committed(event: &Event, job: &Job) {
    let error_kind = job.last_error.as_ref().map(|error| error.kind.as_str());
    match event {
        Event::Accepted {
            provider_job_id, ..
        } => tracing::info!(provider_job_id, "the provider has accepted the job"),
        Event::Adopted {
            provider_job_id, ..
        } => tracing::info!(provider_job_id, "the job was found at the provider"),
        Event::Succeeded { .. } => tracing::info!("the provider has made the result"),
        Event::UploadsBegin => tracing::info!("the pictures are uploaded"),
        Event::HandedOver { .. } => tracing::info!("the pictures are handed over"),
        Event::UploadGone { .. } if job.local_pictures.are_pending() => {
            tracing::info!("the provider no longer has an upload; the pictures are uploaded again");
        }
        Event::Fetched { file } => tracing::info!(bytes = file.bytes, "the download is complete"),
        Event::Finalized => tracing::info!("the file has its final name"),
        Event::Resumed { .. } => tracing::info!("the job was resumed"),
        Event::TargetChanged { .. } => tracing::info!("the job has a new target"),
        Event::ResultRemoved { .. } => tracing::info!("the result is not at its place any more"),
        Event::CancelWanted => tracing::info!("the job is to be cancelled"),
        Event::Waiting { .. } if error_kind.is_none() => tracing::debug!("the job is not finished"),
        Event::Due | Event::Delayed { .. } if error_kind.is_none() => {
            tracing::debug!("the job waits");
        }
        _ => log_transition(error_kind, job),
    }
}

fn log_transition(error_kind: Option<&str>, job: &Job) {
    let (state, attempts) = (job.state().as_str(), job.schedule.attempts);
    match job.schedule.next_at {
        Some(_) => tracing::info!(error_kind, state, attempts, "the job will be tried again"),
        None if job.is_done() => tracing::info!(error_kind, state, "the job has ended"),
        None => tracing::info!(
            error_kind,
            state,
            "the job is suspended until it is resumed"
        ),
    }
}
