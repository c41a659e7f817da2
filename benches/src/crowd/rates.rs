//! What a process takes while its jobs do nothing but wait, or nothing but poll.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::process::{Process, processor_time, resident};
use super::provider::Provider;
use crate::Failure;

/// How long it is counted what waiting and polling take.
const WAITING: Duration = Duration::from_secs(3);
const POLLING: Duration = Duration::from_secs(5);

/// How long a process goes on as it is before it is measured.
pub(super) const REST: Duration = Duration::from_secs(1);

/// While every job waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Resident memory.
    pub resident: u64,
    /// Processor time a second.
    pub time: Duration,
}

impl Waiting {
    pub(super) fn of(process: &mut Process) -> Result<Self, Failure> {
        sleep(REST);
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
    pub(super) fn of(process: &mut Process, provider: &Provider) -> Result<Self, Failure> {
        sleep(REST);
        let own = std::process::id();
        let (begun, polls) = (Instant::now(), provider.polls());
        let before = (processor_time(process.id())?, processor_time(own)?);
        sleep(POLLING);
        let (taken, polls) = (begun.elapsed(), provider.polls() - polls);
        let after = (processor_time(process.id())?, processor_time(own)?);
        process.must_live()?;
        let polls = u32::try_from(polls)?.max(1);
        Ok(Self {
            a_second: f64::from(polls) / taken.as_secs_f64(),
            time: after.0.saturating_sub(before.0) / polls,
            provider_time: after.1.saturating_sub(before.1) / polls,
        })
    }
}
