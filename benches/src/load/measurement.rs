//! One size of crowd: every job submitted, all of them waiting, and twice picked up again
//! after a kill.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::host::Sandbox;
use super::process::{Process, processor_time, resident};
use super::provider::{FirstPolls, Provider};
use super::rates::{LOOK, PATIENCE, Polling, REST, Waiting};
use crate::Failure;

/// The provider wants to be asked this late: the jobs wait. No hint counts for more.
const LATE: Duration = Duration::from_mins(5);

/// The provider wants to be asked this soon: all jobs are due. No hint counts for less.
const SOON: Duration = Duration::from_millis(100);

/// What came out for one size.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// How many jobs.
    pub jobs: usize,
    /// From nothing to rows on the disk, one after the other.
    pub inserted: Duration,
    /// From there until every row has its ticket, on the disk.
    pub accepted: Duration,
    /// Processor time of the host for both.
    pub submit_time: Duration,
    /// Resident memory before the first row.
    pub empty: u64,
    /// While every job waits for its poll.
    pub waiting: Waiting,
    /// Resident memory of a process that only picked them up.
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
    /// Jobs a second, from nothing to a ticket on the disk.
    #[must_use]
    pub fn submits_a_second(&self) -> f64 {
        of_jobs(self.jobs) / (self.inserted + self.accepted).as_secs_f64()
    }

    /// Resident bytes for each job that waits, in the process that submitted it.
    #[must_use]
    pub fn bytes_a_job(&self) -> f64 {
        self.waiting.bytes_a_job(self.empty, self.jobs)
    }

    /// Resident bytes for each job that this crowd has more than `smaller`.
    #[must_use]
    pub fn bytes_a_further_job(&self, smaller: &Self) -> f64 {
        apart(smaller.waiting.resident, self.waiting.resident)
            / (of_jobs(self.jobs) - of_jobs(smaller.jobs))
    }
}

/// Measures a crowd of `jobs` in `folder`, which is made and emptied.
///
/// # Errors
///
/// When anything else comes out than was asked for: one submit a job, every job polled.
pub fn measure(folder: &Path, jobs: usize, zoetrope: &Path) -> Result<Figures, Failure> {
    let provider = Provider::start()?;
    provider.poll_after(LATE);
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
    sleep(REST);
    let resumed = resident(host.id())?;
    host.kill()?;

    provider.poll_after(SOON);
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
    // It takes longer to start a host than to begin a round.
    provider.begin_round();
    let FirstPolls { first, last } = loop {
        if let Some(first_polls) = provider.first_polls() {
            break first_polls;
        }
        host.must_live()?;
        if host.begun.elapsed() > PATIENCE {
            return Err("some jobs are not polled".into());
        }
        sleep(LOOK);
    };
    let picked_up = PickUp {
        first: first - host.begun,
        last: last - host.begun,
    };
    Ok((host, picked_up))
}

#[expect(clippy::cast_precision_loss, reason = "no crowd is that large")]
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
