//! Cancellations, and the hook that commits one before its request is sent.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;

use super::{Done, ResolvedJob, Steps, with_reported_charge};
use crate::driver::decide::decide;
use crate::driver::event::{Action, Event};
use crate::driver::group_commit::{WriteError, Writer};
use crate::driver::{JobUpdate, Listener, classify, now};
use crate::egress::{Sent, Submission, SubmitHook};
use crate::ledger::{Change, Job, LedgerError};

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
        let hook = Arc::new(CancelHook {
            writer: self.writer.clone(),
            listener: Arc::clone(&self.listener),
            kept: Mutex::new(Kept {
                row: job.clone(),
                refused: None,
            }),
        });
        let context = resolved_job
            .context
            .clone()
            .with_submit_hook(Arc::clone(&hook) as _)
            .with_submit_path(job.submit_path.as_deref());
        let ticket = job.ticket().unwrap_or_default();
        let (cancelled, sent) = pack.cancel_reporting(&context, ticket).await;
        let Kept { mut row, refused } = hook.state();
        match refused {
            None => {}
            Some(Refused::Ledger(error)) => return Err(error),
            Some(Refused::Changed) => {
                let job = self.ledger.job(&job.spec.id)?.unwrap_or(row);
                return Ok(Done {
                    job,
                    provider_delay: None,
                    blocked: None,
                    rate: None,
                });
            }
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

/// Commits that the request of a cancellation is sent, before it is.
struct CancelHook {
    writer: Writer,
    listener: Listener,
    kept: Mutex<Kept>,
}

#[derive(Clone)]
struct Kept {
    /// The row that this cancellation last committed, or started from.
    row: Job,
    refused: Option<Refused>,
}

/// Why the request was not sent.
#[derive(Clone)]
enum Refused {
    /// The row was changed meanwhile, so another action may follow.
    Changed,
    /// The ledger cannot be written.
    Ledger(Arc<LedgerError>),
}

impl CancelHook {
    fn state(&self) -> Kept {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn commit(&self, before: Job) -> Result<Job, Refused> {
        let at = now();
        let (after, action) = decide(&before, Event::CancelReady, at);
        if action != Action::AllowCancel {
            return Err(Refused::Changed);
        }
        match self.writer.commit(Change { before, after, at }).await {
            Ok(row) => Ok(row),
            Err(WriteError::Outdated) => Err(Refused::Changed),
            Err(WriteError::Ledger(error)) => Err(Refused::Ledger(error)),
        }
    }
}

impl SubmitHook for CancelHook {
    fn before_submit<'a>(&'a self, _: Submission<'a>) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let before = self.state();
            // A second request of one call is denied after the first was recorded.
            if before.refused.is_some() || before.row.schedule.cancel_sent_at.is_some() {
                return false;
            }
            let outcome = self.commit(before.row).await;
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(row) => {
                    tracing::info!("the cancellation is sent");
                    (self.listener)(&row.spec.id, JobUpdate::Committed(&row));
                    *kept = Kept { row, refused: None };
                    true
                }
                Err(refused) => {
                    // Another request of the call may have been recorded meanwhile.
                    if kept.row.schedule.cancel_sent_at.is_none() {
                        kept.refused = Some(refused);
                    }
                    false
                }
            }
        })
    }
}
