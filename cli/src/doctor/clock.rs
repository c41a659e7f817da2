//! The clock of this machine, next to the latest time of the ledger.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use zoetrope_host::driver::now;
use zoetrope_host::ledger::{Ledger, Millis};

use super::check::Check;
use crate::ago;

const NAME: &str = "clock";

/// Clocks of machines that share a folder differ by less.
const TOLERANCE_MS: Millis = 60_000;

pub(super) fn check(data_dir: &Path) -> Check {
    // Opening a ledger would create it.
    let ledger = data_dir.join("ledger.sqlite3").exists();
    let ledger = ledger.then(|| Ledger::open(data_dir).ok()).flatten();
    let kept = ledger.and_then(|ledger| ledger.kept_time().ok().flatten());
    of(now(), kept)
}

fn of(now: Millis, latest: Option<Millis>) -> Check {
    let time = Timestamp::from_millisecond(now / 1000 * 1000);
    let time = time.map_or_else(|_| now.to_string(), |time| time.to_string());
    let behind = latest.map_or(0, |latest| latest.saturating_sub(now));
    let check = if behind > TOLERANCE_MS {
        let behind = Duration::from_secs(u64::try_from(behind / 1000).unwrap_or_default());
        let behind = ago::duration(behind);
        let text = format!("{time}, {behind} behind the latest time of the ledger");
        Check::warning(NAME, text, "Set the clock of this machine")
    } else {
        Check::ok(NAME, time.clone())
    };
    check.with("time", time).with("behind_ms", behind.max(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::home::Home;

    #[test]
    fn clock_behind_the_ledger_is_a_warning() {
        for (latest, state) in [
            (None, "ok"),
            (Some(0), "ok"),
            (Some(1_000_000 + TOLERANCE_MS), "ok"),
            (Some(1_000_000 + TOLERANCE_MS + 1), "warning"),
        ] {
            let document = of(1_000_000, latest).document(&Home::none());
            assert_eq!(document["state"], state, "{latest:?}");
            assert_eq!(document["time"], "1970-01-01T00:16:40Z");
        }
    }
}
