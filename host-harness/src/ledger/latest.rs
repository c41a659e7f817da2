//! The latest time that was ever seen, for the decisions that a clock which was set back must not
//! change.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::stage::Millis;

/// The latest time of all ledgers of this process.
static LATEST: AtomicI64 = AtomicI64::new(0);

/// The latest time that was seen, as the ledgers that this process has opened know it.
pub(crate) fn latest_seen() -> Millis {
    LATEST.load(Ordering::Relaxed)
}

/// A time that never goes back: it advances with the monotonic clock from the latest time that this
/// process, or an earlier one, has seen.
#[derive(Debug)]
pub(super) struct Latest(Mutex<Seen>);

#[derive(Debug)]
struct Seen {
    time: Millis,
    at: Instant,
}

impl Latest {
    /// Begins at the time of the ledger.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let highest = connection
            .query_row("SELECT highest FROM clock", [], |row| row.get(0))
            .optional()?;
        LATEST.fetch_max(highest.unwrap_or(0), Ordering::Relaxed);
        Ok(Self(Mutex::new(Seen {
            time: highest.unwrap_or(0),
            at: Instant::now(),
        })))
    }

    /// The latest time, at `now` by the wall clock.
    pub(super) fn at(&self, now: Millis) -> Millis {
        let mut seen = self.seen();
        let passed = Millis::try_from(seen.at.elapsed().as_millis()).unwrap_or(Millis::MAX);
        let latest = seen.time.saturating_add(passed);
        LATEST.fetch_max(latest.max(now), Ordering::Relaxed);
        if now < latest {
            return latest;
        }
        *seen = Seen {
            time: now,
            at: Instant::now(),
        };
        now
    }

    /// Writes the latest time, in a transaction that happens anyhow.
    pub(super) fn keep(&self, transaction: &Transaction<'_>, now: Millis) -> rusqlite::Result<()> {
        let keep = "INSERT INTO clock (row, highest) VALUES (1, ?1)
            ON CONFLICT (row) DO UPDATE SET highest = max(highest, excluded.highest)";
        let mut keep = transaction.prepare_cached(keep)?;
        keep.execute([self.at(now)]).map(drop)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
