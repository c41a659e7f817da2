//! The same load in other designs: every job waits in a call of its own, whose reply the provider
//! holds. None of them stores its jobs.

use std::process::Command;
use std::thread::sleep;
use std::time::Instant;

use serde_json::{Value, json};

use super::process::{Process, resident};
use super::provider::Provider;
use super::rates::{Polling, READ_INTERVAL, STEP_TIMEOUT, Waiting};
use super::{SUSPENDED, open_files};
use crate::peers::{Peers, Program};
use crate::{Failure, INPUT, NODE};

/// The most measured jobs, since each takes a connection.
pub const MOST_JOBS: usize = 10_000;

/// How a job waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// In an instance of the component, which is suspended in its request.
    Instances,
    /// In a task of Python's asyncio, which awaits its request.
    Tasks,
}

impl Design {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Instances, Self::Tasks];

    /// Its name in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Instances => "a suspended instance for each (wasmtime)",
            Self::Tasks => Program::Tasks.name(),
        }
    }

    fn command(self, peers: &mut Peers) -> Result<Option<Command>, Failure> {
        match self {
            Self::Instances => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg(SUSPENDED);
                Ok(Some(command))
            }
            Self::Tasks => {
                let input: Value = serde_json::from_str(INPUT)?;
                let body = json!({"action": NODE, "input": input}).to_string();
                let mut command = peers.command(Program::Tasks);
                if let Some(command) = &mut command {
                    command.arg(body);
                }
                Ok(command)
            }
        }
    }
}

/// The results for one design and number of jobs.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Which design.
    pub design: Design,
    /// How many jobs.
    pub jobs: usize,
    /// How many of them wait in a call. The others wait for a free file descriptor.
    pub calls: usize,
    /// Resident memory before the first job.
    pub empty: u64,
    /// While every job waits.
    pub waiting: Waiting,
    /// While every poll is answered at once, and followed by the next.
    pub polling: Polling,
}

impl Figures {
    /// Resident bytes for each job that waits.
    #[must_use]
    pub fn bytes_a_job(&self) -> f64 {
        self.waiting.bytes_a_job(self.empty, self.jobs)
    }
}

/// Measures `jobs` jobs; `None` where the design's platform is missing.
///
/// # Errors
///
/// When the provider did not get one submit for each job, or holds too few calls.
pub fn measure(design: Design, jobs: usize, peers: &mut Peers) -> Result<Option<Figures>, Failure> {
    let calls = open_files::connections()?.min(jobs);
    let Some(mut command) = design.command(peers)? else {
        return Ok(None);
    };
    let provider = Provider::start()?;
    provider.hold(true);
    command.args([provider.base_url(), jobs.to_string(), calls.to_string()]);
    let mut process = Process::spawn(command)?;
    process.step_time("ready")?;
    let empty = resident(process.id())?;
    process.go()?;
    process.step_time("submitted")?;
    if provider.jobs() != jobs {
        return Err(format!("{jobs} jobs, {} submits", provider.jobs()).into());
    }
    held(&mut process, &provider, calls, 0)?;
    // Each poll is answered once, and the next one is held.
    provider.hold(true);
    held(&mut process, &provider, calls, calls)?;
    let waiting = Waiting::of(&mut process)?;
    provider.hold(false);
    // Polls that were held are not counted.
    while provider.held() > 0 {
        sleep(READ_INTERVAL);
    }
    let polling = Polling::of(&mut process, &provider, jobs)?;
    process.kill()?;
    Ok(Some(Figures {
        design,
        jobs,
        calls,
        empty,
        waiting,
        polling,
    }))
}

/// Waits until the provider has answered this many polls and holds this many.
fn held(
    process: &mut Process,
    provider: &Provider,
    calls: usize,
    answered: usize,
) -> Result<(), Failure> {
    let begun = Instant::now();
    let answered = u64::try_from(answered)?;
    while provider.held() < calls || provider.polls() < answered {
        process.must_live()?;
        if begun.elapsed() > STEP_TIMEOUT {
            return Err(format!("{} of {calls} calls are held", provider.held()).into());
        }
        sleep(READ_INTERVAL);
    }
    Ok(())
}
