//! Polls.

use std::sync::Arc;
use std::time::Duration;

use super::{Done, ResolvedJob, Steps, of_provider};
use crate::awake::timeout;
use crate::contract::JobState;
use crate::driver::event::Event;
use crate::driver::redact::redacted;
use crate::driver::{JobUpdate, backoff, classify, now};
use crate::ledger::{Job, LedgerError, Millis};

/// How long after the deadline of its job a poll may end.
const AFTER_DEADLINE: Duration = Duration::from_secs(2);

impl Steps {
    pub(super) async fn poll(
        &self,
        job: Job,
        resolved_job: &ResolvedJob,
    ) -> Result<Done, Arc<LedgerError>> {
        let ticket = job.ticket().unwrap_or_default();
        let poll = resolved_job.known.pack.poll(&resolved_job.context, ticket);
        let Ok(polled) = timeout(longest_poll(&job), poll).await else {
            // The deadline has passed.
            return self.settled(job, &Event::Due).await;
        };
        if let Ok(JobState::Waiting(progress)) = &polled {
            let message = progress.message.as_deref();
            let message = message.map(|message| redacted(message, &job));
            let progress = JobUpdate::Progress {
                stage: progress.stage,
                fraction: progress.fraction,
                message: message.as_deref(),
            };
            (self.listener)(&job.spec.id, progress);
        }
        let event = paced(classify::of_poll(polled), &job, resolved_job.longest_pause);
        let event = self.read(&job, event).await;
        Box::pin(self.settled_result(job, event, resolved_job)).await
    }

    /// The event of a read, redacted. After a failure, the connection is opened again.
    pub(super) async fn read(&self, job: &Job, event: Event) -> Event {
        if let Event::PollFailed { error, .. } = &event {
            let connection = &job.spec.connection;
            self.connections.forget(connection, error.kind).await;
        }
        of_provider(event, job)
    }
}

/// How long a poll may take: a component that waits does not hold up the command that waits for its
/// job. A poll after a cancellation ends in its own time.
fn longest_poll(job: &Job) -> Duration {
    if job.schedule.cancel_wanted {
        return Duration::MAX;
    }
    let left = job.schedule.deadline_at.saturating_sub(now()).max(0);
    Duration::from_millis(left.unsigned_abs()) + AFTER_DEADLINE
}

/// The event with a delay where the provider gives none and the next pause would be longer
/// than this.
fn paced(mut event: Event, job: &Job, longest_pause: Option<Millis>) -> Event {
    if let (Event::Waiting { hint, .. }, Some(longest)) = (&mut event, longest_pause)
        && backoff::longer(job.schedule.backoff_ms) > longest
    {
        hint.get_or_insert_with(|| backoff::jittered(longest, &job.spec.id, now()));
    }
    event
}
