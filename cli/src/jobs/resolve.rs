//! `zoetrope jobs resolve`.

use std::process::ExitCode;
use std::sync::Arc;

use zoetrope_host::driver::now;
use zoetrope_host::jobs::NextStep;
use zoetrope_host::ledger::State;

use super::{named, said};
use crate::args::jobs::Resolve;
use crate::report::{Failure, next_step, of_jobs, outcome};
use crate::setup::Setup;
use crate::view::View;

impl Resolve {
    pub(super) async fn run(self, setup: &Arc<Setup>) -> Result<ExitCode, Failure> {
        let view = View::new(setup.options(), setup.printer().clone());
        let jobs = setup.jobs(view.listener()).await?;
        let job = named(jobs.ledger(), &self.id, setup)?;
        let resolved = match &self.finding.provider_job_id {
            Some(id) => jobs.adopt(&job, id).await,
            None => jobs.mark_never_started(&job).await,
        };
        let job = resolved.map_err(|error| of_jobs(error, &setup.options()))?;
        let mut answer = outcome::listed(&job);
        answer["ok"] = true.into();
        let words = if job.state() == State::Started {
            let next = NextStep::of(&job, now());
            let next = next_step::words(&next, &setup.options());
            answer["next"] = next.as_str().into();
            format!("started; next: {next}")
        } else {
            format!("{}; nothing was spent", job.state().as_str())
        };
        said(&answer, &words, setup)
    }
}
