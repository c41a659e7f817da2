//! `zoetrope jobs fetch`.

use std::process::ExitCode;
use std::sync::Arc;

use zoetrope_host::driver::deadline_after;
use zoetrope_host::jobs::Fetched;

use super::{answered, named, said, settle};
use crate::args::jobs::Fetch;
use crate::interrupts::Interrupts;
use crate::report::{Failure, of_jobs, outcome};
use crate::setup::Setup;
use crate::view::View;

impl Fetch {
    pub(super) async fn run(self, setup: &Arc<Setup>) -> Result<ExitCode, Failure> {
        let out = std::path::absolute(&self.out);
        let out = out.map_err(|error| Failure::usage(error.to_string()))?;
        let view = View::new(setup.options(), setup.printer().clone());
        let jobs = setup.jobs(view.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let job = named(jobs.ledger(), &self.id, setup)?;
        let until = deadline_after(self.deadline);
        let fetched = jobs.fetch(&job, &out, self.force, until).await;
        match fetched.map_err(|error| of_jobs(error, &setup.options()))? {
            Fetched::LeftAlone(job) => answered(&job, setup),
            Fetched::Copied { job, file } => {
                let mut answer = outcome::of(&job, &setup.options())?;
                answer["file"] = file.to_string_lossy().into();
                said(&answer, &file.to_string_lossy(), setup)
            }
            Fetched::TargetChanged(job) => {
                let job = settle(&jobs, &view, job, &mut interrupts).await?;
                answered(&job, setup)
            }
        }
    }
}
