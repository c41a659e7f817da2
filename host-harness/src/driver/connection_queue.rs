//! A connection's due jobs, and what holds them back.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::rate_limit::{DEFAULT_RATE, RateLimiter};
use crate::ledger::{Job, JobError};

/// Due rows of a connection that are read at once.
pub(super) const BATCH: usize = 512;

/// A connection's due jobs.
pub(super) struct ConnectionQueue {
    pub(super) ready: VecDeque<Job>,
    /// Whether there were more of them than were read.
    pub(super) has_more: bool,
    pub(super) rate_limiter: RateLimiter,
    pub(super) rate_status: RateStatus,
    /// Why nothing more is submitted over it.
    pub(super) blocked: Option<JobError>,
}

/// What is known of how often a connection may be asked. It says so when it is opened,
/// which the first job over it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RateStatus {
    Unknown,
    Asked,
    Known(f64),
}

impl ConnectionQueue {
    /// A lane whose connection has not been opened yet.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            ready: VecDeque::new(),
            has_more: false,
            rate_limiter: RateLimiter::new(DEFAULT_RATE, now),
            rate_status: RateStatus::Unknown,
            blocked: None,
        }
    }

    /// Whether more of its due rows are to be read.
    pub(super) fn has_capacity(&self) -> bool {
        self.ready.len() < BATCH / 2
    }

    /// Counts a request that is admitted.
    pub(super) fn count_request(&mut self, now: Instant) {
        self.rate_limiter.take(now);
        if self.rate_status == RateStatus::Unknown {
            self.rate_status = RateStatus::Asked;
        }
    }

    /// A step over the connection has ended: with its rate, where it was opened.
    pub(super) fn learn(&mut self, rate: Option<f64>, now: Instant) {
        if let Some(rate) = rate
            && self.rate_status != RateStatus::Known(rate)
        {
            self.rate_status = RateStatus::Known(rate);
            self.rate_limiter.set_rate(rate, now);
        } else if self.rate_status == RateStatus::Asked {
            self.rate_status = RateStatus::Unknown;
        }
    }
}
