//! `zoetrope jobs cancel`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use zoetrope_host::contract::Charge;
use zoetrope_host::driver::{Time, deadline_after};
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{CancelOutcome, NextStep};
use zoetrope_host::ledger::{Job, State};

use super::{find_job, needs_connections, print, recording, settle};
use crate::args::jobs::Cancel;
use crate::context::Context;
use crate::interrupts::Interrupts;
use crate::progress::Progress;
use crate::report::{Failure, Phase, next_step, outcome};

/// How long to wait for the provider's answer.
pub(super) const TIMEOUT: Duration = Duration::from_mins(1);

impl Cancel {
    pub(super) async fn run(self, context: &Arc<Context>) -> Result<ExitCode, Failure> {
        let progress = Progress::new(context.options(), context.printer().clone());
        let jobs = context.jobs(progress.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let job = find_job(jobs.ledger(), &self.id, context)?;
        let was_cancelled = job.state() == State::Cancelled;
        // A job that was not submitted is cancelled without a request.
        let submitted = Some(&job).filter(|job| !job.is_done() && job.state() != State::Queued);
        needs_connections(context, submitted.as_slice()).await?;
        let options = context.options();
        let recording = recording(&jobs, &options, &job, TIMEOUT);
        let cancelling = jobs.cancel(&job, deadline_after(TIMEOUT));
        match recording
            .until_interrupted(cancelling, &mut interrupts)
            .await?
        {
            CancelOutcome::LeftAlone(job) if was_cancelled => {
                let text = match job.charge() {
                    Charge::No => "Already cancelled; nothing was charged.".to_owned(),
                    charge => {
                        let (charge, reported) = (charge.as_str(), outcome::reported(&job));
                        format!("Already cancelled; charged: {charge}{reported}")
                    }
                };
                print(&answer(&job), &text, &job, context)
            }
            CancelOutcome::LeftAlone(job) => cancelled(&job, context),
            CancelOutcome::Wanted(job) => {
                let settled = settle(&jobs, &progress, job.clone(), &mut interrupts).await;
                match settled {
                    Err(failure) if failure.kind() == ErrorKind::Deadline => {
                        Err(recorded(&job, failure.message(), context))
                    }
                    settled => cancelled(&settled?, context),
                }
            }
        }
    }
}

/// Prints the result of a cancellation.
pub(super) fn cancelled(job: &Job, context: &Context) -> Result<ExitCode, Failure> {
    match job.state() {
        State::Cancelled => {
            let (charge, reported) = (job.charge().as_str(), outcome::reported(job));
            let text = format!("cancelled; charged: {charge}{reported}");
            print(&answer(job), &text, job, context)
        }
        State::Succeeded | State::Failed if job.is_done() => {
            let message = format!(
                "too late to cancel: the job has already {}",
                job.state().as_str()
            );
            let show = NextStep::Show {
                job: job.spec.id.clone(),
            };
            let show = next_step::text(&show, &context.options());
            Err(Failure::new(ErrorKind::TooLate, Phase::Poll, message)
                .about(job)
                .then(format!(
                    "No further action: this job has ended. Show it: {show}"
                )))
        }
        State::OutcomeUnknown if job.schedule.cancel_wanted && job.is_settled() => {
            match NextStep::of(job, Time::present()) {
                step @ NextStep::Resolve { .. } => Err(kept(job, step, context)),
                _ => ended(job, context),
            }
        }
        _ => match &job.last_error {
            Some(error)
                if error.kind == ErrorKind::Deadline
                    && job.schedule.cancel_wanted
                    && job.is_settled() =>
            {
                Err(recorded(job, &error.message, context))
            }
            _ => ended(job, context),
        },
    }
}

/// The JSON of a cancelled job.
fn answer(job: &Job) -> Value {
    let mut answer = outcome::facts(job);
    answer.insert("ok".into(), true.into());
    answer.insert("state".into(), job.state().as_str().into());
    answer.insert("charged".into(), job.charge().as_str().into());
    Value::Object(answer)
}

/// The failure of a cancellation that was not answered before the deadline.
fn recorded(job: &Job, why: &str, context: &Context) -> Failure {
    let message = format!(
        "{why}; the cancellation is recorded, and is sent when a process works on the job again"
    );
    Failure::new(ErrorKind::Deadline, outcome::phase(job), message)
        .about(job)
        .then(next_step::cancel(&job.spec.id, &context.options()))
}

/// The failure of a cancellation without a request that could find the job.
fn kept(job: &Job, step: NextStep, context: &Context) -> Failure {
    let message = "it is unknown whether the provider accepted the job, and no request can find \
                   it, so nothing was sent. The requested cancellation is kept: the job is never \
                   submitted again, and is cancelled once it is found. It may be charged";
    Failure::new(ErrorKind::OutcomeUnknown, Phase::Submit, message)
        .about(job)
        .then_step(step, &context.options())
}

fn ended(job: &Job, context: &Context) -> Result<ExitCode, Failure> {
    match outcome::of(job, &context.options()) {
        Err(failure) => Err(failure),
        Ok(answer) => print(&answer, "the job has ended", job, context),
    }
}
