//! When a driver stops working.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::sync::watch;

use crate::error::{ErrorKind, chain};
use crate::ledger::{DamagedRow, Job, Millis, Rows};

/// How often a process reads the changes of others.
pub(super) const LEDGER_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How often the deadlines of the jobs that a process waits for are compared with the time.
pub(super) const LATE_INTERVAL: Duration = Duration::from_secs(1);

/// How long after its deadline the wait for a job ends that the process which drives has not ended:
/// it polls for up to 2 s longer, and commits.
pub(super) const LATE: Millis = 5_000;

/// A deadline that is nearer is that of the row, read at another moment.
const LEAST: Millis = 1_000;

/// How a [`Driver`](super::Driver) works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveMode {
    /// Until the jobs that it waits for are settled.
    Normal,
    /// The same for jobs that were submitted. This process submits nothing: it lets another process
    /// drive that requested a queued job, and does not wait for one otherwise. Beside a process that
    /// drives, nothing is written.
    Following,
    /// As `Normal`, without new submits.
    NoNewSubmits,
    /// Only until the running submits are answered.
    Draining,
}

/// The state of a job that [`Driver::wait`](super::Driver::wait) waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// The job is done or suspended: [`Job::is_settled`].
    Settled,
    /// The provider has accepted it, or it is settled.
    Accepted,
}

impl WaitFor {
    pub(super) fn is_met(self, job: &Job) -> bool {
        job.is_settled() || self.is_reached(job)
    }

    fn is_reached(self, job: &Job) -> bool {
        self == Self::Accepted && job.ticket().is_some()
    }
}

/// The jobs that this process waits for.
pub(super) struct Waiting {
    pub(super) ids: HashSet<String>,
    pub(super) until: WaitFor,
    /// Their deadlines when the wait began, by the time in which this process ran. Another command may
    /// replace those of the rows.
    own: HashMap<String, Millis>,
}

impl Waiting {
    pub(super) fn new(ids: HashSet<String>, until: WaitFor) -> Self {
        let own = HashMap::new();
        Self { ids, until, own }
    }

    /// Notes this process's own deadline of a job.
    pub(super) fn note_deadline(&mut self, id: &str, at: Millis) {
        self.own.insert(id.to_owned(), at);
    }

    /// The time until this process's own deadline of a job; negative once it has passed. `awake`: the
    /// time in which this process ran.
    pub(super) fn left(&self, id: &str, awake: Millis) -> Option<Millis> {
        Some(self.own.get(id)?.saturating_sub(awake))
    }

    /// The ids of the jobs whose own deadline passed at least this long ago.
    pub(super) fn late(&self, by: Millis, awake: Millis) -> Vec<String> {
        let ids = self.ids.iter();
        let late = ids.filter(|id| self.left(id, awake).is_some_and(|left| left <= -by));
        late.cloned().collect()
    }

    /// The time for which this process waits on for a job whose wait was ended at the earlier deadline
    /// of another command.
    pub(super) fn left_of_ended(&self, job: &Job, awake: Millis) -> Option<Millis> {
        let kind = job.last_error.as_ref().map(|error| error.kind);
        let is_ended = job.is_settled() && !job.is_done() && kind == Some(ErrorKind::Deadline);
        self.left(&job.spec.id, awake)
            .filter(|left| is_ended && !self.until.is_reached(job) && *left > LEAST)
    }

    /// Removes the damaged ones of these rows, which no event can change; returns their ids.
    pub(super) fn leave_out(&mut self, rows: &Rows) -> Vec<String> {
        let mut left_out = Vec::with_capacity(rows.damaged.len());
        for error in &rows.damaged {
            if let Some(DamagedRow { job, .. }) = error.damaged_row() {
                tracing::error!(job, error = chain(error), "a job cannot be read");
                self.ids.remove(job);
                left_out.push(job.clone());
            }
        }
        left_out
    }
}

/// Waits for the next change of `modes`. Never returns once its sender is gone.
pub(super) async fn changed(modes: &mut watch::Receiver<DriveMode>) {
    if modes.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Completes once the mode is [`DriveMode::Draining`]. Never completes once its sender is gone.
pub(super) async fn draining(modes: &watch::Receiver<DriveMode>) {
    let mut modes = modes.clone();
    let is_draining = |mode: &DriveMode| *mode == DriveMode::Draining;
    if modes.wait_for(is_draining).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The result of `work`; `None` if the driver drains earlier. A commit that `work` waits for may
/// still happen.
pub(super) async fn unless_draining<T>(
    modes: &watch::Receiver<DriveMode>,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = draining(modes) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::JobError;
    use crate::ledger::testing::queued;

    #[test]
    fn own_deadline_decides_whatever_another_command_writes_to_the_row() {
        let mut waiting = Waiting::new(HashSet::from(["j".to_owned()]), WaitFor::Settled);
        waiting.note_deadline("j", 10_000);
        assert!(waiting.late(0, 9_999).is_empty());
        assert_eq!(waiting.late(0, 10_000), ["j"]);
        assert!(waiting.late(LATE, 14_999).is_empty());
        assert_eq!(waiting.late(LATE, 15_000), ["j"]);
        // The wait was ended at the deadline of another command.
        let mut ended = queued(0);
        ended.schedule.next_at = None;
        ended.last_error = Some(JobError::new(ErrorKind::Deadline, "the deadline passed"));
        assert_eq!(waiting.left_of_ended(&ended, 4_000), Some(6_000));
        assert_eq!(waiting.left_of_ended(&ended, 10_000), None);
        assert_eq!(waiting.left_of_ended(&queued(0), 4_000), None, "not ended");
        ended.last_error = Some(JobError::new(ErrorKind::Unauthorized, "refused"));
        assert_eq!(waiting.left_of_ended(&ended, 4_000), None);
    }
}
