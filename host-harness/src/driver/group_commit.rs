//! Commits of many jobs in one transaction: whoever waits for a commit shares the disk's
//! time with everybody who waits at that moment.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::ledger::{Change, Job, Ledger, LedgerError};

/// Most changes in one transaction.
pub(super) const MOST: usize = 1_024;

/// How long the next poll's time waits for those of other jobs, while nothing else is to be
/// committed.
const GATHERING: Duration = Duration::from_millis(2);

/// Why a change was not committed.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The row is another by now.
    Outdated,
    /// The ledger failed.
    Ledger(Arc<LedgerError>),
}

struct Request {
    change: Change,
    done: oneshot::Sender<Result<Job, WriteError>>,
}

/// Hands changes to the ledger. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer(mpsc::Sender<Request>);

impl Writer {
    /// Begins; ends with the last clone.
    pub(super) fn start(ledger: Arc<Ledger>) -> Self {
        let (sender, queue) = mpsc::channel(MOST);
        tokio::spawn(write(ledger, queue));
        Self(sender)
    }

    /// Commits a change; on the disk when this returns, and the row as it is then.
    pub(super) async fn commit(&self, change: Change) -> Result<Job, WriteError> {
        let (done, committed) = oneshot::channel();
        // A writer that is gone has dropped `done`.
        let _ = self.0.send(Request { change, done }).await;
        // Only a panic, or the runtime's end, takes the writer away.
        committed.await.unwrap_or(Err(WriteError::Outdated))
    }
}

async fn write(ledger: Arc<Ledger>, mut queue: mpsc::Receiver<Request>) {
    let mut requests = Vec::new();
    while queue.recv_many(&mut requests, MOST).await > 0 {
        gather(&mut requests, &mut queue).await;
        let (changes, waiting): (Vec<_>, Vec<_>) = requests
            .drain(..)
            .map(|request| (request.change, request.done))
            .unzip();
        let ledger = Arc::clone(&ledger);
        let committing = tokio::task::spawn_blocking(move || ledger.commit_all(&changes));
        match committing.await {
            Ok(Ok(committed)) => {
                for (done, row) in waiting.into_iter().zip(committed) {
                    // Whoever does not wait any more reads the row when it needs it.
                    let _ = done.send(row.map_err(|_| WriteError::Outdated));
                }
            }
            Ok(Err(error)) => {
                let error = Arc::new(error);
                for done in waiting {
                    let _ = done.send(Err(WriteError::Ledger(Arc::clone(&error))));
                }
            }
            Err(stopped) => tracing::error!(%stopped, "a commit was stopped"),
        }
    }
}

/// Waits for more, as long as nobody is in a hurry.
async fn gather(requests: &mut Vec<Request>, queue: &mut mpsc::Receiver<Request>) {
    let until = Instant::now() + GATHERING;
    let mut looked_at = 0;
    while requests.len() < MOST
        && requests[looked_at..]
            .iter()
            .all(|request| request.change.only_paces())
    {
        looked_at = requests.len();
        let left = MOST - looked_at;
        match timeout_at(until, queue.recv_many(requests, left)).await {
            Ok(1..) => {}
            _ => break,
        }
    }
}
