//! Memory and processor time of a process while its jobs wait, and while they poll.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::process::{Process, processor_time, resident};
use super::provider::Provider;
use crate::Failure;

/// The durations of the measurements.
const WAITING: Duration = Duration::from_secs(3);
const POLLING: Duration = Duration::from_secs(5);

/// The interval at which the provider's counts are read.
pub(super) const READ_INTERVAL: Duration = Duration::from_millis(5);

/// The time limit of a step, enough for 100,000 jobs.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_mins(20);

/// The pause before a measurement.
pub(super) const SETTLE_TIME: Duration = Duration::from_secs(1);

/// While every job waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Resident memory.
    pub resident: u64,
    /// Processor time a second.
    pub time: Duration,
}

impl Waiting {
    /// Resident bytes for each job, without those of the empty process.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "no process is that large")]
    pub fn bytes_a_job(self, empty: u64, jobs: usize) -> f64 {
        (self.resident as f64 - empty as f64) / jobs as f64
    }

    pub(super) fn of(process: &mut Process) -> Result<Self, Failure> {
        sleep(SETTLE_TIME);
        let resident = resident(process.id())?;
        let before = processor_time(process.id())?;
        sleep(WAITING);
        let time = processor_time(process.id())?.saturating_sub(before);
        process.must_live()?;
        Ok(Self {
            resident,
            time: time.div_f64(WAITING.as_secs_f64()),
        })
    }
}

/// While every job is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Polling {
    /// Polls a second.
    pub a_second: f64,
    /// The process's own processor time for each of them.
    pub time: Duration,
    /// Processor time of the provider for each of them.
    pub provider_time: Duration,
}

impl Polling {
    /// Measures for [`POLLING`] and then to the end of a round of all jobs, since polls may come in
    /// waves.
    pub(super) fn of(
        process: &mut Process,
        provider: &Provider,
        jobs: usize,
    ) -> Result<Self, Failure> {
        let jobs = u64::try_from(jobs)?;
        polled(process, provider, SETTLE_TIME, jobs)?;
        let own = std::process::id();
        let (begun, polls) = (Instant::now(), provider.polls());
        let before = (processor_time(process.id())?, processor_time(own)?);
        polled(process, provider, POLLING, jobs)?;
        let (taken, polls) = (begun.elapsed(), provider.polls() - polls);
        let after = (processor_time(process.id())?, processor_time(own)?);
        let polls = u32::try_from(polls)?;
        Ok(Self {
            a_second: f64::from(polls) / taken.as_secs_f64(),
            time: after.0.saturating_sub(before.0) / polls,
            provider_time: after.1.saturating_sub(before.1) / polls,
        })
    }
}

/// Waits this long, and then to the end of the round of `jobs` polls.
fn polled(
    process: &mut Process,
    provider: &Provider,
    time: Duration,
    jobs: u64,
) -> Result<(), Failure> {
    let before = provider.polls();
    sleep(time);
    let rounds = (provider.polls() - before) / jobs + 1;
    let begun = Instant::now();
    while provider.polls() - before < rounds * jobs {
        process.must_live()?;
        if begun.elapsed() > STEP_TIMEOUT {
            return Err("the jobs are not polled".into());
        }
        sleep(READ_INTERVAL);
    }
    process.must_live()
}
