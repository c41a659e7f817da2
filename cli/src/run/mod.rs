//! `zoetrope run`: from an input to a clip or picture on the disk.

mod batch;
mod order;
mod pictures;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;
use zoetrope_host::download::check_target;
use zoetrope_host::driver::event::Event;
use zoetrope_host::driver::{Driver, Until, now};
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::ledger::{Inserted, Job, Target};

use super::args::Run;
use super::drive::{drive, tell};
use super::inspect;
use super::interrupts::Interrupts;
use super::report::{Failure, Phase, of_driver, of_ledger, outcome};
use super::setup::Setup;
use super::view::View;
use order::Order;

/// What an order comes to.
enum Prepared {
    /// A job that is to be added.
    New(Job),
    /// The job that has the key and the input already.
    Known(Job),
}

impl Run {
    pub(super) async fn run(self, setup: &Arc<Setup>) -> Result<ExitCode, Failure> {
        if let (Some(lines), Some(folder)) = (&self.batch, &self.out_dir) {
            return self.batch(setup, lines, folder).await;
        }
        let order = Order::read(&self, setup).await?;
        let key = self.key.clone();
        let key = key.unwrap_or_else(|| Uuid::now_v7().to_string());
        let view = View::new(setup.options(), setup.printer().clone());
        let driver = setup.driver(view.listener()).await?;
        let mut interrupts = Interrupts::listen();
        let target = match &self.out {
            Some(out) => Target::File(absolute(out)?),
            None => Target::Stem(setup.data_dir()?.join("clips")),
        };
        let prepared = self
            .prepare(&order, setup, &driver, &key, target, &mut interrupts)
            .await?;
        let mut jobs = self.add(setup, &driver, vec![prepared]).await?;
        let job = jobs.remove(0);
        let until = if self.detach {
            Until::Accepted
        } else {
            Until::Settled
        };
        let ids = [job.order.id.clone()];
        let jobs = drive(&driver, &view, &ids, until, &mut interrupts).await?;
        let job = jobs.into_iter().next().unwrap_or(job);
        if self.detach && job.ticket.is_some() && !job.is_settled() {
            return detached(&job, setup);
        }
        let answer = outcome::of(&job, &setup.options())?;
        if let Some(file) = &job.file
            && let Some(note) = inspect::misnamed(&file.path, &file.media_type)
        {
            setup.printer().message(&format!("note: {note}"));
        }
        let file = answer["file"].as_str().unwrap_or_default();
        setup.printer().answer(&answer, file)?;
        Ok(ExitCode::SUCCESS)
    }

    /// What an order comes to; nothing is written yet, and nothing but a picture is sent.
    async fn prepare(
        &self,
        order: &Order,
        setup: &Arc<Setup>,
        driver: &Driver,
        key: &str,
        target: Target,
        interrupts: &mut Interrupts,
    ) -> Result<Prepared, Failure> {
        let site = order.connect(setup, self.connection.as_deref()).await?;
        let known = driver.ledger().job_of_key(&site.id, key);
        if let Some(known) = known.map_err(|error| of_ledger(&error))? {
            order.must_be_that_of(&known)?;
            return Ok(Prepared::Known(known));
        }
        self.check_target(&target, order)?;
        let input = tokio::select! {
            input = order.input(setup, &site) => input?,
            () = interrupts.next() => return Err(interrupted()),
        };
        let row = order.row(setup, &site, key, input).await?;
        let mut job = Job::new(
            row,
            target,
            driver.asker().to_owned(),
            deadline(self.deadline),
        );
        if let Target::Stem(stem) = &mut job.target
            && self.out_dir.is_none()
        {
            stem.push(&job.order.id);
        }
        job.force = self.force;
        Ok(Prepared::New(job))
    }

    /// The jobs' rows, on the disk, in this order: new ones, and those that were there.
    async fn add(
        &self,
        setup: &Setup,
        driver: &Driver,
        prepared: Vec<Prepared>,
    ) -> Result<Vec<Job>, Failure> {
        let new = prepared.iter().filter_map(|prepared| match prepared {
            Prepared::New(job) => Some(job.clone()),
            Prepared::Known(_) => None,
        });
        let new: Vec<_> = new.collect();
        let added = driver.add(&new, setup.pack().await?, &setup.component()?);
        let mut added = added.map_err(|error| of_driver(&error))?.into_iter();
        let mut jobs = Vec::with_capacity(prepared.len());
        for prepared in prepared {
            jobs.push(match prepared {
                Prepared::Known(known) => self.rejoin(driver, known).await?,
                Prepared::New(job) => match added.next() {
                    Some(Inserted::Same(known)) => self.rejoin(driver, *known).await?,
                    _ => job,
                },
            });
        }
        Ok(jobs)
    }

    /// Waits for a job that is there already.
    async fn rejoin(&self, driver: &Driver, job: Job) -> Result<Job, Failure> {
        let event = Event::Resumed {
            deadline_at: deadline(self.deadline),
            asker: driver.asker().to_owned(),
        };
        tell(driver, &job, &event).await
    }

    /// Refuses, before anything is sent, a place where no file can be made.
    fn check_target(&self, target: &Target, order: &Order) -> Result<(), Failure> {
        let refused = |message: String| {
            Failure::usage(message)
                .then("the same command, with another --out or with --force".into())
        };
        let unusable = |error| refused(chain(&error));
        match target {
            Target::File(file) => check_target(file, self.force).map_err(unusable),
            Target::Stem(stem) if self.out_dir.is_some() => {
                let files = order.extensions().iter();
                let mut files = files.map(|extension| stem.with_extension(extension));
                files.try_for_each(|file| check_target(&file, self.force).map_err(unusable))
            }
            Target::Stem(folder) => {
                std::fs::create_dir_all(folder).map_err(|error| {
                    refused(format!("`{}` cannot be made: {error}", folder.display()))
                })?;
                check_target(&folder.join("probe"), true).map_err(unusable)
            }
        }
    }
}

/// The answer of `--detach`.
fn detached(job: &Job, setup: &Setup) -> Result<ExitCode, Failure> {
    let next = format!("zoetrope jobs resume {}{}", job.order.id, setup.options());
    let printer = setup.printer();
    if printer.json() {
        let mut answer = outcome::facts(job);
        answer.insert("ok".into(), true.into());
        answer.insert("node".into(), job.order.node.as_str().into());
        answer.insert("state".into(), job.state.as_str().into());
        answer.insert("charged".into(), job.charge.as_str().into());
        answer.insert("next".into(), next.into());
        printer.line(&Value::Object(answer))?;
    } else {
        printer.text(&format!("{}\n", job.order.id))?;
        printer.message(&format!(
            "The provider has accepted the job. To wait for its result: {next}"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn interrupted() -> Failure {
    let message = "interrupted before anything was submitted";
    Failure::new(ErrorKind::Interrupted, Phase::Upload, message)
        .then("the same command again: this one cost nothing".into())
}

pub(super) fn deadline(after: Duration) -> i64 {
    let after = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
    now().saturating_add(after)
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))
}
