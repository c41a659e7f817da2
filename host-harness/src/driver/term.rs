//! The term of a process as the driver: its row in the ledger, from its begin to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::sleep;

use super::clock::now;
use super::this_process;
use crate::ledger::Ledger;

/// How often the process that drives writes that it is at work.
const SEEN_INTERVAL: Duration = Duration::from_secs(2);

/// How the term of a driver ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// The jobs are where they should be, or the mode ended it.
    Ended,
    /// Another process began to drive.
    Lost,
}

/// The row of this process as the driver, from the begin of its term to its end.
pub(super) struct Row {
    ledger: Arc<Ledger>,
    seen: AbortHandle,
}

impl Row {
    pub(super) fn write(ledger: &Arc<Ledger>) -> Self {
        ledger.begin_driving(this_process::new_term());
        let noted = Arc::clone(ledger);
        let seen = tokio::spawn(async move {
            loop {
                sleep(SEEN_INTERVAL).await;
                let ledger = Arc::clone(&noted);
                let noting = tokio::task::spawn_blocking(move || ledger.note_driving(now()));
                // It cannot fail, and the next one follows.
                let _ = noting.await;
            }
        });
        Self {
            ledger: Arc::clone(ledger),
            seen: seen.abort_handle(),
        }
    }

    /// Removes the row on a blocking thread.
    pub(super) async fn end(self) {
        self.seen.abort();
        let ledger = Arc::clone(&self.ledger);
        let ending = tokio::task::spawn_blocking(move || ledger.end_driving());
        // If it did not run, the row is removed here.
        let _ = ending.await;
    }
}

/// After [`end`](Row::end), nothing is left to remove.
impl Drop for Row {
    fn drop(&mut self) {
        self.seen.abort();
        self.ledger.end_driving();
    }
}
