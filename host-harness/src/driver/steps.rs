//! Carries out the action of [`decide`] for one job, and commits the result. Polls are here;
//! submits, cancellations and downloads have files of their own.

mod account;
mod cancel;
mod download;
mod ledger_hook;
mod resolved_job;
mod results;
mod submit;

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::sleep;

use self::resolved_job::ResolvedJob;
use self::results::InHand;
use super::backoff;
use super::busy::patiently;
use super::clock::now;
use super::connections::Connections;
use super::decide::decide;
use super::event::{Action, Event, PollFailure, SubmitFailure};
use super::group_commit::{Patience, WriteError, Writer};
use super::listener::{JobUpdate, Listener};
use super::packs::{KnownNode, Packs};
use super::rate_limit::DEFAULT_RATE;
use super::redact::{private_texts, redacted, without_input};
use super::{classify, spans};
use crate::component::CallContext;
use crate::contract::{Charge, JobState};
use crate::egress::Egress;
use crate::error::ErrorKind;
use crate::ledger::{Change, Job, JobError, Ledger, LedgerError, Millis, Pictures};
use crate::trace::{self, Caller, Trace};

/// Attempts to commit an accepted job's ticket, and the time between them.
const TICKET_COMMIT_ATTEMPTS: u32 = 10;
const TICKET_COMMIT_INTERVAL: Duration = Duration::from_secs(1);

/// The delay of another process's job whose connection this process cannot open.
const OTHER_PROCESS_DELAY: Millis = 30_000;

/// The result of a step.
pub(super) struct Done {
    /// The row as it is now.
    pub(super) job: Job,
    /// The delay that the provider asked for.
    pub(super) provider_delay: Option<ProviderDelay>,
    /// The error that every other submit over the connection would have too.
    pub(super) blocked: Option<JobError>,
    /// The requests a second of the connection, if it was opened.
    pub(super) rate: Option<f64>,
}

/// The provider asked to slow down.
pub(super) struct ProviderDelay {
    pub(super) after: Duration,
    /// Whether the reply was to a submit.
    pub(super) submits_only: bool,
    /// The provider's error.
    pub(super) error: Option<JobError>,
}

/// A step has opened its connection, whose rate is known now.
pub(super) struct Opened {
    pub(super) connection: String,
    /// The requests a second.
    pub(super) rate: f64,
}

pub(super) struct Steps {
    pub(super) packs: Packs,
    pub(super) listener: Listener,
    pub(super) ledger: Arc<Ledger>,
    pub(super) pictures: Pictures,
    pub(super) egress: Egress,
    pub(super) connections: Connections,
    pub(super) writer: Writer,
    /// The name of this process in rows.
    pub(super) requester: String,
}

impl Steps {
    /// Carries out the action of a due job, within its trace. `opened` is told as soon as the
    /// connection is open, since the action may take long.
    pub(super) async fn take(
        &self,
        job: Job,
        caller: Option<&Caller>,
        opened: &UnboundedSender<Opened>,
    ) -> Result<Done, Arc<LedgerError>> {
        let (_, action) = decide(&job, Event::Due, now());
        if !matches!(
            action,
            Action::Submit | Action::Poll | Action::Cancel | Action::Download
        ) {
            return self.settled(job, &Event::Due).await;
        }
        let resolved_job = match self.resolved_job(&job).await {
            Ok(resolved_job) => resolved_job,
            Err(error) => return self.settled_unresolved(job, error).await,
        };
        let rate = resolved_job.rate;
        // The leader ends before its steps only with this process.
        let _ = opened.send(Opened {
            connection: job.spec.connection.clone(),
            rate,
        });
        let trace = resolved_job.context.connection().and_then(|open| {
            let origin = open.base_url().origin();
            Trace::of_job(&job.spec.id, caller, origin)
        });
        let done = trace::within(trace, async {
            match action {
                Action::Submit => Box::pin(self.submit(job, &resolved_job)).await,
                Action::Poll => Box::pin(self.poll(job, &resolved_job)).await,
                Action::Cancel => Box::pin(self.cancel(job, &resolved_job)).await,
                _ => {
                    let none = InHand::default();
                    self.download(job, &resolved_job, none).await
                }
            }
        });
        Box::pin(done).await.map(|done| Done {
            rate: Some(rate),
            ..done
        })
    }

    /// Applies an event to a row and commits it. If the row was changed meanwhile, applies the
    /// event to the changed one. While another process holds the ledger, waits.
    pub(super) async fn settle(&self, row: Job, event: &Event) -> Result<Job, Arc<LedgerError>> {
        self.settle_with(row, event, Patience::Unlimited).await
    }

    /// The same for a command, which fails if another process holds the ledger.
    pub(super) async fn command(&self, row: Job, event: &Event) -> Result<Job, Arc<LedgerError>> {
        self.settle_with(row, event, Patience::Limited).await
    }

    async fn settle_with(
        &self,
        row: Job,
        event: &Event,
        patience: Patience,
    ) -> Result<Job, Arc<LedgerError>> {
        let mut row = row;
        let mut attempts = 0;
        // A ticket is shown before it waits for another process.
        let mut patience = match paid_for(event) {
            Some(_) => Patience::Limited,
            None => patience,
        };
        loop {
            let at = now();
            let (after, _) = decide(&row, event.clone(), at);
            if after == row {
                return Ok(row);
            }
            let change = Change {
                before: row.clone(),
                after,
                at,
            };
            match self.writer.commit_with(change, patience).await {
                Ok(job) => {
                    spans::committed(event, &job);
                    (self.listener)(&job.spec.id, JobUpdate::Committed(&job));
                    return Ok(job);
                }
                Err(WriteError::Outdated) => {
                    match patiently(|| self.ledger.job(&row.spec.id)).await? {
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
                        patience = Patience::Unlimited;
                        continue;
                    }
                    if attempts >= TICKET_COMMIT_ATTEMPTS || !error.is_transient() {
                        return Err(error);
                    }
                    sleep(TICKET_COMMIT_INTERVAL).await;
                }
            }
        }
    }

    pub(super) async fn settled(&self, job: Job, event: &Event) -> Result<Done, Arc<LedgerError>> {
        Ok(Done {
            job: self.settle(job, event).await?,
            provider_delay: provider_delay(event),
            blocked: blocked(event),
            rate: None,
        })
    }

    /// Suspends a job whose component or connection this process cannot use. A job of another
    /// process is delayed instead: that process may be able to.
    async fn settled_unresolved(
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

    async fn resolved_job(&self, job: &Job) -> Result<ResolvedJob, JobError> {
        let known = self.packs.get(&job.spec.component).await?;
        let KnownNode {
            node,
            longest_pause,
        } = known.node(&job.spec.node)?;
        let Some(requirement) = &node.connection else {
            return Ok(ResolvedJob {
                known,
                context: CallContext::offline(),
                rate: DEFAULT_RATE,
                longest_pause,
                node,
            });
        };
        let connection = &job.spec.connection;
        let placement = known.pack.permissions().credential_placement(requirement);
        let opening = self.connections.open(connection, requirement, &placement);
        let resolved = opening.await?;
        if resolved.provider_origin != job.spec.provider_origin {
            let message = format!(
                "connection `{connection}` leads to {} now, and led to {} when the job was made",
                resolved.provider_origin, job.spec.provider_origin
            );
            return Err(JobError::new(ErrorKind::ConnectionChanged, message));
        }
        Ok(ResolvedJob {
            known,
            context: CallContext::online(&self.egress, resolved.connection)
                .with_private_texts(private_texts(job))
                .with_submit_path(job.submit_path.as_deref())
                .unsubmitted(job.submits() == 0),
            rate: resolved.requests_per_second.unwrap_or(DEFAULT_RATE),
            longest_pause,
            node,
        })
    }

    /// A ticket for the provider's job of this id.
    pub(super) async fn ticket_of(
        &self,
        job: &Job,
        provider_job_id: &str,
    ) -> Result<String, JobError> {
        let resolved_job = self.resolved_job(job).await?;
        let node = &job.spec.node;
        let adopted = resolved_job
            .known
            .pack
            .adopt(&resolved_job.context, node, provider_job_id);
        adopted.await.map_err(|error| {
            let mut error = classify::job_error(&error);
            without_input(&mut error, job);
            error
        })
    }

    async fn poll(&self, job: Job, resolved_job: &ResolvedJob) -> Result<Done, Arc<LedgerError>> {
        let ticket = job.ticket().unwrap_or_default();
        let polled = resolved_job
            .known
            .pack
            .poll(&resolved_job.context, ticket)
            .await;
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
        self.settled_result(job, event, resolved_job).await
    }

    /// Applies an event, and then writes the files that were inside the reply and downloads the
    /// others.
    async fn settled_result(
        &self,
        job: Job,
        event: Event,
        resolved_job: &ResolvedJob,
    ) -> Result<Done, Arc<LedgerError>> {
        let mut event = with_reported_charge(event, &job, resolved_job);
        let in_hand = InHand::of(&mut event, &job, resolved_job);
        let done = self.settled(job, &event).await?;
        if in_hand.is_empty() {
            return Ok(done);
        }
        let downloaded = Box::pin(self.download(done.job, resolved_job, in_hand)).await?;
        Ok(Done {
            job: downloaded.job,
            ..done
        })
    }

    /// The event of a read, redacted. After a failure, the connection is opened again.
    async fn read(&self, job: &Job, event: Event) -> Event {
        if matches!(event, Event::PollFailed { .. }) {
            self.connections.forget(&job.spec.connection).await;
        }
        of_provider(event, job)
    }
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

/// The event with the provider's messages redacted.
fn of_provider(mut event: Event, job: &Job) -> Event {
    if let Some(error) = event.error_mut() {
        without_input(error, job);
    }
    if let Event::Waiting {
        unrecognized: Some(message),
        ..
    } = &mut event
    {
        *message = redacted(message, job).into_owned();
    }
    event
}

/// The event with a charge of `no` as the component's word alone, if the component is not trusted and
/// something left for the job that can cost money. A charge of `yes` stays: it hides no payment.
fn with_reported_charge(mut event: Event, job: &Job, resolved_job: &ResolvedJob) -> Event {
    let permissions = resolved_job.known.pack.permissions();
    let is_believed = permissions.is_trusted()
        || job.submits() == 0
            && job.schedule.cancel_sent_at.is_none()
            && !job.billing.has_uploads
            && permissions.unsafe_read(&Method::POST).is_err();
    if let Event::Succeeded {
        charge, reported, ..
    }
    | Event::Ended {
        charge, reported, ..
    } = &mut event
        && *charge == Charge::No
        && !is_believed
    {
        *reported = Some(*charge);
        *charge = Charge::Unknown;
    }
    event
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
        } => Some((ticket, provider_job_id.as_deref().unwrap_or_default())),
        _ => None,
    }
}

/// The error of a refused credential: every job over the connection would have it.
fn blocked(event: &Event) -> Option<JobError> {
    match event {
        Event::SubmitFailed {
            error,
            failure: SubmitFailure::Permanent,
        } if error.kind == ErrorKind::Unauthorized => Some(error.clone()),
        _ => None,
    }
}

fn provider_delay(event: &Event) -> Option<ProviderDelay> {
    let (after, submits_only, error) = match event {
        Event::SubmitFailed {
            failure: SubmitFailure::Retryable { after },
            error,
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
