//! Carries out what [`decide`] says of one job, and commits what came of it: finding what
//! the row names, polls and cancellations here, the others in rooms of their own.

mod download;
mod submit;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::clock::now;
use super::connections::Connections;
use super::decide::decide;
use super::event::{Action, Event, PollFailure, SubmitFailure};
use super::group_commit::{WriteError, Writer};
use super::listener::{JobUpdate, Listener};
use super::packs::{Known, Packs};
use super::rate_limit::DEFAULT_RATE;
use super::redact::{redacted, without_input};
use super::{classify, spans};
use crate::component::CallContext;
use crate::contract::{JobState, NodeType};
use crate::egress::Egress;
use crate::error::ErrorKind;
use crate::ledger::{Change, Job, JobError, Ledger, LedgerError, Millis, Pictures};
use crate::trace::{self, Caller, Trace};

/// How often, and how far apart, it is tried to write an accepted job's ticket down.
const RECORDINGS: u32 = 10;
const RECORDING_PAUSE: Duration = Duration::from_secs(1);

/// How long a job is left alone whose connection this process cannot open, while it is
/// another process's.
const NOT_OURS: Millis = 30_000;

/// What a step came to.
pub(super) struct Done {
    /// The row as it is now.
    pub(super) job: Job,
    /// What the provider wants of the connection.
    pub(super) rest: Option<Rest>,
    /// Why no other submit of the connection would be taken either.
    pub(super) blocked: Option<JobError>,
    /// How many requests a second the connection may be asked, once it was opened.
    pub(super) rate: Option<f64>,
}

/// The provider has asked to slow down.
#[derive(Clone, Copy)]
pub(super) struct Rest {
    pub(super) after: Duration,
    /// Whether it said so to a submit.
    pub(super) submits_only: bool,
}

pub(super) struct Steps {
    pub(super) packs: Packs,
    pub(super) listener: Listener,
    pub(super) ledger: Arc<Ledger>,
    pub(super) pictures: Pictures,
    pub(super) egress: Egress,
    pub(super) connections: Connections,
    pub(super) writer: Writer,
    /// This process, as rows name it.
    pub(super) requester: String,
}

/// What a row names, found.
struct ResolvedJob {
    known: Known,
    node: Arc<NodeType>,
    context: CallContext,
    rate: f64,
}

impl Steps {
    /// Does what is to be done for a job whose time has come, within its trace.
    pub(super) async fn take(
        &self,
        job: Job,
        caller: Option<&Caller>,
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
        let trace = resolved_job.context.connection().and_then(|open| {
            let origin = open.base_url().origin();
            Trace::of_job(&job.spec.id, caller, origin)
        });
        let done = trace::within(trace, async {
            match action {
                Action::Submit => self.submit(job, &resolved_job).await,
                Action::Poll => self.poll(job, &resolved_job).await,
                Action::Cancel => self.cancel(job, &resolved_job).await,
                _ => self.download(job, &resolved_job).await,
            }
        });
        Box::pin(done).await.map(|done| Done {
            rate: Some(rate),
            ..done
        })
    }

    /// Commits what an event makes of a row, and of the row that somebody else has made
    /// of it meanwhile.
    pub(super) async fn settle(&self, row: Job, event: &Event) -> Result<Job, Arc<LedgerError>> {
        let mut row = row;
        let mut recordings = 0;
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
            match self.writer.commit(change).await {
                Ok(job) => {
                    spans::committed(event, &job);
                    (self.listener)(&job.spec.id, JobUpdate::Committed(&job));
                    return Ok(job);
                }
                Err(WriteError::Outdated) => match self.ledger.job(&row.spec.id)? {
                    Some(present) => row = present,
                    None => return Ok(row),
                },
                Err(WriteError::Ledger(error)) => {
                    let Some((ticket, provider_job_id)) = paid_for(event) else {
                        return Err(error);
                    };
                    if recordings == 0 {
                        let unrecorded = JobUpdate::Unrecorded {
                            job: &row,
                            ticket,
                            provider_job_id,
                            error: &error,
                        };
                        (self.listener)(&row.spec.id, unrecorded);
                    }
                    recordings += 1;
                    if recordings == RECORDINGS || !error.is_transient() {
                        return Err(error);
                    }
                    sleep(RECORDING_PAUSE).await;
                }
            }
        }
    }

    pub(super) async fn settled(&self, job: Job, event: &Event) -> Result<Done, Arc<LedgerError>> {
        Ok(Done {
            job: self.settle(job, event).await?,
            rest: rest(event),
            blocked: blocked(event),
            rate: None,
        })
    }

    /// Where this process cannot find what the row names. Another process may well can:
    /// its jobs are left to it.
    async fn settled_unresolved(
        &self,
        job: Job,
        error: JobError,
    ) -> Result<Done, Arc<LedgerError>> {
        let event = if job.schedule.requester == self.requester {
            Event::ConnectionUnavailable { error }
        } else {
            Event::RateLimited {
                until: now() + NOT_OURS,
            }
        };
        self.settled(job, &event).await
    }

    async fn resolved_job(&self, job: &Job) -> Result<ResolvedJob, JobError> {
        let known = self.packs.get(&job.spec.component).await?;
        let node = known.node(&job.spec.node)?;
        let Some(requirement) = &node.connection else {
            return Ok(ResolvedJob {
                known,
                context: CallContext::offline(),
                rate: DEFAULT_RATE,
                node,
            });
        };
        let connection = &job.spec.connection;
        let resolved = self.connections.open(connection, requirement).await?;
        if resolved.provider_origin != job.spec.provider_origin {
            let message = format!(
                "connection `{connection}` leads to {} now, and led to {} when the job was made",
                resolved.provider_origin, job.spec.provider_origin
            );
            return Err(JobError::new(ErrorKind::ConnectionChanged, message));
        }
        Ok(ResolvedJob {
            known,
            context: CallContext::online(&self.egress, resolved.connection),
            rate: resolved.requests_per_second.unwrap_or(DEFAULT_RATE),
            node,
        })
    }

    /// A ticket for what a provider knows by this id.
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
        adopted.await.map_err(|error| classify::job_error(&error))
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
        self.read(job, classify::of_poll(polled)).await
    }

    async fn cancel(&self, job: Job, resolved_job: &ResolvedJob) -> Result<Done, Arc<LedgerError>> {
        let ticket = job.ticket().unwrap_or_default();
        let cancelled = resolved_job
            .known
            .pack
            .cancel(&resolved_job.context, ticket)
            .await;
        self.read(job, classify::of_cancel(cancelled)).await
    }

    async fn read(&self, job: Job, event: Event) -> Result<Done, Arc<LedgerError>> {
        if matches!(event, Event::ReadFailed { .. }) {
            self.connections.forget(&job.spec.connection).await;
        }
        let event = of_provider(event, &job);
        self.settled(job, &event).await
    }
}

/// An event that holds words of the provider, without the prompt.
fn of_provider(mut event: Event, job: &Job) -> Event {
    if let Some(error) = event.error_mut() {
        without_input(error, job);
    }
    if let Event::Waiting {
        unrecognized: Some(words),
        ..
    } = &mut event
    {
        *words = redacted(words, job).into_owned();
    }
    event
}

/// Whether an event tells that money was or will be spent, and of which job.
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

/// A credential that is refused once is refused for every job.
fn blocked(event: &Event) -> Option<JobError> {
    match event {
        Event::SubmitFailed {
            error,
            failure: SubmitFailure::Permanent,
        } if error.kind == ErrorKind::Unauthorized => Some(error.clone()),
        _ => None,
    }
}

fn rest(event: &Event) -> Option<Rest> {
    let (after, submits_only) = match event {
        Event::SubmitFailed {
            failure: SubmitFailure::Retryable { after },
            ..
        } => (after, true),
        Event::ReadFailed {
            failure: PollFailure::Transient { after },
            ..
        } => (after, false),
        _ => return None,
    };
    let after = super::backoff::bounded((*after)?);
    Some(Rest {
        after: Duration::from_millis(after.unsigned_abs()),
        submits_only,
    })
}
