//! `zoetrope jobs resolve`.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use zoetrope_host::driver::AdoptError;
use zoetrope_host::driver::event::Event;
use zoetrope_host::ledger::State;

use super::{named, said};
use crate::failure::{Failure, Phase, of_driver};
use crate::outcome;
use crate::setup::Setup;
use crate::view::View;

/// Say what became of a submit whose outcome is unknown, as the provider's own pages or
/// its support tell.
#[derive(Args)]
pub(super) struct Resolve {
    /// The job
    id: String,
    #[command(flatten)]
    finding: Finding,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Finding {
    /// The provider has it, by this id
    #[arg(long, value_name = "ID")]
    provider_job_id: Option<String>,
    /// The provider never had it
    #[arg(long)]
    never_started: bool,
}

impl Resolve {
    pub(super) async fn run(self, setup: &Arc<Setup>) -> Result<ExitCode, Failure> {
        let driver = setup.driver(View::new(setup.options()).listener()).await?;
        let mut job = named(driver.ledger(), &self.id, setup)?;
        if job.state() == State::Submitting {
            // Settled here only if nobody is submitting it any more.
            driver
                .settle_orphans()
                .await
                .map_err(|error| of_driver(&error))?;
            job = named(driver.ledger(), &job.spec.id, setup)?;
        }
        if job.state() != State::OutcomeUnknown {
            let message = format!(
                "the job's outcome is not unknown: it is {}",
                job.state().as_str()
            );
            let next = format!("zoetrope jobs show {}{}", job.spec.id, setup.options());
            return Err(Failure::usage(message).then(next));
        }
        let row = job.clone();
        let resolved = match &self.finding.provider_job_id {
            Some(id) => driver.adopt(job, id).await,
            None => {
                let told = driver.tell(&job, &Event::NeverStarted).await;
                told.map_err(AdoptError::Driver)
            }
        };
        let job = resolved.map_err(|error| match error {
            AdoptError::Trouble(trouble) => {
                Failure::new(trouble.kind.as_str(), Phase::Poll, trouble.message)
                    .then("mend that, and the same command again".into())
                    .about(&row)
            }
            AdoptError::Driver(error) => of_driver(&error).about(&row),
        })?;
        let mut answer = outcome::listed(&job);
        answer["ok"] = true.into();
        let words = if job.state() == State::Started {
            let next = format!("zoetrope jobs resume {}{}", job.spec.id, setup.options());
            answer["next"] = next.as_str().into();
            format!("started; next: {next}")
        } else {
            format!("{}; nothing was spent", job.state().as_str())
        };
        said(&answer, &words, setup)
    }
}
