//! How often a connection is asked: one budget for all its jobs.

use std::time::Duration;

use tokio::time::Instant;

/// Requests a second where a connection does not say.
pub(super) const DEFAULT_RATE: f64 = 10.0;

/// How far requests may be ahead of their pace, after a pause.
const AHEAD: Duration = Duration::from_secs(1);

/// A connection's budget.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateLimiter {
    interval: Duration,
    /// When the next request is due by the pace alone.
    due: Instant,
    /// Nothing is asked before this: the provider wants a rest.
    rest: Instant,
    /// The same for submits.
    submits_rest: Instant,
}

impl RateLimiter {
    /// A budget of `rate` requests a second.
    pub(super) fn new(rate: f64, now: Instant) -> Self {
        Self {
            interval: Duration::try_from_secs_f64(1.0 / rate).unwrap_or(AHEAD),
            due: now,
            rest: now,
            submits_rest: now,
        }
    }

    /// Another rate from now on, at which one request has just been made.
    pub(super) fn set_rate(&mut self, rate: f64, now: Instant) {
        *self = Self {
            rest: self.rest,
            submits_rest: self.submits_rest,
            ..Self::new(rate, now)
        };
        self.due += self.interval;
    }

    /// When there is earliest for a request.
    pub(super) fn free_at(&self) -> Instant {
        let earliest = self.due.checked_sub(AHEAD).unwrap_or(self.due);
        earliest.max(self.rest)
    }

    /// When there may be a submit, as far as the provider has said.
    pub(super) fn submits_at(&self) -> Instant {
        self.submits_rest
    }

    /// Takes one request, if there is earliest.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        if self.free_at() > now {
            return false;
        }
        self.due = self.due.max(now) + self.interval;
        true
    }

    /// The provider wants a rest, from submits alone or from everything.
    pub(super) fn rest(&mut self, until: Instant, submits_only: bool) {
        self.submits_rest = self.submits_rest.max(until);
        if !submits_only {
            self.rest = self.rest.max(until);
        }
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
    fn a_rest_holds_submits_or_everything() {
        let now = Instant::now();
        let later = now + Duration::from_secs(3);
        let mut rate_limiter = RateLimiter::new(10.0, now);
        rate_limiter.rest(later, true);
        assert_eq!(rate_limiter.submits_at(), later);
        assert!(rate_limiter.take(now));
        rate_limiter.rest(later, false);
        assert!(!rate_limiter.take(now));
        assert!(rate_limiter.take(later));
    }
}
