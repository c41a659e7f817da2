//! The time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::ledger::{Ledger, Millis, latest_seen};

/// Two clocks may differ by this much: they are read one after the other, and one of them may be
/// corrected slowly.
pub(super) const TOLERANCE: Millis = 1_000;

/// The time of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// The wall clock, as in rows.
    pub now: Millis,
    /// The latest time that was ever seen: later than `now` if the clock was set back. It decides
    /// whether a provider still honours a key.
    pub latest: Millis,
}

impl Time {
    /// The time now, with the latest one of the ledgers that this process has opened.
    #[must_use]
    pub fn present() -> Self {
        let now = now();
        let latest = latest_seen().max(now);
        Self { now, latest }
    }

    /// The time now, with the latest one of this ledger.
    pub(crate) fn of(ledger: &Ledger) -> Self {
        let now = now();
        let latest = ledger.latest(now);
        Self { now, latest }
    }
}

/// Of a clock that was never set back.
impl From<Millis> for Time {
    fn from(now: Millis) -> Self {
        let latest = now;
        Self { now, latest }
    }
}

/// How far the clock is behind the latest time, so that it is noticed when it is set back.
#[derive(Debug, Default)]
pub(super) struct Behind(Millis);

impl Behind {
    /// By how much the clock was set back since [`follow`](Self::follow); `None` if it was not, or if
    /// it differs no more than clocks do.
    pub(super) fn set_back(&mut self, time: Time) -> Option<Millis> {
        let behind = time.latest - time.now;
        self.0 = self.0.min(behind);
        Some(behind - self.0).filter(|back| *back > TOLERANCE)
    }

    /// The clock that was set back by so much counts from now on.
    pub(super) fn follow(&mut self, back: Millis) {
        self.0 += back;
    }
}

/// The time now, as in rows.
#[must_use]
pub fn now() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// The time now plus `wait`, as in rows.
#[must_use]
pub fn deadline_after(wait: Duration) -> Millis {
    let wait = Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX);
    now().saturating_add(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_that_is_set_back_is_noticed_once_and_again_after_it_was_ahead() {
        let mut behind = Behind::default();
        let mut at = |now, latest| {
            let back = behind.set_back(Time { now, latest });
            behind.follow(back.unwrap_or_default());
            back
        };
        assert_eq!(at(500_000, 500_000), None);
        assert_eq!(at(500_100, 500_900), None, "a slow correction");
        assert_eq!(at(260_000, 500_000), Some(240_000));
        assert_eq!(at(261_000, 501_000), None);
        assert_eq!(at(900_000, 900_000), None);
        assert_eq!(at(890_000, 900_000), Some(10_000));
    }
}
