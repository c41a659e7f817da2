//! The host as a separate process, from inside and from outside.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Instant;

use futures::future::{BoxFuture, ready};
use tokio::sync::watch;
use zoetrope_bundled_pack::{COMPONENT, DIGEST};
use zoetrope_host::component::Pack;
use zoetrope_host::config::Config;
use zoetrope_host::connections::{Connection, CredentialPlacement};
use zoetrope_host::contract::ConnectionRequirement;
use zoetrope_host::driver::{
    ConnectionResolver, DriveMode, Driver, ResolvedConnection, WaitFor, now,
};
use zoetrope_host::engine::{Engine, EngineSettings};
use zoetrope_host::ledger::{Job, JobError, JobSpec, Target};
use zoetrope_host::policy::Policy;

use super::HOST;
use super::measured::{self, Commands, report_step};
use super::process::Process;
use crate::{Failure, INPUT, NODE};

const CONNECTION: &str = "load";

/// Later than the end of the measurement.
const DEADLINE_MS: i64 = 86_400_000;

/// A folder with configuration and data, in which hosts run one after the other.
pub struct Sandbox {
    folder: PathBuf,
}

impl Sandbox {
    /// Creates an empty one at `folder` with a connection to `base_url`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn new(folder: PathBuf, base_url: &str) -> Result<Self, Failure> {
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("key"), "sk-load")?;
        // The highest allowed rate, so that the machine is the limit.
        let config = format!(
            "[connections.{CONNECTION}]\ncategory = \"pixelml\"\nbase_url = \"{base_url}\"\n\
             credential = {{ file = \"{}\" }}\nrequests_per_second = 100000\n",
            folder.join("key").display()
        );
        std::fs::write(folder.join("zoetrope.toml"), config)?;
        Ok(Self { folder })
    }

    /// Starts a host that adds this many jobs at the first command, and drives them.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn adding(&self, jobs: usize) -> Result<Process, Failure> {
        let mut command = self.host("add")?;
        command.arg(jobs.to_string());
        Process::spawn(command)
    }

    /// Starts a host that resumes every job, as an embedding program does.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn resuming(&self) -> Result<Process, Failure> {
        Process::spawn(self.host("resume")?)
    }

    /// Starts `zoetrope jobs resume --all`.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn command(&self, zoetrope: &Path) -> Result<Process, Failure> {
        let mut command = Command::new(zoetrope);
        command.args(["jobs", "resume", "--all", "--config"]);
        command.arg(self.folder.join("zoetrope.toml"));
        command.arg("--data-dir").arg(self.folder.join("data"));
        command.stderr(Stdio::null());
        Process::spawn(command)
    }

    fn host(&self, what: &str) -> Result<Command, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(HOST).arg(&self.folder).arg(what);
        Ok(command)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // An error is ignored: the folder is in `target/`, and the next run empties it.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The main function of the host process.
#[must_use]
pub fn main(arguments: &[String]) -> ExitCode {
    measured::main(async {
        let [folder, what @ ..] = arguments else {
            return Err("no folder".into());
        };
        HostProcess::open(Path::new(folder))?.work(what).await
    })
}

struct HostProcess {
    data: PathBuf,
    pack: Pack,
    connection: Arc<Connection>,
    commands: Commands,
}

impl HostProcess {
    fn open(folder: &Path) -> Result<Self, Failure> {
        let data = folder.join("data");
        let settings = EngineSettings {
            cache_dir: Some(data.join("code")),
            ..EngineSettings::default()
        };
        let pack = Pack::load(
            &Engine::new(settings)?,
            COMPONENT,
            &Policy::default().trusting(DIGEST),
        )?;
        let config = Config::read(&folder.join("zoetrope.toml"))?;
        let connection = config.connection(CONNECTION).ok_or("no connection")?;
        Ok(Self {
            data,
            pack,
            connection: Arc::clone(connection),
            commands: Commands::new(),
        })
    }

    async fn work(mut self, what: &[String]) -> Result<(), Failure> {
        let resolver = Arc::new(Configured(Arc::clone(&self.connection)));
        let driver = Driver::builder(&self.data, &self.pack, resolver)
            .policy(&Policy::default().trusting(DIGEST))
            .build()?;
        let ids = match what {
            [word, jobs] if word == "add" => self.add(&driver, jobs.parse()?).await?,
            _ => resume(&driver).await?,
        };
        let (_sender, work) = watch::channel(DriveMode::Normal);
        driver.wait(ids, WaitFor::Settled, work).await?;
        Err("every job is settled, although the provider ends none".into())
    }

    async fn add(&mut self, driver: &Driver, jobs: usize) -> Result<Vec<String>, Failure> {
        report_step("ready", Instant::now());
        self.commands.next().await?;
        let begun = Instant::now();
        let jobs: Vec<_> = (0..jobs).map(|number| self.job(driver, number)).collect();
        driver.add(&jobs, &self.pack, COMPONENT)?;
        let ids: Vec<_> = jobs.iter().map(|job| job.spec.id.clone()).collect();
        report_step("inserted", begun);
        let begun = Instant::now();
        let (_sender, work) = watch::channel(DriveMode::Normal);
        let waiting = ids.iter().cloned();
        driver.wait(waiting, WaitFor::Accepted, work).await?;
        report_step("accepted", begun);
        Ok(ids)
    }

    fn job(&self, driver: &Driver, number: usize) -> Job {
        let spec = JobSpec {
            // An id of realistic length.
            id: format!("00000000-0000-7000-8000-{number:012}"),
            node: NODE.into(),
            raw_input: INPUT.into(),
            raw_input_sha256: self.pack.digest().to_string(),
            input: INPUT.into(),
            component: self.pack.digest().to_string(),
            connection: CONNECTION.into(),
            provider_origin: self.connection.base_url().origin().to_string(),
            key: format!("load-{number}"),
            idempotency_ms: 0,
            created_at: now(),
        };
        let target = Target::Stem(self.data.join("clips").join(&spec.id));
        Job::new(spec, target, driver.requester().into(), now() + DEADLINE_MS)
    }
}

/// Resumes as `zoetrope jobs resume --all` does.
async fn resume(driver: &Driver) -> Result<Vec<String>, Failure> {
    let begun = Instant::now();
    let ids = driver
        .resume_all(&HashSet::new(), now() + DEADLINE_MS)
        .await?;
    report_step("resumed", begun);
    Ok(ids)
}

struct Configured(Arc<Connection>);

impl ConnectionResolver for Configured {
    fn open<'a>(
        &'a self,
        _: &'a str,
        _: &'a ConnectionRequirement,
        placement: &'a CredentialPlacement,
    ) -> BoxFuture<'a, Result<ResolvedConnection, JobError>> {
        let resolved = ResolvedConnection::configured(Arc::clone(&self.0), placement);
        Box::pin(ready(resolved))
    }
}
