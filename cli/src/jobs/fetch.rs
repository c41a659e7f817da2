//! `zoetrope jobs fetch`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use zoetrope_host::download::{self, DownloadError, check_target, digest_of};
use zoetrope_host::driver::event::Event;
use zoetrope_host::error::chain;
use zoetrope_host::ledger::{Job, State, Target};

use super::{a_while, answered, named, said, settle};
use crate::drive::tell;
use crate::failure::{Failure, Phase};
use crate::interrupts::Interrupts;
use crate::outcome;
use crate::run::deadline;
use crate::setup::Setup;
use crate::view::View;

/// Put a job's result into a file: a copy of the one that is here, else from the provider.
#[derive(Args)]
pub(super) struct Fetch {
    /// The job
    id: String,
    /// Where it goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// How long to wait
    #[arg(long, default_value = "30m", value_parser = a_while)]
    deadline: Duration,
}

impl Fetch {
    pub(super) async fn run(self, setup: &Arc<Setup>) -> Result<ExitCode, Failure> {
        let out = std::path::absolute(&self.out);
        let out = out.map_err(|error| Failure::usage(error.to_string()))?;
        let view = View::new(setup.options());
        let driver = setup.driver(view.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let job = named(driver.ledger(), &self.id, setup)?;
        // A fetch buys nothing: what is not with the provider stays where it is.
        if !matches!(
            job.state(),
            State::Submitting | State::Started | State::Succeeded
        ) {
            return answered(&job, setup);
        }
        check_target(&out, self.force).map_err(|error| {
            Failure::usage(chain(&error))
                .then("the same command, with another --out or with --force".into())
        })?;
        if is_here(&job) {
            return self.copy(&job, &out, setup);
        }
        let moved = Event::Moved {
            target: Target::File(out),
            force: self.force,
        };
        let resumed = Event::Resumed {
            deadline_at: deadline(self.deadline),
            asker: driver.asker().to_owned(),
        };
        let mut job = job;
        for event in [moved, resumed] {
            job = tell(&driver, &job, &event).await?;
        }
        let job = settle(&driver, &view, job, &mut interrupts).await?;
        answered(&job, setup)
    }

    fn copy(&self, job: &Job, out: &Path, setup: &Setup) -> Result<ExitCode, Failure> {
        let mut answer = outcome::of(job, setup)?;
        let from = answer["file"].as_str().unwrap_or_default().to_owned();
        let copied = download::copy(Path::new(&from), out, &job.spec.id, self.force);
        copied.map_err(|error: DownloadError| {
            Failure::new("download_failed", Phase::Download, chain(&error))
                .charged(job.charge())
                .then(format!(
                    "zoetrope jobs fetch {} --out FILE{}",
                    job.spec.id,
                    setup.options()
                ))
                .of_job(outcome::facts(job))
        })?;
        answer["file"] = out.to_string_lossy().into();
        said(&answer, &out.to_string_lossy(), setup)
    }
}

/// Whether the result is where it was put, unharmed.
fn is_here(job: &Job) -> bool {
    let Some(file) = job.file().filter(|_| job.is_finalized()) else {
        return false;
    };
    let digest = digest_of(&file.path).ok().flatten();
    digest.is_some_and(|digest| digest.to_string() == file.sha256)
}
