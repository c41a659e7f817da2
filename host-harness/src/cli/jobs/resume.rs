//! `zoetrope jobs resume`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use zoetrope_host::contract::Charge;
use zoetrope_host::driver::event::Event;
use zoetrope_host::driver::{Driver, Until};
use zoetrope_host::ledger::Job;

use super::{a_while, answered, named, settle};
use crate::cli::drive::{drive, tell};
use crate::cli::failure::{Failure, of_driver, of_ledger};
use crate::cli::interrupts::Interrupts;
use crate::cli::run::deadline;
use crate::cli::setup::Setup;
use crate::cli::summary::Summary;
use crate::cli::view::View;

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
        let jobs = driver.ledger().jobs().map_err(|error| of_ledger(&error))?;
        let undone: Vec<_> = jobs.into_iter().filter(|job| !job.is_done()).collect();
        let told = driver.tell_all(&undone, &self.event(driver)).await;
        let told =
            told.map_err(
                |error| match undone.iter().find(|job| job.charge != Charge::No) {
                    Some(spent) => of_driver(&error).charged(spent.charge),
                    None => of_driver(&error),
                },
            )?;
        let ids: Vec<_> = told.into_iter().map(|job| job.order.id).collect();
        let jobs = drive(driver, view, &ids, Until::Settled, interrupts).await?;
        let next = format!("zoetrope jobs resume --all{}", setup.options());
        Summary::of(&jobs, setup).report(setup, &next)
    }

    async fn resumed(&self, driver: &Driver, job: &Job) -> Result<Job, Failure> {
        tell(driver, job, &self.event(driver)).await
    }

    fn event(&self, driver: &Driver) -> Event {
        Event::Resumed {
            deadline_at: deadline(self.deadline),
            asker: driver.asker().to_owned(),
        }
    }
}
