//! Group commit: the changes of many jobs that wait at the same moment are committed in one
//! transaction, with one sync of the disk.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};

use super::busy::BUSY_INTERVAL;
use crate::error::chain;
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
    asker: Asker,
}

/// The step or command that asked for a change.
struct Asker {
    patience: Patience,
    done: oneshot::Sender<Result<Job, WriteError>>,
}

impl Asker {
    fn answer(self, committed: Result<Job, WriteError>) {
        // The receiver is dropped if the step was aborted; the row is committed.
        let _ = self.done.send(committed);
    }
}

/// What a change does while another process holds the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Waits until it does not: for the steps of the driver.
    Unlimited,
    /// Fails after the ledger's own wait: for commands, and for changes that must be shown
    /// elsewhere then.
    Limited,
}

type Committed = Result<Vec<Result<Job, LedgerError>>, LedgerError>;

/// Hands changes to the ledger. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer(mpsc::Sender<Request>);

impl Writer {
    /// Starts the task that commits; it ends with the last clone.
    pub(super) fn start(ledger: Arc<Ledger>) -> Self {
        Self::with(move |changes| ledger.commit_all(changes))
    }

    /// The same with any function that commits.
    fn with(commit: impl Fn(&[Change]) -> Committed + Send + Sync + 'static) -> Self {
        let (sender, queue) = mpsc::channel(MAX_COMMITS);
        tokio::spawn(write(Arc::new(commit), queue));
        Self(sender)
    }

    /// Commits a change, synced as [`Ledger::commit_all`] says; returns the new row. While another
    /// process holds the ledger, it waits.
    pub(super) async fn commit(&self, change: Change) -> Result<Job, WriteError> {
        self.commit_with(change, Patience::Unlimited).await
    }

    /// The same with this patience.
    pub(super) async fn commit_with(
        &self,
        change: Change,
        patience: Patience,
    ) -> Result<Job, WriteError> {
        let (done, committed) = oneshot::channel();
        let request = Request {
            change,
            asker: Asker { patience, done },
        };
        // If the task has ended, `done` is dropped, and the next line returns.
        let _ = self.0.send(request).await;
        // The task ends early only with the runtime.
        let stopped = || WriteError::Ledger(Arc::new(LedgerError::Stopped));
        committed.await.unwrap_or_else(|_| Err(stopped()))
    }
}

async fn write(
    commit: Arc<impl Fn(&[Change]) -> Committed + Send + Sync + 'static>,
    mut queue: mpsc::Receiver<Request>,
) {
    let mut requests = Vec::new();
    while queue.recv_many(&mut requests, MAX_COMMITS).await > 0 {
        gather(&mut requests, &mut queue).await;
        requests = commit_once(&commit, std::mem::take(&mut requests)).await;
        while !requests.is_empty() {
            // Some wait for another process; a command does not wait behind them.
            while requests.len() < MAX_COMMITS
                && let Ok(next) = queue.try_recv()
            {
                requests.push(next);
            }
            requests = commit_once(&commit, std::mem::take(&mut requests)).await;
        }
    }
}

/// Commits these changes together and answers them; returns those that wait for another process.
async fn commit_once(
    commit: &Arc<impl Fn(&[Change]) -> Committed + Send + Sync + 'static>,
    requests: Vec<Request>,
) -> Vec<Request> {
    let (changes, askers): (Vec<_>, Vec<_>) = requests
        .into_iter()
        .map(|request| (request.change, request.asker))
        .unzip();
    let commit = Arc::clone(commit);
    let committing = tokio::task::spawn_blocking(move || (commit(&changes), changes));
    let (error, changes) = match committing.await {
        Ok((Ok(committed), _)) => {
            for (asker, row) in askers.into_iter().zip(committed) {
                asker.answer(row.map_err(|_| WriteError::Outdated));
            }
            return Vec::new();
        }
        Ok((Err(error), changes)) => (Arc::new(error), changes),
        // The transaction was rolled back, or its commit was complete.
        Err(stopped) => {
            tracing::error!(%stopped, "a commit was stopped");
            let error = Arc::new(LedgerError::Stopped);
            for asker in askers {
                asker.answer(Err(WriteError::Ledger(Arc::clone(&error))));
            }
            return Vec::new();
        }
    };
    let mut waiting = Vec::new();
    for (change, asker) in changes.into_iter().zip(askers) {
        if error.is_busy() && asker.patience == Patience::Unlimited {
            waiting.push(Request { change, asker });
        } else {
            asker.answer(Err(WriteError::Ledger(Arc::clone(&error))));
        }
    }
    if !waiting.is_empty() {
        let error = chain(&*error);
        tracing::warn!(
            error,
            changes = waiting.len(),
            "the driver waits for the ledger"
        );
        sleep(BUSY_INTERVAL).await;
    }
    waiting
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

#[cfg(test)]
mod tests;
