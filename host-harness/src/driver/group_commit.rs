//! Group commit: the changes of many jobs that wait at the same moment are committed in one
//! transaction, with one sync of the disk.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::ledger::{Change, Job, Ledger, LedgerError};

/// The most changes in one transaction.
pub(super) const MAX_COMMITS: usize = 1_024;

/// How long changes that only set the next poll's time wait for more of them.
const GATHERING: Duration = Duration::from_millis(2);

/// Why a change was not committed.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The row has changed since.
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
    /// Starts the task that commits; it ends with the last clone.
    pub(super) fn start(ledger: Arc<Ledger>) -> Self {
        let (sender, queue) = mpsc::channel(MAX_COMMITS);
        tokio::spawn(write(ledger, queue));
        Self(sender)
    }

    /// Commits a change, synced as [`Ledger::commit_all`] says; returns the new row.
    pub(super) async fn commit(&self, change: Change) -> Result<Job, WriteError> {
        let (done, committed) = oneshot::channel();
        // If the task has ended, `done` is dropped, and the next line returns.
        let _ = self.0.send(Request { change, done }).await;
        // The task ends early only by a panic or with the runtime.
        committed.await.unwrap_or(Err(WriteError::Outdated))
    }
}

async fn write(ledger: Arc<Ledger>, mut queue: mpsc::Receiver<Request>) {
    let mut requests = Vec::new();
    while queue.recv_many(&mut requests, MAX_COMMITS).await > 0 {
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
                    // The receiver is dropped if the step was aborted; the row is committed.
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

/// Waits for more requests, as long as all of them only set the next poll's time.
async fn gather(requests: &mut Vec<Request>, queue: &mut mpsc::Receiver<Request>) {
    let until = Instant::now() + GATHERING;
    let mut checked = 0;
    while requests.len() < MAX_COMMITS
        && requests[checked..]
            .iter()
            .all(|request| request.change.only_reschedules())
    {
        checked = requests.len();
        let left = MAX_COMMITS - checked;
        match timeout_at(until, queue.recv_many(requests, left)).await {
            Ok(1..) => {}
            _ => break,
        }
    }
}
