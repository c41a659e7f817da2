//! The time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::ledger::{Ledger, Millis, latest_seen};

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
    pub(super) fn of(ledger: &Ledger) -> Self {
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
