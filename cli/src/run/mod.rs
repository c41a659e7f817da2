//! `zoetrope run`: from an input to a clip or picture on the disk.

mod batch;
mod order;
mod pictures;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use uuid::Uuid;
use zoetrope_host::download::check_target;
use zoetrope_host::driver::event::Event;
use zoetrope_host::driver::{Driver, Until, now};
use zoetrope_host::error::chain;
use zoetrope_host::ledger::{Inserted, Job, Target};

use super::drive::{drive, tell};
use super::failure::{Failure, of_driver, of_ledger};
use super::input::Source;
use super::interrupts::Interrupts;
use super::setup::Setup;
use super::view::View;
use super::{inspect, outcome, output};
use order::Order;

/// Run a node: upload, submit, wait, download.
///
/// Without a configured connection the practice provider serves the run, on this machine.
/// The job is in the ledger before anything is sent: whatever happens, `zoetrope jobs`
/// lists it and `zoetrope jobs resume` goes on.
#[derive(Args)]
pub(super) struct Run {
    /// Node type, as `zoetrope nodes` lists it
    node: String,
    #[command(flatten)]
    source: Source,
    /// Local picture for the node's first picture field, as its `file:` URL would be there
    #[arg(long, value_name = "PATH")]
    image: Option<PathBuf>,
    /// Where the result goes; else the data directory
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that is at --out
    #[arg(long)]
    force: bool,
    /// Connection to run over
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    /// How long to wait, the queue included; the job goes on at the provider after that
    #[arg(long, default_value = "30m", value_parser = humantime::parse_duration)]
    deadline: Duration,
    /// Idempotency key: 1 to 255 visible ASCII characters; made up when absent. The same
    /// key and input is the same job
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Option<String>,
    /// Return once the provider has accepted the job
    #[arg(long)]
    detach: bool,
    /// Run each line of a file, an input document each; line n has the key KEY-n
    #[arg(long, value_name = "FILE.jsonl", requires = "out_dir", conflicts_with_all = ["input", "out", "detach"])]
    batch: Option<PathBuf>,
    /// Folder for the results of a batch, named by their lines
    #[arg(long, value_name = "DIR", requires = "batch")]
    out_dir: Option<PathBuf>,
}

/// What an order comes to.
enum Prepared {
    /// A job that is to be added.
    New(Job),
    /// The job that has the key and the input already.
    Known(Job),
}

fn key(text: &str) -> Result<String, &'static str> {
    let legal = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if legal {
        Ok(text.to_owned())
    } else {
        Err("expected 1 to 255 visible ASCII characters")
    }
}

impl Run {
    pub(super) async fn run(self, setup: &Arc<Setup>) -> Result<ExitCode, Failure> {
        if let (Some(lines), Some(folder)) = (&self.batch, &self.out_dir) {
            return self.batch(setup, lines, folder).await;
        }
        let order = Order::read(&self, setup).await?;
        let key = self.key.clone();
        let key = key.unwrap_or_else(|| Uuid::now_v7().to_string());
        let view = View::new(setup.options());
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
        let ids = [job.spec.id.clone()];
        let jobs = drive(&driver, &view, &ids, until, &mut interrupts).await?;
        let job = jobs.into_iter().next().unwrap_or(job);
        if self.detach && job.ticket().is_some() && !job.is_settled() {
            return detached(&job, setup);
        }
        let answer = outcome::of(&job, setup)?;
        if let Some(file) = job.file()
            && let Some(note) = inspect::misnamed(&file.path, &file.media_type)
        {
            eprintln!("note: {note}");
        }
        if setup.json() {
            output::line(&answer)?;
        } else {
            output::text(&format!(
                "{}\n",
                answer["file"].as_str().unwrap_or_default()
            ))?;
        }
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
            stem.push(&job.spec.id);
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
    let next = format!("zoetrope jobs resume {}{}", job.spec.id, setup.options());
    if setup.json() {
        let mut answer = outcome::facts(job);
        answer.insert("ok".into(), true.into());
        answer.insert("node".into(), job.spec.node.as_str().into());
        answer.insert("state".into(), job.state().as_str().into());
        answer.insert("charged".into(), job.charge().as_str().into());
        answer.insert("next".into(), next.into());
        output::line(&Value::Object(answer))?;
    } else {
        output::text(&format!("{}\n", job.spec.id))?;
        eprintln!("The provider has accepted the job. To wait for its result: {next}");
    }
    Ok(ExitCode::SUCCESS)
}

fn interrupted() -> Failure {
    use super::failure::Phase;
    let message = "interrupted before anything was submitted";
    Failure::new("interrupted", Phase::Upload, message)
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
