//! Group commit: the changes of many jobs that wait at the same moment are committed in one
//! transaction, with one sync of the disk.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    pending: Pending,
}

/// The step or command that waits for its change to be committed.
struct Pending {
    if_busy: BusyPolicy,
    done: oneshot::Sender<Result<Job, WriteError>>,
}

impl Pending {
    fn answer(self, committed: Result<Job, WriteError>) {
        // The receiver is dropped if the step was aborted; the row is committed.
        let _ = self.done.send(committed);
    }
}

/// What a change does while another process holds the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BusyPolicy {
    /// Waits until it does not: for a ticket that was paid for, and for callers that stop their
    /// wait themselves.
    Wait,
    /// The same, and fails once the driver drains: for the other steps of the driver.
    WaitUnlessDraining,
    /// Fails after the ledger's own wait: for commands, and for changes that must be shown
    /// elsewhere then.
    Fail,
}

type Committed = Result<Vec<Result<Job, LedgerError>>, LedgerError>;

/// Hands changes to the ledger. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer {
    requests: mpsc::Sender<Request>,
    /// Whether the driver ends as soon as the running submits are answered.
    is_draining: Arc<AtomicBool>,
    /// Since when a commit runs.
    committing: Arc<Mutex<Option<Instant>>>,
}

impl Writer {
    /// Starts the task that commits; it ends with the last clone.
    pub(super) fn start(ledger: Arc<Ledger>) -> Self {
        Self::with(move |changes| ledger.commit_all(changes))
    }

    /// The same with any function that commits.
    fn with(commit: impl Fn(&[Change]) -> Committed + Send + Sync + 'static) -> Self {
        let (sender, queue) = mpsc::channel(MAX_COMMITS);
        let is_draining = Arc::new(AtomicBool::new(false));
        let committing = Arc::new(Mutex::new(None));
        tokio::spawn(write(
            Arc::new(commit),
            queue,
            Arc::clone(&is_draining),
            Arc::clone(&committing),
        ));
        Self {
            requests: sender,
            is_draining,
            committing,
        }
    }

    /// Sets whether the driver drains; see [`BusyPolicy::WaitUnlessDraining`].
    pub(super) fn set_draining(&self, is_draining: bool) {
        self.is_draining.store(is_draining, Ordering::Relaxed);
    }

    /// Whether the driver drains.
    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    /// Since when a commit waits for the disk, or for another process.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        *since_of(&self.committing)
    }

    /// Commits a change, synced as [`Ledger::commit_all`] says; returns the new row. While another
    /// process holds the ledger, it waits, unless the driver drains.
    pub(super) async fn commit(&self, change: Change) -> Result<Job, WriteError> {
        self.commit_with(change, BusyPolicy::WaitUnlessDraining)
            .await
    }

    /// The same with this policy.
    pub(super) async fn commit_with(
        &self,
        change: Change,
        if_busy: BusyPolicy,
    ) -> Result<Job, WriteError> {
        let (done, committed) = oneshot::channel();
        let request = Request {
            change,
            pending: Pending { if_busy, done },
        };
        // If the task has ended, `done` is dropped, and the next line returns.
        let _ = self.requests.send(request).await;
        // The task ends early only with the runtime.
        let stopped = || WriteError::Ledger(Arc::new(LedgerError::Stopped));
        committed.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn since_of(committing: &Mutex<Option<Instant>>) -> MutexGuard<'_, Option<Instant>> {
    committing.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn write(
    commit: Arc<impl Fn(&[Change]) -> Committed + Send + Sync + 'static>,
    mut queue: mpsc::Receiver<Request>,
    is_draining: Arc<AtomicBool>,
    committing: Arc<Mutex<Option<Instant>>>,
) {
    let mut requests = Vec::new();
    while queue.recv_many(&mut requests, MAX_COMMITS).await > 0 {
        gather(&mut requests, &mut queue).await;
        *since_of(&committing) = Some(Instant::now());
        requests = commit_once(&commit, &is_draining, std::mem::take(&mut requests)).await;
        while !requests.is_empty() {
            // Some wait for another process; a command does not wait behind them.
            while requests.len() < MAX_COMMITS
                && let Ok(next) = queue.try_recv()
            {
                requests.push(next);
            }
            requests = commit_once(&commit, &is_draining, std::mem::take(&mut requests)).await;
        }
        *since_of(&committing) = None;
    }
}

/// Commits these changes together and answers them; returns those that wait for another process.
async fn commit_once(
    commit: &Arc<impl Fn(&[Change]) -> Committed + Send + Sync + 'static>,
    is_draining: &AtomicBool,
    requests: Vec<Request>,
) -> Vec<Request> {
    let (changes, pending): (Vec<_>, Vec<_>) = requests
        .into_iter()
        .map(|request| (request.change, request.pending))
        .unzip();
    let commit = Arc::clone(commit);
    let committing = tokio::task::spawn_blocking(move || (commit(&changes), changes));
    let (error, changes) = match committing.await {
        Ok((Ok(committed), _)) => {
            for (pending, row) in pending.into_iter().zip(committed) {
                pending.answer(row.map_err(|_| WriteError::Outdated));
            }
            return Vec::new();
        }
        Ok((Err(error), changes)) => (Arc::new(error), changes),
        // The transaction was rolled back, or its commit was complete.
        Err(stopped) => {
            tracing::error!(%stopped, "a commit was stopped");
            let error = Arc::new(LedgerError::Stopped);
            for pending in pending {
                pending.answer(Err(WriteError::Ledger(Arc::clone(&error))));
            }
            return Vec::new();
        }
    };
    let mut waiting = Vec::new();
    for (change, pending) in changes.into_iter().zip(pending) {
        let waits = match pending.if_busy {
            BusyPolicy::Wait => true,
            BusyPolicy::WaitUnlessDraining => !is_draining.load(Ordering::Relaxed),
            BusyPolicy::Fail => false,
        };
        if error.is_busy() && waits {
            waiting.push(Request { change, pending });
        } else {
            pending.answer(Err(WriteError::Ledger(Arc::clone(&error))));
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
