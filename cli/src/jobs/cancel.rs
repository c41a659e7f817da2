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
use crate::interrupts::Interrupts;
use crate::report::{Failure, Phase, next_step, of_jobs, outcome};
use crate::setup::Setup;
use crate::view::View;

/// How long the provider's answer is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

impl Cancel {
    pub(super) async fn run(self, setup: &Arc<Setup>) -> Result<ExitCode, Failure> {
        let view = View::new(setup.options(), setup.printer().clone());
        let jobs = setup.jobs(view.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let job = named(jobs.ledger(), &self.id, setup)?;
        let wanted = jobs.cancel(&job, deadline_after(PATIENCE)).await;
        match wanted.map_err(|error| of_jobs(error, &setup.options()))? {
            CancelOutcome::LeftAlone(job) => cancelled(&job, setup),
            CancelOutcome::Wanted(job) => {
                let job = settle(&jobs, &view, job, &mut interrupts).await?;
                cancelled(&job, setup)
            }
        }
    }
}

fn cancelled(job: &Job, setup: &Setup) -> Result<ExitCode, Failure> {
    match job.state() {
        State::Cancelled => {
            let mut answer = outcome::facts(job);
            answer.insert("ok".into(), true.into());
            answer.insert("state".into(), job.state().as_str().into());
            answer.insert("charged".into(), job.charge().as_str().into());
            let words = format!("cancelled; charged: {}", job.charge().as_str());
            said(&Value::Object(answer), &words, setup)
        }
        State::Succeeded | State::Failed if job.is_done() => {
            let message = format!("it was too late: the job has {}", job.state().as_str());
            let show = NextStep::Show {
                job: job.spec.id.clone(),
            };
            let show = next_step::words(&show, &setup.options());
            Err(Failure::new(ErrorKind::TooLate, Phase::Poll, message)
                .about(job)
                .then(format!("nothing: it has ended; {show}")))
        }
        _ => match outcome::of(job, &setup.options()) {
            Err(failure) => Err(failure),
            Ok(answer) => said(&answer, "the job has ended", setup),
        },
    }
}
