//! Waits while another process holds the ledger, for as long as that takes: it passes, and the jobs
//! continue at their providers meanwhile.

use std::time::Duration;

use tokio::time::sleep;

use crate::error::chain;
use crate::ledger::LedgerError;

/// The time between two attempts, beside the time that the ledger itself waits.
pub(super) const BUSY_INTERVAL: Duration = Duration::from_millis(500);

/// Repeats a read until no other process holds the ledger.
pub(super) async fn retry_while_busy<T>(
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

    use tokio::sync::watch;

    use super::*;
    use crate::driver::wait::{DriveMode, unless_draining};

    fn busy() -> LedgerError {
        LedgerError::Busy {
            path: "ledger".into(),
            source: rusqlite::Error::InvalidQuery,
        }
    }

    #[tokio::test]
    async fn read_of_a_busy_ledger_is_repeated_and_another_error_is_not() {
        let reads = Cell::new(0);
        let read = retry_while_busy(|| {
            reads.set(reads.get() + 1);
            if reads.get() < 2 { Err(busy()) } else { Ok(7) }
        });
        assert_eq!((read.await.expect("read"), reads.get()), (7, 2));
        let failed = retry_while_busy(|| Err::<(), _>(LedgerError::Stopped)).await;
        assert!(matches!(failed, Err(LedgerError::Stopped)));
    }

    #[tokio::test]
    async fn wait_for_the_ledger_ends_when_the_driver_drains() {
        let (sender, modes) = watch::channel(DriveMode::Normal);
        let waiting = tokio::spawn(async move {
            let read = retry_while_busy(|| Err::<(), _>(busy()));
            unless_draining(&modes, read).await
        });
        tokio::task::yield_now().await;
        sender.send_replace(DriveMode::NoNewSubmits);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        sender.send_replace(DriveMode::Draining);
        assert!(waiting.await.expect("a task").is_none());
    }
}
