//! Waits while another process holds the ledger, for as long as that takes: it passes, and the jobs
//! continue at their providers meanwhile.

use std::time::Duration;

use tokio::time::sleep;

use crate::error::chain;
use crate::ledger::LedgerError;

/// The time between two attempts, beside the time that the ledger itself waits.
pub(super) const BUSY_INTERVAL: Duration = Duration::from_millis(500);

/// Repeats a read until no other process holds the ledger.
pub(super) async fn patiently<T>(
    read: impl Fn() -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    loop {
        match read() {
            Err(error) if error.is_busy() => {
                let error = chain(&error);
                tracing::warn!(error, "the driver waits for the ledger");
                sleep(BUSY_INTERVAL).await;
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn read_of_a_busy_ledger_is_repeated_and_another_error_is_not() {
        let reads = Cell::new(0);
        let busy = || LedgerError::Busy {
            path: "ledger".into(),
            source: rusqlite::Error::InvalidQuery,
        };
        let read = patiently(|| {
            reads.set(reads.get() + 1);
            if reads.get() < 2 { Err(busy()) } else { Ok(7) }
        });
        assert_eq!((read.await.expect("read"), reads.get()), (7, 2));
        let failed = patiently(|| Err::<(), _>(LedgerError::Stopped)).await;
        assert!(matches!(failed, Err(LedgerError::Stopped)));
    }
}
