//! A connection's due jobs, and the limits on their requests.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::rate_limit::{DEFAULT_RATE, RateLimiter};
use crate::ledger::{Job, JobError};

/// The number of due rows of a connection that are read at once.
pub(super) const BATCH: usize = 512;

/// A connection's due jobs.
pub(super) struct ConnectionQueue {
    pub(super) ready: VecDeque<Job>,
    /// Whether the ledger had more due rows than were read.
    pub(super) has_more: bool,
    pub(super) rate_limiter: RateLimiter,
    pub(super) rate_status: RateStatus,
    /// The error for which nothing more is submitted over the connection.
    pub(super) blocked: Option<JobError>,
    /// The error of the latest submit for which further submits wait.
    pub(super) delay_error: Option<JobError>,
}

/// Whether the rate of a connection is known. The resolver returns it when the first job
/// opens the connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RateStatus {
    Unknown,
    Opening,
    Known(f64),
}

impl ConnectionQueue {
    /// A queue whose connection has not been opened yet.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            ready: VecDeque::new(),
            has_more: false,
            rate_limiter: RateLimiter::new(DEFAULT_RATE, now),
            rate_status: RateStatus::Unknown,
            blocked: None,
            delay_error: None,
        }
    }

    /// Whether more due rows are to be read into it.
    pub(super) fn has_capacity(&self) -> bool {
        self.ready.len() < BATCH / 2
    }

    /// Counts a request that is admitted.
    pub(super) fn count_request(&mut self, now: Instant) {
        self.rate_limiter.take(now);
        if self.rate_status == RateStatus::Unknown {
            self.rate_status = RateStatus::Opening;
        }
    }

    /// Updates the rate after a step. `rate` is given if the step opened the connection.
    pub(super) fn on_step_end(&mut self, rate: Option<f64>, now: Instant) {
        if let Some(rate) = rate
            && self.rate_status != RateStatus::Known(rate)
        {
            self.rate_status = RateStatus::Known(rate);
            self.rate_limiter.set_rate(rate, now);
        } else if self.rate_status == RateStatus::Opening {
            self.rate_status = RateStatus::Unknown;
        }
    }
}
