//! The limits on the requests of a connection: its rate, and what its provider asked for.

use std::time::Duration;

use tokio::time::Instant;

use super::holds::{Delay, Holds, Party};
use super::rate_limit::{DEFAULT_RATE, RateLimiter};
use super::steps::Done;
use crate::ledger::Millis;

/// For so long, other jobs wait for the one that opens the connection. Then the next one tries.
pub(super) const OPENING_TIME: Duration = Duration::from_secs(10);

/// The limits of a connection.
pub(super) struct ConnectionLimits {
    pub(super) rate_limiter: RateLimiter,
    pub(super) rate_status: RateStatus,
    pub(super) holds: Holds,
}

/// Whether the rate of a connection is known. The resolver returns it when the first job
/// opens the connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum RateStatus {
    Unknown,
    /// A job opens it, since then.
    Opening(Instant),
    Known(f64),
}

impl ConnectionLimits {
    /// The limits of a connection that has not been opened yet.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            rate_limiter: RateLimiter::new(DEFAULT_RATE, now),
            rate_status: RateStatus::Unknown,
            holds: Holds::default(),
        }
    }

    /// Until when other jobs wait for the one that opens the connection, if one does.
    pub(super) fn opening_until(&self, now: Instant) -> Option<Instant> {
        match self.rate_status {
            RateStatus::Opening(since) => Some(since + OPENING_TIME).filter(|until| *until > now),
            _ => None,
        }
    }

    /// Counts a request that is admitted; returns whether its step opens the connection.
    pub(super) fn count_request(&mut self, now: Instant) -> bool {
        self.rate_limiter.take(now);
        let opens = !matches!(self.rate_status, RateStatus::Known(_));
        if opens {
            self.rate_status = RateStatus::Opening(now);
        }
        opens
    }

    /// A step has opened the connection.
    pub(super) fn on_opened(&mut self, rate: f64, now: Instant) {
        if self.rate_status != RateStatus::Known(rate) {
            self.rate_status = RateStatus::Known(rate);
            self.rate_limiter.set_rate(rate, now);
        }
    }

    /// Applies what a step of a component learnt about the connection, at the time `at` in rows.
    pub(super) fn on_step_end(&mut self, party: Party<'_>, done: &Done, now: Instant, at: Millis) {
        if let Some(rate) = done.rate {
            self.on_opened(rate, now);
        }
        if let Some(error) = done.blocked.clone() {
            self.holds.block(party, error, now, at);
        }
        if let Some(asked) = &done.provider_delay {
            let delay = Delay {
                until: now + asked.after,
                submits_only: asked.submits_only,
                error: asked.error.clone(),
            };
            self.holds.delay(party, delay);
        }
    }

    /// The step that was to open the connection has ended. If it did not open it, in whatever way
    /// it ended, the next one does.
    pub(super) fn on_opener_end(&mut self) {
        if let RateStatus::Opening(_) = self.rate_status {
            self.rate_status = RateStatus::Unknown;
        }
    }
}
