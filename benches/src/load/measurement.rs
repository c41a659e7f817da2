//! The measurement for one number of jobs: submit them, wait, and resume twice after a kill.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::host::Sandbox;
use super::process::{Process, processor_time, resident};
use super::provider::{FirstPolls, Provider};
use super::rates::{Polling, READ_INTERVAL, SETTLE_TIME, STEP_TIMEOUT, Waiting};
use crate::Failure;

/// The longest accepted `poll_after_ms`: all jobs wait.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// The shortest accepted `poll_after_ms`: all jobs are due.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// The results for one number of jobs.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// How many jobs.
    pub jobs: usize,
    /// Until all rows are on the disk.
    pub inserted: Duration,
    /// From there until every row has its ticket, on the disk.
    pub accepted: Duration,
    /// Processor time of the host for both.
    pub submit_time: Duration,
    /// Resident memory before the first row.
    pub empty: u64,
    /// While every job waits for its poll.
    pub waiting: Waiting,
    /// Resident memory of a process that only resumed the jobs.
    pub resumed: u64,
    /// After a kill, by `zoetrope jobs resume --all`.
    pub command: PickUp,
    /// After a kill, by a process that embeds the host.
    pub embedded: PickUp,
    /// While every job is due.
    pub polling: Polling,
}

/// From the start of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PickUp {
    /// Until the first poll.
    pub first: Duration,
    /// Until the last job was polled for the first time.
    pub last: Duration,
}

impl Figures {
    /// Jobs a second, from the insert to the ticket on the disk.
    #[must_use]
    pub fn submits_a_second(&self) -> f64 {
        of_jobs(self.jobs) / (self.inserted + self.accepted).as_secs_f64()
    }

    /// Resident bytes for each job that waits, in the process that submitted it.
    #[must_use]
    pub fn bytes_a_job(&self) -> f64 {
        self.waiting.bytes_a_job(self.empty, self.jobs)
    }

    /// Additional resident bytes for each job, compared with `smaller`.
    #[must_use]
    pub fn bytes_a_further_job(&self, smaller: &Self) -> f64 {
        apart(smaller.waiting.resident, self.waiting.resident)
            / (of_jobs(self.jobs) - of_jobs(smaller.jobs))
    }
}

/// Measures `jobs` jobs in `folder`, which is created and removed.
///
/// # Errors
///
/// When the provider did not get one submit for each job, or polls are missing.
pub fn measure(folder: &Path, jobs: usize, zoetrope: &Path) -> Result<Figures, Failure> {
    let provider = Provider::start()?;
    provider.poll_after(LONGEST_PAUSE);
    let sandbox = Sandbox::new(folder.to_owned(), &provider.base_url())?;

    let mut host = sandbox.adding(jobs)?;
    host.step_time("ready")?;
    let empty = resident(host.id())?;
    let before = processor_time(host.id())?;
    host.go()?;
    let inserted = host.step_time("inserted")?;
    let accepted = host.step_time("accepted")?;
    let submit_time = processor_time(host.id())?.saturating_sub(before);
    if provider.jobs() != jobs {
        return Err(format!("{jobs} jobs, {} submits", provider.jobs()).into());
    }
    let waiting = Waiting::of(&mut host)?;
    host.kill()?;

    let host = sandbox.command(zoetrope)?;
    let (host, command) = picked_up(host, &provider)?;
    host.kill()?;
    let (host, embedded) = picked_up(sandbox.resuming()?, &provider)?;
    sleep(SETTLE_TIME);
    let resumed = resident(host.id())?;
    host.kill()?;

    provider.poll_after(SHORTEST_PAUSE);
    let (mut host, _) = picked_up(sandbox.resuming()?, &provider)?;
    let polling = Polling::of(&mut host, &provider, jobs)?;
    host.kill()?;
    Ok(Figures {
        jobs,
        inserted,
        accepted,
        submit_time,
        empty,
        waiting,
        resumed,
        command,
        embedded,
        polling,
    })
}

/// Waits until every job was polled.
fn picked_up(mut host: Process, provider: &Provider) -> Result<(Process, PickUp), Failure> {
    // The host has started but takes longer to its first poll than this.
    provider.begin_round();
    let FirstPolls { first, last } = loop {
        if let Some(first_polls) = provider.first_polls() {
            break first_polls;
        }
        host.must_live()?;
        if host.begun.elapsed() > STEP_TIMEOUT {
            return Err("some jobs are not polled".into());
        }
        sleep(READ_INTERVAL);
    };
    let picked_up = PickUp {
        first: first - host.begun,
        last: last - host.begun,
    };
    Ok((host, picked_up))
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 jobs")]
fn of_jobs(jobs: usize) -> f64 {
    jobs as f64
}

#[expect(clippy::cast_precision_loss, reason = "no process is that large")]
fn apart(less: u64, more: u64) -> f64 {
    more as f64 - less as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn figures(jobs: usize, waiting: u64) -> Figures {
        let picked_up = PickUp {
            first: SECOND,
            last: SECOND,
        };
        Figures {
            jobs,
            inserted: SECOND,
            accepted: 3 * SECOND,
            submit_time: SECOND,
            empty: 1_000,
            waiting: Waiting {
                resident: waiting,
                time: SECOND,
            },
            resumed: 0,
            command: picked_up,
            embedded: picked_up,
            polling: Polling {
                a_second: 1.0,
                time: SECOND,
                provider_time: SECOND,
            },
        }
    }

    #[test]
    fn figures_are_divided_by_the_number_of_jobs() {
        let (small, large) = (figures(10, 3_000), figures(20, 4_000));
        let close = |left: f64, right: f64| (left - right).abs() < 1e-9;
        assert!(close(small.submits_a_second(), 2.5));
        assert!(close(small.bytes_a_job(), 200.0));
        assert!(close(large.bytes_a_further_job(&small), 100.0));
    }
}
