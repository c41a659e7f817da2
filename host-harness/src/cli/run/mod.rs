//! `zoetrope run`: from an input to a clip on the disk.

mod collect;
mod submit;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;
use zoetrope_host::call::CallContext;
use zoetrope_host::contract::{NodeType, Success};
use zoetrope_host::download::{Downloaded, check_target};
use zoetrope_host::pack::Pack;

use crate::cli::failure::{Failure, Phase, with_causes};
use crate::cli::input::Source;
use crate::cli::interrupts::Interrupts;
use crate::cli::output;
use crate::cli::progress::Progress;
use crate::cli::setup::{Setup, quoted, quoted_text};
use crate::cli::ticket_file::Job;

/// Run a node: upload, submit, wait, download.
///
/// Without a configured connection the practice provider serves the run, on this machine.
#[derive(Args)]
pub(super) struct Run {
    /// Node type, as `zoetrope nodes` lists it
    node: String,
    #[command(flatten)]
    source: Source,
    /// Local picture for the node's picture field
    #[arg(long, value_name = "PATH")]
    image: Option<PathBuf>,
    /// Where the clip goes; else the data directory
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace a file that is at --out
    #[arg(long)]
    force: bool,
    /// Connection to run over
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    /// How long to wait; the job goes on at the provider after that
    #[arg(long, default_value = "30m", value_parser = humantime::parse_duration)]
    deadline: Duration,
    /// Idempotency key: 1 to 255 visible ASCII characters; made up when absent
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Option<String>,
    /// Go on with the job of this ticket file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["input", "settings", "image", "key", "connection"])]
    ticket: Option<PathBuf>,
    /// Go on with a job that the provider knows by this id
    #[arg(long, value_name = "PROVIDER_JOB_ID", conflicts_with_all = ["input", "settings", "image", "key", "ticket"])]
    adopt: Option<String>,
}

fn key(text: &str) -> Result<String, &'static str> {
    let legal = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if legal {
        Ok(text.to_owned())
    } else {
        Err("expected 1 to 255 visible ASCII characters")
    }
}

/// A job that the provider has.
struct Accepted {
    job: Job,
    /// Where its ticket is kept until it has ended.
    ticket_file: PathBuf,
    context: CallContext,
    begun: Begun,
    interrupts: Interrupts,
    /// Whether somebody wanted to stop while it was submitted.
    interrupted: bool,
}

impl Accepted {
    /// Accepted some time ago: to be asked about at once.
    fn before(job: Job, ticket_file: PathBuf, context: CallContext) -> Self {
        let hint = Some(Duration::ZERO);
        Self {
            job,
            ticket_file,
            context,
            begun: Begun::Waiting { hint },
            interrupts: Interrupts::listen(),
            interrupted: false,
        }
    }
}

/// What came of the submit.
enum Begun {
    Waiting { hint: Option<Duration> },
    Finished(Success),
}

impl Run {
    pub(super) async fn run(self, setup: &Setup) -> Result<ExitCode, Failure> {
        let node = setup.node_type(&self.node).await?;
        let pack = setup.pack().await?;
        let begun_at = Instant::now();
        let Accepted {
            mut job,
            mut ticket_file,
            context,
            begun,
            mut interrupts,
            interrupted,
        } = if self.ticket.is_some() || self.adopt.is_some() {
            let again = self.again(setup, pack, &node).await;
            again.map_err(Failure::before_resuming)?
        } else {
            self.submit(setup, pack, &node).await?
        };
        if self.ticket.is_none() {
            ticket_file = kept(&job, ticket_file);
        }

        let mut progress = Progress::new();
        let deadline = begun_at + self.deadline;
        let stopped = || {
            let message = "interrupted; the job goes on at the provider";
            Err(Failure::new("interrupted", Phase::Poll, message))
        };
        let ended = if interrupted {
            stopped()
        } else {
            tokio::select! {
                    ended = self.finish(
                setup,
                pack,
                &node,
                context,
                &mut job,
                begun,
                deadline,
                &mut progress,
            ) => ended,
                    () = interrupts.next() => stopped(),
                }
        };
        progress.end();
        let (success, file) = match ended {
            Ok(ended) => ended,
            Err(failure) => {
                let failure = failure.of_job(job.facts());
                if matches!(failure.kind(), "failed" | "cancelled") {
                    forget(&ticket_file);
                    return Err(failure.then("nothing: the provider has ended this job".into()));
                }
                // Polling may have exchanged the ticket.
                rewrite(&job, &ticket_file);
                return Err(failure.then(format!(
                    "zoetrope run {} --ticket {}{}",
                    quoted_text(&node.name),
                    quoted(&ticket_file),
                    setup.options()
                )));
            }
        };
        forget(&ticket_file);
        if setup.json() {
            output::line(&answer(&node, &job, &success, &file))?;
        } else {
            output::text(&format!("{}\n", file.path.display()))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// A job that was accepted before, by its ticket file or the provider's own id.
    async fn again(
        &self,
        setup: &Setup,
        pack: &Pack,
        node: &NodeType,
    ) -> Result<Accepted, Failure> {
        let mend = |failure: Failure| match failure.kind() {
            "connection_unavailable" => failure
                .then("configure the connection as it was, and the same command again".into()),
            _ => failure,
        };
        if let Some(path) = &self.ticket {
            let job = self.of_ticket(path)?;
            self.check_target(job.out.as_deref(), setup)?;
            let context = setup.connect(node, Some(&job.connection)).await;
            return Ok(Accepted::before(job, path.clone(), context.map_err(mend)?));
        }
        self.check_target(self.out.as_deref(), setup)?;
        self.check_ticket(node, setup)?;
        let context = setup.connect(node, self.connection.as_deref()).await?;
        let id = self.adopt.clone().unwrap_or_default();
        let ticket = pack.adopt(&context, &node.name, &id).await;
        let ticket = ticket.map_err(|error| Failure::of_call(error, Phase::Poll))?;
        let mut job = self.job(pack, &context, node, None)?;
        job.provider_job_id = Some(id);
        job.set_ticket(&ticket);
        let ticket_file = self.ticket_file(&job.id, setup)?;
        Ok(Accepted::before(job, ticket_file, context))
    }

    fn of_ticket(&self, path: &Path) -> Result<Job, Failure> {
        let mut job = Job::read(path)?;
        if job.node != self.node {
            let message = format!(
                "the ticket is of a run of `{}`, not of `{}`",
                job.node, self.node
            );
            return Err(
                Failure::new("bad_ticket", Phase::Setup, message).then(format!(
                    "zoetrope run {} --ticket {}",
                    quoted_text(&job.node),
                    quoted(path)
                )),
            );
        }
        if let Some(out) = &self.out {
            job.out = Some(absolute(out)?);
        }
        Ok(job)
    }

    fn job(
        &self,
        pack: &Pack,
        context: &CallContext,
        node: &NodeType,
        key: Option<String>,
    ) -> Result<Job, Failure> {
        let connection = context
            .connection()
            .map(|open| open.connection().id().to_string());
        Ok(Job {
            id: Uuid::now_v7().to_string(),
            node: node.name.clone(),
            connection: connection.unwrap_or_default(),
            component: pack.digest().to_string(),
            key,
            provider_job_id: None,
            ticket: Value::Null,
            out: self.out.as_deref().map(absolute).transpose()?,
        })
    }

    /// Where the ticket of a new job goes: beside its clip.
    fn ticket_file(&self, job: &str, setup: &Setup) -> Result<PathBuf, Failure> {
        let beside = match &self.out {
            Some(out) => absolute(out)?,
            None => setup.data_dir()?.join("clips").join(job),
        };
        Ok(with_ending(&beside, "ticket.json"))
    }

    /// Refuses, before anything is sent, to leave an unfinished job behind.
    fn check_ticket(&self, node: &NodeType, setup: &Setup) -> Result<(), Failure> {
        let path = self.ticket_file("", setup)?;
        if self.out.is_none() || !path.exists() {
            return Ok(());
        }
        let message = format!(
            "`{}` is the ticket of a job that has not ended; it may be paid for",
            path.display()
        );
        Err(Failure::usage(message).then(format!(
            "zoetrope run {} --ticket {}{}",
            quoted_text(&node.name),
            quoted(&path),
            setup.options()
        )))
    }

    /// Refuses, before anything is sent, a place where no file can be made.
    fn check_target(&self, out: Option<&Path>, setup: &Setup) -> Result<(), Failure> {
        let refused = |message: String| {
            Failure::usage(message)
                .then("the same command, with another --out or with --force".into())
        };
        match out {
            Some(out) => {
                check_target(out, self.force).map_err(|error| refused(with_causes(&error)))
            }
            None => {
                let folder = setup.data_dir()?.join("clips");
                std::fs::create_dir_all(&folder).map_err(|error| {
                    refused(format!("`{}` cannot be made: {error}", folder.display()))
                })?;
                check_target(&folder.join("probe"), true)
                    .map_err(|error| refused(with_causes(&error)))
            }
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::usage(format!("`{}`: {error}", path.display())))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Writes the ticket file of a new job, beside that of another run which took the name
/// meanwhile; where it is.
fn kept(job: &Job, path: PathBuf) -> PathBuf {
    match job.write_new(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let path = with_ending(&path.with_extension(""), &format!("{}.json", job.id));
            rewrite(job, &path);
            path
        }
        outcome => {
            warn_unwritten(job, &path, outcome);
            path
        }
    }
}

fn rewrite(job: &Job, path: &Path) {
    warn_unwritten(job, path, job.write(path));
}

/// A ticket that cannot be written is shown: it may be paid for.
fn warn_unwritten(job: &Job, path: &Path, outcome: io::Result<()>) {
    if let Err(error) = outcome {
        let path = quoted(path);
        eprintln!("warning: the ticket cannot be written to {path}: {error}");
        eprintln!("ticket: {}", job.ticket);
    }
}

/// Removes the ticket of a job that has ended.
fn forget(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(%error, path = %path.display(), "a ticket file stays behind");
    }
}

fn answer(node: &NodeType, job: &Job, success: &Success, file: &Downloaded) -> Value {
    let mut answer = json!({
        "ok": true,
        "node": node.name,
        "output": serde_json::from_str::<Value>(&success.output).unwrap_or(Value::Null),
        "file": file.path,
        "media_type": file.media_type,
        "bytes": file.bytes,
        "sha256": file.sha256.to_string(),
        "charged": success.settlement.charge.as_str(),
    });
    if let Some(cost) = &success.settlement.cost {
        answer["cost"] = json!({ "amount": cost.amount, "unit": cost.unit });
    }
    if let Value::Object(answer) = &mut answer {
        answer.extend(job.facts());
    }
    answer
}
