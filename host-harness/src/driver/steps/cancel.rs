//! Cancellations.

use std::sync::Arc;

use super::ledger_hook::{Kept, LedgerHook, Refused};
use super::{Done, ResolvedJob, Steps, with_reported_charge};
use crate::driver::classify;
use crate::driver::event::Event;
use crate::egress::Sent;
use crate::ledger::{Job, LedgerError};

impl Steps {
    /// Calls the component's `cancel`. One request that changes something is sent for a job, since
    /// it may cost money; a trusted pack, whose cancellations cost nothing, may repeat it after an
    /// error.
    pub(super) async fn cancel(
        &self,
        job: Job,
        resolved_job: &ResolvedJob,
    ) -> Result<Done, Arc<LedgerError>> {
        let pack = &resolved_job.known.pack;
        let is_trusted = pack.permissions().is_trusted();
        let mut job = job;
        if job.schedule.cancel_sent_at.is_some() {
            if !is_trusted {
                return self.poll_after_cancel(job, resolved_job).await;
            }
            job = self.settle(job, &Event::CancelRepeatable).await?;
        }
        let hook = Arc::new(LedgerHook::of_cancel(self, &job));
        let context = resolved_job
            .context
            .clone()
            .with_submit_hook(Arc::clone(&hook) as _)
            .with_submit_path(job.submit_path.as_deref());
        let ticket = job.ticket().unwrap_or_default();
        let (cancelled, sent) = pack.cancel_reporting(&context, ticket).await;
        // A commit that has begun counts, also if the call ended before it.
        let Kept { mut row, refused } = hook.ended().await;
        match refused {
            Some(Refused::Ledger(error)) => return Err(error),
            Some(_) => {
                let job = self.ledger.job(&job.spec.id)?.unwrap_or(row);
                return Ok(Done {
                    job,
                    provider_delay: None,
                    blocked: None,
                    rate: None,
                });
            }
            None => {}
        }
        let may_repeat = sent == Sent::Nothing || is_trusted && cancelled.is_err();
        if may_repeat && row.schedule.cancel_sent_at.is_some() {
            row = self.settle(row, &Event::CancelRepeatable).await?;
        }
        let event = with_reported_charge(classify::of_cancel(cancelled), &row, resolved_job);
        let event = self.read(&row, event).await;
        self.settled(row, &event).await
    }

    /// Polls a job whose cancellation was sent before, and ends the wish to cancel it.
    async fn poll_after_cancel(
        &self,
        job: Job,
        resolved_job: &ResolvedJob,
    ) -> Result<Done, Arc<LedgerError>> {
        let done = Box::pin(self.poll(job, resolved_job)).await?;
        let job = self.settle(done.job, &Event::CancelSpent).await?;
        Ok(Done { job, ..done })
    }
}
