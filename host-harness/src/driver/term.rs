//! The term of a process as the driver: its row in the ledger, from its begin to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

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
    /// This process follows, and another one has a job to submit.
    Yielded,
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

/// The turns of a process that follows, between those of processes that submit.
pub(super) struct Turns {
    /// When this process may take the lock again.
    own_at: Instant,
    /// Whether the turn that it left was not taken.
    is_untaken: bool,
}

/// How long a turn is left to another process, which looks for the lock ten times a second. If none
/// takes it, for example because the other one is stopped, this process drives for as long.
const TURN: Duration = Duration::from_secs(2);

impl Turns {
    pub(super) fn begin() -> Self {
        Self {
            own_at: Instant::now(),
            is_untaken: false,
        }
    }

    /// Whether this process may take the lock.
    pub(super) fn is_own(&self) -> bool {
        Instant::now() >= self.own_at
    }

    /// How long this process drives before it leaves the lock to a process that submits.
    pub(super) fn least(&self) -> Duration {
        if self.is_untaken {
            TURN
        } else {
            Duration::ZERO
        }
    }

    /// Leaves a turn to another process.
    pub(super) fn leave(&mut self) {
        self.own_at = Instant::now() + TURN;
        self.is_untaken = true;
    }

    /// Notes whether another process drives.
    pub(super) fn look(&mut self, is_driven: bool) {
        self.is_untaken &= !is_driven;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turn_that_was_left_and_not_taken_is_followed_by_one_of_some_length() {
        let mut turns = Turns::begin();
        assert!(turns.is_own());
        assert_eq!(turns.least(), Duration::ZERO);
        turns.leave();
        assert!(!turns.is_own());
        turns.look(false);
        assert_eq!(turns.least(), TURN, "no process drove");
        turns.look(true);
        assert_eq!(turns.least(), Duration::ZERO, "another one drove");
    }
}
