//! Carries out what [`decide`] says of one job, and commits what came of it: finding what
//! the row names, polls and cancellations here, the others in rooms of their own.

mod download;
mod submit;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::budget::DEFAULT_RATE;
use super::clock::now;
use super::decide::decide;
use super::discreet::{discreet, without_input};
use super::event::{Action, Event, ReadVerdict, SubmitVerdict};
use super::listener::{Listener, News};
use super::packs::{Known, Packs};
use super::reach::Connections;
use super::writer::{WriteError, Writer};
use super::{telling, verdict};
use crate::component::CallContext;
use crate::contract::{JobState, NodeType};
use crate::egress::Egress;
use crate::error::ErrorKind;
use crate::ledger::{Change, Job, Ledger, LedgerError, Millis, Pictures, Trouble};
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
    pub(super) blocked: Option<Trouble>,
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
    pub(super) asker: String,
}

/// What a row names, found.
struct Site {
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
        let site = match self.site(&job).await {
            Ok(site) => site,
            Err(trouble) => return self.settled_without_site(job, trouble).await,
        };
        let rate = site.rate;
        let trace = site.context.connection().and_then(|open| {
            let origin = open.base_url().origin();
            Trace::of_job(&job.spec.id, caller, origin)
        });
        let done = trace::within(trace, async {
            match action {
                Action::Submit => self.submit(job, &site).await,
                Action::Poll => self.poll(job, &site).await,
                Action::Cancel => self.cancel(job, &site).await,
                _ => self.download(job, &site).await,
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
                    telling::committed(event, &job);
                    (self.listener)(&job.spec.id, News::Committed(&job));
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
                        let unrecorded = News::Unrecorded {
                            job: &row,
                            ticket,
                            provider_job_id,
                            error: &error,
                        };
                        (self.listener)(&row.spec.id, unrecorded);
                    }
                    recordings += 1;
                    if recordings == RECORDINGS || !error.is_passing() {
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
    async fn settled_without_site(
        &self,
        job: Job,
        trouble: Trouble,
    ) -> Result<Done, Arc<LedgerError>> {
        let event = if job.schedule.asker == self.asker {
            Event::Unreachable { trouble }
        } else {
            Event::Held {
                until: now() + NOT_OURS,
            }
        };
        self.settled(job, &event).await
    }

    async fn site(&self, job: &Job) -> Result<Site, Trouble> {
        let known = self.packs.get(&job.spec.component).await?;
        let node = known.node(&job.spec.node)?;
        let Some(requirement) = &node.connection else {
            return Ok(Site {
                known,
                context: CallContext::offline(),
                rate: DEFAULT_RATE,
                node,
            });
        };
        let connection = &job.spec.connection;
        let reached = self.connections.open(connection, requirement).await?;
        if reached.place != job.spec.place {
            let message = format!(
                "connection `{connection}` leads to {} now, and led to {} when the job was made",
                reached.place, job.spec.place
            );
            return Err(Trouble::new(ErrorKind::ConnectionChanged, message));
        }
        Ok(Site {
            known,
            context: CallContext::online(&self.egress, reached.connection),
            rate: reached.requests_per_second.unwrap_or(DEFAULT_RATE),
            node,
        })
    }

    /// A ticket for what a provider knows by this id.
    pub(super) async fn ticket_of(
        &self,
        job: &Job,
        provider_job_id: &str,
    ) -> Result<String, Trouble> {
        let site = self.site(job).await?;
        let node = &job.spec.node;
        let adopted = site.known.pack.adopt(&site.context, node, provider_job_id);
        adopted.await.map_err(|error| verdict::trouble(&error))
    }

    async fn poll(&self, job: Job, site: &Site) -> Result<Done, Arc<LedgerError>> {
        let ticket = job.ticket().unwrap_or_default();
        let polled = site.known.pack.poll(&site.context, ticket).await;
        if let Ok(JobState::Waiting(progress)) = &polled {
            let message = progress.message.as_deref();
            let message = message.map(|message| discreet(message, &job));
            let progress = News::Progress {
                stage: progress.stage,
                fraction: progress.fraction,
                message: message.as_deref(),
            };
            (self.listener)(&job.spec.id, progress);
        }
        self.read(job, verdict::of_poll(polled)).await
    }

    async fn cancel(&self, job: Job, site: &Site) -> Result<Done, Arc<LedgerError>> {
        let ticket = job.ticket().unwrap_or_default();
        let cancelled = site.known.pack.cancel(&site.context, ticket).await;
        self.read(job, verdict::of_cancel(cancelled)).await
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
    if let Some(trouble) = event.trouble_mut() {
        without_input(trouble, job);
    }
    if let Event::Waiting {
        unrecognized: Some(words),
        ..
    } = &mut event
    {
        *words = discreet(words, job).into_owned();
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
fn blocked(event: &Event) -> Option<Trouble> {
    match event {
        Event::SubmitFailed {
            trouble,
            verdict: SubmitVerdict::Stopped,
        } if trouble.kind == ErrorKind::Unauthorized => Some(trouble.clone()),
        _ => None,
    }
}

fn rest(event: &Event) -> Option<Rest> {
    let (after, submits_only) = match event {
        Event::SubmitFailed {
            verdict: SubmitVerdict::Again { after },
            ..
        } => (after, true),
        Event::ReadFailed {
            verdict: ReadVerdict::Passing { after },
            ..
        } => (after, false),
        _ => return None,
    };
    let after = super::pace::bounded((*after)?);
    Some(Rest {
        after: Duration::from_millis(after.unsigned_abs()),
        submits_only,
    })
}
