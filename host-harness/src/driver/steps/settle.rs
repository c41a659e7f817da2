//! Applies the event of a step to its row, and commits it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::results::InHand;
use super::{Done, ProviderDelay, ResolvedJob, Steps, with_reported_charge};
use crate::account_refusal::is_in_text;
use crate::awake::{Elapsed, timeout};
use crate::driver::busy::retry_while_busy;
use crate::driver::clock::Time;
use crate::driver::decide::decide;
use crate::driver::event::{Event, PollFailure, SubmitFailure};
use crate::driver::group_commit::{BusyPolicy, WriteError};
use crate::driver::{JobUpdate, backoff, classify, now, spans};
use crate::error::ErrorKind;
use crate::ledger::{Change, Job, JobError, LedgerError, Millis};

/// Attempts to commit an accepted job's ticket, and the time between them. While the disk has no
/// space, only a driver that drains gives up: the reply exists in the memory of this process alone.
const TICKET_COMMIT_ATTEMPTS: u32 = 10;
const TICKET_COMMIT_INTERVAL: Duration = Duration::from_secs(1);

/// The delay of another process's job whose connection this process cannot open.
const OTHER_PROCESS_DELAY: Millis = 30_000;

/// How long the end of a wait waits for another process that writes.
const END_WAIT: Duration = Duration::from_secs(3);

impl Steps {
    /// Applies an event to a row and commits it. If the row was changed meanwhile, applies the
    /// event to the changed one. While another process holds the ledger, waits, unless the driver
    /// drains and no ticket was paid for.
    pub(in crate::driver) async fn settle(
        &self,
        row: Job,
        event: &Event,
    ) -> Result<Job, Arc<LedgerError>> {
        Box::pin(self.settle_with(row, event, BusyPolicy::WaitUnlessDraining)).await
    }

    /// The same for a command, which fails if another process holds the ledger.
    pub(in crate::driver) async fn command(
        &self,
        row: Job,
        event: &Event,
    ) -> Result<Job, Arc<LedgerError>> {
        self.settle_with(row, event, BusyPolicy::Fail).await
    }

    /// The same with this policy.
    pub(in crate::driver) async fn settle_with(
        &self,
        row: Job,
        event: &Event,
        if_busy: BusyPolicy,
    ) -> Result<Job, Arc<LedgerError>> {
        let mut row = row;
        let mut attempts = 0;
        // A ticket is shown before it waits for another process.
        let mut if_busy = match paid_for(event) {
            Some(_) => BusyPolicy::Fail,
            None => if_busy,
        };
        loop {
            let time = Time::of(&self.ledger);
            let (after, _) = decide(&row, event.clone(), time);
            if after == row {
                return Ok(row);
            }
            let change = Change {
                before: row.clone(),
                after,
                at: time.now,
            };
            match self.writer.commit_with(change, if_busy).await {
                Ok(job) => {
                    spans::committed(event, &job);
                    (self.listener)(&job.spec.id, JobUpdate::Committed(&job));
                    return Ok(job);
                }
                Err(WriteError::Outdated) => {
                    match retry_while_busy(|| self.ledger.job(&row.spec.id)).await? {
                        Some(present) => row = present,
                        None => return Ok(row),
                    }
                }
                Err(WriteError::Ledger(error)) => {
                    let Some((ticket, provider_job_id)) = paid_for(event) else {
                        return Err(error);
                    };
                    if attempts == 0 {
                        let unrecorded = JobUpdate::Unrecorded {
                            job: &row,
                            ticket,
                            provider_job_id,
                            error: &error,
                        };
                        (self.listener)(&row.spec.id, unrecorded);
                    }
                    attempts += 1;
                    if error.is_busy() {
                        if_busy = BusyPolicy::Wait;
                        continue;
                    }
                    if error.lacks().is_some() && !self.writer.is_draining() {
                        attempts = 1;
                    }
                    if attempts >= TICKET_COMMIT_ATTEMPTS || !error.is_transient() {
                        return Err(error);
                    }
                    sleep(TICKET_COMMIT_INTERVAL).await;
                }
            }
        }
    }

    /// Ends the wait for a job of another process that drives, if its deadline has passed; returns
    /// the row as it is now. Nothing is sent. A row that changes meanwhile, or that cannot be written
    /// now, stays.
    pub(in crate::driver) async fn end_wait(&self, row: Job) -> Result<Job, Arc<LedgerError>> {
        let time = Time::of(&self.ledger);
        let (after, _) = decide(&row, Event::Due, time);
        if after.schedule.next_at.is_some() || after == row {
            return Ok(row);
        }
        let change = Change {
            before: row.clone(),
            after,
            at: time.now,
        };
        let committing = self.writer.commit_with(change, BusyPolicy::Fail);
        match timeout(END_WAIT, committing).await {
            Ok(Ok(job)) => {
                (self.listener)(&job.spec.id, JobUpdate::Committed(&job));
                Ok(job)
            }
            Ok(Err(WriteError::Outdated)) => Ok(self.ledger.job(&row.spec.id)?.unwrap_or(row)),
            Ok(Err(WriteError::Ledger(error))) if !error.is_busy() => Err(error),
            Ok(Err(WriteError::Ledger(_))) | Err(Elapsed) => Ok(row),
        }
    }

    pub(in crate::driver) async fn settled(
        &self,
        job: Job,
        event: &Event,
    ) -> Result<Done, Arc<LedgerError>> {
        let blocked = blocked(event);
        if let Some(error) = &blocked
            && error.kind == ErrorKind::AccountRefused
        {
            let party = self.party(&job);
            self.account_refusals
                .add(&job.spec.connection, party, error.clone());
        }
        Ok(Done {
            job: self.settle(job, event).await?,
            provider_delay: provider_delay(event),
            blocked,
            rate: None,
        })
    }

    /// Suspends a job whose component or connection this process cannot use. A job of another
    /// process is delayed instead: that process may be able to.
    pub(super) async fn settled_unresolved(
        &self,
        job: Job,
        error: JobError,
    ) -> Result<Done, Arc<LedgerError>> {
        let event = if job.schedule.requester == self.requester {
            Event::ConnectionUnavailable { error }
        } else {
            Event::Delayed {
                until: now() + OTHER_PROCESS_DELAY,
                error: None,
            }
        };
        self.settled(job, &event).await
    }

    /// Applies an event, and then writes the files that were inside the reply and downloads the
    /// others.
    pub(super) async fn settled_result(
        &self,
        job: Job,
        event: Event,
        resolved_job: &ResolvedJob,
    ) -> Result<Done, Arc<LedgerError>> {
        let event = if resolved_job.node.output_media.is_empty() {
            event
        } else {
            classify::with_files(event)
        };
        let mut event = with_reported_charge(event, &job, resolved_job);
        let in_hand = InHand::of(&mut event, &job, resolved_job);
        let done = self.settled(job, &event).await?;
        if in_hand.is_empty() {
            return Ok(done);
        }
        let downloaded = self.download(done.job, resolved_job, in_hand).await?;
        Ok(Done {
            job: downloaded.job,
            ..done
        })
    }
}

/// Ticket and provider's id, if the event means that money was or will be spent.
fn paid_for(event: &Event) -> Option<(&str, &str)> {
    match event {
        Event::Accepted {
            ticket,
            provider_job_id,
            ..
        } => Some((ticket, provider_job_id)),
        Event::Succeeded {
            ticket: Some(ticket),
            provider_job_id,
            ..
        }
        | Event::NoResult {
            ticket: Some(ticket),
            provider_job_id,
            ..
        } => Some((ticket, provider_job_id.as_deref().unwrap_or_default())),
        _ => None,
    }
}

/// The error of a refused credential or account: every job over the connection would have it.
fn blocked(event: &Event) -> Option<JobError> {
    match event {
        Event::SubmitFailed {
            error,
            failure: SubmitFailure::Permanent,
        }
        | Event::HandOverFailed {
            error,
            failure: SubmitFailure::Permanent,
            ..
        } if matches!(
            error.kind,
            ErrorKind::Unauthorized | ErrorKind::AccountRefused
        ) =>
        {
            Some(error.clone())
        }
        // This job has ended, or its outcome is unknown. No other one is sent after it.
        Event::SubmitFailed {
            error,
            failure: SubmitFailure::Refused { .. } | SubmitFailure::Unknown,
        }
        | Event::Ended {
            cancelled: false,
            error,
            ..
        } if is_in_text(&error.message) => Some(JobError {
            kind: ErrorKind::AccountRefused,
            ..error.clone()
        }),
        _ => None,
    }
}

fn provider_delay(event: &Event) -> Option<ProviderDelay> {
    let (after, submits_only, error) = match event {
        Event::SubmitFailed {
            failure: SubmitFailure::Retryable { after },
            error,
        }
        | Event::HandOverFailed {
            failure: SubmitFailure::Retryable { after },
            error,
            ..
        } => (after, true, error),
        Event::PollFailed {
            failure: PollFailure::Transient { after },
            error,
        } => (after, false, error),
        _ => return None,
    };
    let after = backoff::bounded((*after)?);
    Some(ProviderDelay {
        after: Duration::from_millis(after.unsigned_abs()),
        submits_only,
        error: Some(error.clone()),
    })
}
