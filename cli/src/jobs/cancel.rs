//! `zoetrope jobs cancel`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use zoetrope_host::driver::event::Event;
use zoetrope_host::ledger::{Job, State};

use super::{named, said, settle};
use crate::drive::tell;
use crate::failure::{Failure, Phase};
use crate::interrupts::Interrupts;
use crate::outcome;
use crate::run::deadline;
use crate::setup::Setup;
use crate::view::View;

/// How long the provider's answer is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Ask the provider to cancel a job, and wait for its answer.
///
/// A job that was not submitted is cancelled without a word to the provider. If it is too
/// late, the result is downloaded. Where the provider has no cancellation, the job goes on
/// there and is paid for; `zoetrope jobs resume` waits for it.
#[derive(Args)]
pub(super) struct Cancel {
    /// The job
    id: String,
}

impl Cancel {
    pub(super) async fn run(self, setup: &Arc<Setup>) -> Result<ExitCode, Failure> {
        let view = View::new(setup.options());
        let driver = setup.driver(view.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let job = named(driver.ledger(), &self.id, setup)?;
        // Whether there is anything to cancel is not found out by submitting it again.
        if job.is_done() || job.state() == State::OutcomeUnknown {
            return cancelled(&job, setup);
        }
        let resumed = Event::Resumed {
            deadline_at: deadline(PATIENCE),
            asker: driver.asker().to_owned(),
        };
        // To resume comes second where that could submit the job, and else first: whoever
        // drives may answer at once.
        let events = if job.state() == State::Started {
            [resumed, Event::CancelWanted]
        } else {
            [Event::CancelWanted, resumed]
        };
        let mut job = job;
        for event in &events {
            job = tell(&driver, &job, event).await?;
        }
        let job = settle(&driver, &view, job, &mut interrupts).await?;
        cancelled(&job, setup)
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
            Err(Failure::new("too_late", Phase::Poll, message)
                .charged(job.charge())
                .then(format!(
                    "nothing: it has ended; zoetrope jobs show {}{}",
                    job.spec.id,
                    setup.options()
                ))
                .of_job(outcome::facts(job)))
        }
        _ => match outcome::of(job, setup) {
            Err(failure) => Err(failure),
            Ok(answer) => said(&answer, "the job has ended", setup),
        },
    }
}
