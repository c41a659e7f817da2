//! Carries out the action of [`decide`] for one job, and commits the result.

mod account;
mod cancel;
mod confirm;
mod download;
mod finalize;
mod hand_over;
mod ledger_hook;
mod poll;
mod resolved_job;
mod results;
mod settle;
mod submit;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::sync::mpsc::UnboundedSender;

use self::resolved_job::ResolvedJob;
use self::results::InHand;
use super::account_refusals::AccountRefusals;
use super::classify;
use super::clock::Time;
use super::connections::Connections;
use super::decide::decide;
use super::event::{Action, Event};
use super::group_commit::Writer;
use super::holds::Party;
use super::listener::Listener;
use super::packs::{KnownNode, Packs};
use super::rate_limit::DEFAULT_RATE;
use super::redact::{private_texts, redacted, without_input};
use crate::component::CallContext;
use crate::contract::Charge;
use crate::egress::Egress;
use crate::error::ErrorKind;
use crate::ledger::{Job, JobError, Ledger, LedgerError, Pictures};
use crate::trace::{self, Caller, Trace};

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
    pub(super) account_refusals: Arc<AccountRefusals>,
    pub(super) listener: Listener,
    pub(super) ledger: Arc<Ledger>,
    pub(super) pictures: Pictures,
    /// The folder of the data directory for results whose own folder takes no file.
    pub(super) clips: PathBuf,
    pub(super) egress: Egress,
    pub(super) connections: Connections,
    pub(super) writer: Writer,
    /// The name of this process in rows.
    pub(super) requester: String,
}

impl Steps {
    /// Carries out the action of a due job, within its trace. It sends to `opened` as soon as the
    /// connection is open, since the action may take long.
    pub(super) async fn take(
        &self,
        job: Job,
        caller: Option<&Caller>,
        opened: &UnboundedSender<Opened>,
    ) -> Result<Done, Arc<LedgerError>> {
        let (_, action) = decide(&job, Event::Due, Time::of(&self.ledger));
        // A complete file needs no provider, which may not offer it any more.
        let job = match action {
            Action::Poll if job.file().is_some() => match self.finalize_first(job).await? {
                ControlFlow::Break(done) => return Ok(*done),
                ControlFlow::Continue(job) => *job,
            },
            _ => job,
        };
        if !matches!(
            action,
            Action::HandOver | Action::Submit | Action::Poll | Action::Cancel | Action::Download
        ) {
            return self.settled(job, &Event::Due).await;
        }
        let resolved_job = match self.resolved_job(&job).await {
            Ok(resolved_job) => resolved_job,
            Err(error) => return self.settled_unresolved(job, error).await,
        };
        let job = match self.with_ticket(job).await? {
            ControlFlow::Break(done) => return Ok(*done),
            ControlFlow::Continue(job) => *job,
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
                Action::HandOver => Box::pin(self.hand_over(job, &resolved_job)).await,
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

    /// The component of a job, as the holder of its connection's submits.
    fn party<'a>(&self, job: &'a Job) -> Party<'a> {
        let component = &job.spec.component;
        Party::of(component, self.packs.trusts(component))
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

    /// The job with a ticket, if its id was recorded without a connection.
    async fn with_ticket(
        &self,
        job: Job,
    ) -> Result<ControlFlow<Box<Done>, Box<Job>>, Arc<LedgerError>> {
        let lacks = job.stage.provider_job();
        let lacks = lacks.is_some_and(|job| job.is_unconfirmed && job.ticket.is_empty());
        let Some(id) = job.provider_job_id().filter(|_| lacks).map(str::to_owned) else {
            return Ok(ControlFlow::Continue(Box::new(job)));
        };
        let ticket = match self.ticket_of(&job, &id).await {
            Ok(ticket) => ticket,
            Err(error) => {
                let done = self.settled_unresolved(job, error).await?;
                return Ok(ControlFlow::Break(Box::new(done)));
            }
        };
        let adopted = Event::Adopted {
            ticket,
            provider_job_id: id,
            is_confirmed: false,
        };
        let job = self.settle(job, &adopted).await?;
        Ok(ControlFlow::Continue(Box::new(job)))
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
    }
    | Event::NoResult {
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
