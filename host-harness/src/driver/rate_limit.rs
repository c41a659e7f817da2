//! The rate limit of a connection, for all its jobs together.

use std::time::Duration;

use tokio::time::Instant;

/// Requests a second where the connection sets none.
pub(super) const DEFAULT_RATE: f64 = 10.0;

/// After a pause, the requests of this time may be sent at once.
const BURST: Duration = Duration::from_secs(1);

/// A connection's rate limiter.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateLimiter {
    interval: Duration,
    /// When the next request is due by the rate alone.
    due: Instant,
}

impl RateLimiter {
    /// A limit of `rate` requests a second.
    pub(super) fn new(rate: f64, now: Instant) -> Self {
        Self {
            interval: Duration::try_from_secs_f64(1.0 / rate).unwrap_or(BURST),
            due: now,
        }
    }

    /// Changes the rate and counts one request, which has just been sent.
    pub(super) fn set_rate(&mut self, rate: f64, now: Instant) {
        *self = Self::new(rate, now);
        self.due += self.interval;
    }

    /// The earliest time of the next request.
    pub(super) fn free_at(&self) -> Instant {
        self.due.checked_sub(BURST).unwrap_or(self.due)
    }

    /// Counts requests that follow one that was allowed, in the same step.
    pub(super) fn count_further(&mut self, requests: usize) {
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        let due = self.due.checked_add(self.interval.saturating_mul(requests));
        self.due = due.unwrap_or(self.due);
    }

    /// Counts one request, if one is allowed now.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if self.free_at() > now {
            return false;
        }
        self.due = self.due.max(now) + self.interval;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_keep_to_the_rate_after_a_burst() {
        let begin = Instant::now();
        let mut rate_limiter = RateLimiter::new(10.0, begin);
        let mut sent = 0;
        for tick in 0..500 {
            let now = begin + Duration::from_millis(10) * tick;
            sent += u32::from(rate_limiter.take(now));
        }
        // Five seconds' worth and one second ahead.
        assert!((55..=62).contains(&sent), "{sent}");
    }

    #[test]
    fn further_requests_of_a_step_delay_those_of_others() {
        let begin = Instant::now();
        let mut rate_limiter = RateLimiter::new(10.0, begin);
        assert!(rate_limiter.take(begin));
        rate_limiter.count_further(29);
        assert_eq!(rate_limiter.free_at(), begin + Duration::from_secs(2));
        assert!(!rate_limiter.take(begin + Duration::from_secs(1)));
    }
}
