//! `zoetrope jobs resume`.

use std::process::ExitCode;
use std::sync::Arc;

use zoetrope_host::driver::{WaitFor, deadline_after};
use zoetrope_host::jobs::{Jobs, NextStep};

use super::{answered, named, settle};
use crate::args::jobs::Resume;
use crate::drive::drive;
use crate::interrupts::Interrupts;
use crate::report::{Failure, Summary, next_step, of_jobs};
use crate::setup::Setup;
use crate::view::View;

impl Resume {
    pub(super) async fn run(self, setup: &Arc<Setup>) -> Result<ExitCode, Failure> {
        let view = View::new(setup.options(), setup.printer().clone());
        let jobs = setup.jobs(view.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let Some(id) = &self.id else {
            return self.all(setup, &jobs, &view, &mut interrupts).await;
        };
        let job = named(jobs.ledger(), id, setup)?;
        let resumed = jobs.resume(&job, deadline_after(self.deadline)).await;
        let job = resumed.map_err(|error| of_jobs(error, &setup.options()))?;
        let job = settle(&jobs, &view, job, &mut interrupts).await?;
        answered(&job, setup)
    }

    async fn all(
        &self,
        setup: &Arc<Setup>,
        jobs: &Jobs,
        view: &Arc<View>,
        interrupts: &mut Interrupts,
    ) -> Result<ExitCode, Failure> {
        let resumed = jobs.resume_all(deadline_after(self.deadline)).await;
        let ids = resumed.map_err(|error| of_jobs(error, &setup.options()))?;
        let rows = drive(jobs, view, &ids, WaitFor::Settled, interrupts).await?;
        let next = next_step::words(&NextStep::ResumeAll, &setup.options());
        Summary::of(&rows, &setup.options()).report(setup.printer(), &next)
    }
}
