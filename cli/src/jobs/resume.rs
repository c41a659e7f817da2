//! `zoetrope jobs resume`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use zoetrope_host::contract::Charge;
use zoetrope_host::driver::event::Event;
use zoetrope_host::driver::{Driver, DriverError, Until};
use zoetrope_host::ledger::Job;

use super::{a_while, answered, named, settle};
use crate::drive::{drive, tell};
use crate::failure::{Failure, of_driver};
use crate::interrupts::Interrupts;
use crate::run::deadline;
use crate::setup::Setup;
use crate::summary::Summary;
use crate::view::View;

/// Go on with a job, or with all that are not done.
///
/// Submits what is queued, and again what is unknown where the provider honours the key;
/// polls what is started; finishes downloads.
#[derive(Args)]
pub(super) struct Resume {
    /// The job
    #[arg(required_unless_present = "all")]
    id: Option<String>,
    /// Every job that is not done
    #[arg(long, conflicts_with = "id")]
    all: bool,
    /// How long to wait
    #[arg(long, default_value = "30m", value_parser = a_while)]
    deadline: Duration,
}

impl Resume {
    pub(super) async fn run(self, setup: &Arc<Setup>) -> Result<ExitCode, Failure> {
        let view = View::new(setup.options());
        let driver = setup.driver(view.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let Some(id) = &self.id else {
            return self.all(setup, &driver, &view, &mut interrupts).await;
        };
        let job = named(driver.ledger(), id, setup)?;
        let job = self.resumed(&driver, &job).await?;
        let job = settle(&driver, &view, job, &mut interrupts).await?;
        answered(&job, setup)
    }

    async fn all(
        &self,
        setup: &Arc<Setup>,
        driver: &Driver,
        view: &Arc<View>,
        interrupts: &mut Interrupts,
    ) -> Result<ExitCode, Failure> {
        let resumed = driver.resume_all(deadline(self.deadline)).await;
        let ids = resumed.map_err(|error| not_resumed(&error, driver))?;
        let jobs = drive(driver, view, &ids, Until::Settled, interrupts).await?;
        let next = format!("zoetrope jobs resume --all{}", setup.options());
        Summary::of(&jobs, setup).report(setup, &next)
    }

    async fn resumed(&self, driver: &Driver, job: &Job) -> Result<Job, Failure> {
        let event = Event::Resumed {
            deadline_at: deadline(self.deadline),
            asker: driver.asker().to_owned(),
        };
        tell(driver, job, &event).await
    }
}

/// Nothing was sent; what may have been spent before is said.
fn not_resumed(error: &DriverError, driver: &Driver) -> Failure {
    let failure = of_driver(error);
    let jobs = driver.ledger().jobs().unwrap_or_default();
    let mut undone = jobs.iter().filter(|job| !job.is_done());
    match undone.find(|job| job.charge() != Charge::No) {
        Some(spent) => failure.charged(spent.charge()),
        None => failure,
    }
}
