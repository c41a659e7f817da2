//! The time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::ledger::Millis;

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
