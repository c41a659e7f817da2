//! The time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::ledger::Millis;

/// The time as rows have it.
#[must_use]
pub fn now() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// The time so long from now.
#[must_use]
pub fn deadline_after(wait: Duration) -> Millis {
    let wait = Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX);
    now().saturating_add(wait)
}
