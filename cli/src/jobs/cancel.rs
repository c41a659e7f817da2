//! `zoetrope jobs cancel`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use zoetrope_host::driver::deadline_after;
use zoetrope_host::error::ErrorKind;
use zoetrope_host::jobs::{CancelOutcome, NextStep};
use zoetrope_host::ledger::{Job, State};

use super::{named, said, settle};
use crate::args::jobs::Cancel;
use crate::context::Context;
use crate::interrupts::Interrupts;
use crate::report::{Failure, Phase, next_step, of_jobs, outcome};
use crate::view::View;

/// How long the provider's answer is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

impl Cancel {
    pub(super) async fn run(self, context: &Arc<Context>) -> Result<ExitCode, Failure> {
        let view = View::new(context.options(), context.printer().clone());
        let jobs = context.jobs(view.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let job = named(jobs.ledger(), &self.id, context)?;
        let wanted = jobs.cancel(&job, deadline_after(PATIENCE)).await;
        match wanted.map_err(|error| of_jobs(error, &context.options()))? {
            CancelOutcome::LeftAlone(job) => cancelled(&job, context),
            CancelOutcome::Wanted(job) => {
                let job = settle(&jobs, &view, job, &mut interrupts).await?;
                cancelled(&job, context)
            }
        }
    }
}

fn cancelled(job: &Job, context: &Context) -> Result<ExitCode, Failure> {
    match job.state() {
        State::Cancelled => {
            let mut answer = outcome::facts(job);
            answer.insert("ok".into(), true.into());
            answer.insert("state".into(), job.state().as_str().into());
            answer.insert("charged".into(), job.charge().as_str().into());
            let text = format!("cancelled; charged: {}", job.charge().as_str());
            said(&Value::Object(answer), &text, context)
        }
        State::Succeeded | State::Failed if job.is_done() => {
            let message = format!("it was too late: the job has {}", job.state().as_str());
            let show = NextStep::Show {
                job: job.spec.id.clone(),
            };
            let show = next_step::text(&show, &context.options());
            Err(Failure::new(ErrorKind::TooLate, Phase::Poll, message)
                .about(job)
                .then(format!("nothing: it has ended; {show}")))
        }
        _ => match outcome::of(job, &context.options()) {
            Err(failure) => Err(failure),
            Ok(answer) => said(&answer, "the job has ended", context),
        },
    }
}
