//! The loop of the process that drives.
//!
//! Due rows are read in batches into one queue for each connection, so that many jobs of one
//! provider do not delay those of another. A component that is not bundled with this program
//! has at most three quarters of the concurrent calls. A job is held from the moment it is
//! read until its step is committed, so no job has two steps at the same time.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::Instrument as _;

use super::admit::{Admission, Kind, Mode, Now, admit};
use super::clock::now;
use super::connection_queue::{BATCH, ConnectionQueue};
use super::decide::may_submit;
use super::error::DriverError;
use super::event::Event;
use super::shared::Shared;
use super::spans;
use super::steps::Done;
use super::wait::{DriveMode, LEDGER_POLL_INTERVAL, Waiting, changed};
use crate::ledger::{Job, LedgerError, Millis};

/// The least time between two reads of due rows.
const MIN_READ_INTERVAL: Duration = Duration::from_millis(5);

/// The step that a task carries out.
struct Task {
    job: String,
    connection: String,
    component: String,
    kind: Kind,
}

type StepResult = Result<Done, Arc<LedgerError>>;

struct Leader<'a> {
    shared: &'a Shared,
    waiting: &'a mut Waiting,
    queues: HashMap<String, ConnectionQueue>,
    downloads: VecDeque<Job>,
    /// Ids of jobs that are queued or running, or that are skipped as long as this process
    /// drives.
    held: HashSet<String>,
    tasks: JoinSet<StepResult>,
    running: HashMap<Id, Task>,
    read_at: Instant,
    next_read_at: Instant,
    version: i64,
}

/// Drives until the jobs of `waiting` are where they should be, or `modes` ends it. Only for
/// the process that holds the lock.
pub(super) async fn lead(
    shared: &Shared,
    waiting: &mut Waiting,
    modes: &mut watch::Receiver<DriveMode>,
) -> Result<(), DriverError> {
    // Only the driver submits, so these submits have no process any more.
    shared.settle_orphans().await?;
    let drive_mode = *modes.borrow();
    shared.update_waiting(waiting, drive_mode).await?;
    let mut leader = Leader {
        version: shared.ledger.others_version()?,
        shared,
        waiting,
        queues: HashMap::new(),
        downloads: VecDeque::new(),
        held: HashSet::new(),
        tasks: JoinSet::new(),
        running: HashMap::new(),
        read_at: Instant::now(),
        next_read_at: Instant::now(),
    };
    // Retry delays that an earlier driver received still apply.
    let (now, instant) = (now(), Instant::now());
    for (connection, until_then) in shared.ledger.throttled()? {
        let provider_delay = instant + until(until_then, now);
        leader
            .queue(connection, instant)
            .rate_limiter
            .delay_until(provider_delay, true);
    }
    let driven = leader.drive(modes).await;
    let ended = leader.end().await;
    driven.and(ended)
}

impl Leader<'_> {
    async fn drive(&mut self, modes: &mut watch::Receiver<DriveMode>) -> Result<(), DriverError> {
        loop {
            let drive_mode = *modes.borrow_and_update();
            if self.waiting.ids.is_empty() || drive_mode == DriveMode::Draining {
                return Ok(());
            }
            if Instant::now() >= self.next_read_at {
                self.read_due(drive_mode).await?;
            }
            let wake = self.spawn_ready(drive_mode).min(self.next_read_at);
            tokio::select! {
                Some(finished) = self.tasks.join_next_with_id() => {
                    self.on_finished(finished)?;
                    // Other tasks may have finished meanwhile.
                    while let Some(finished) = self.tasks.try_join_next_with_id() {
                        self.on_finished(finished)?;
                    }
                }
                () = sleep_until(wake) => {}
                () = changed(modes) => {}
            }
        }
    }

    /// Reads due rows, and rows that other processes have changed.
    async fn read_due(&mut self, drive_mode: DriveMode) -> Result<(), DriverError> {
        let version = self.shared.ledger.others_version()?;
        if std::mem::replace(&mut self.version, version) != version {
            self.shared.update_waiting(self.waiting, drive_mode).await?;
        }
        let (now, instant) = (now(), Instant::now());
        let mut next = instant + LEDGER_POLL_INTERVAL;
        for queue in self
            .queues
            .values_mut()
            .filter(|queue| queue.has_capacity())
        {
            queue.has_more = false;
        }
        for (connection, first) in self.shared.ledger.pending()? {
            if first > now {
                next = next.min(instant + until(first, now));
            }
            if !self.queue(connection.clone(), instant).has_capacity() {
                continue;
            }
            // The rows of running jobs are still due in the ledger, so held ones are excluded.
            let due = self
                .shared
                .ledger
                .due(&connection, now, BATCH, &self.held)?;
            // Damaged rows are held so that they are not read again.
            for job in self.waiting.leave_out(&due) {
                self.held.insert(job);
            }
            let due = due.jobs;
            self.held.extend(due.iter().map(|job| job.spec.id.clone()));
            let queue = self.queue(connection, instant);
            queue.has_more = due.len() == BATCH;
            queue.ready.extend(due);
        }
        self.read_at = instant;
        self.next_read_at = next.max(instant + MIN_READ_INTERVAL);
        Ok(())
    }

    fn queue(&mut self, connection: String, now: Instant) -> &mut ConnectionQueue {
        let new = || ConnectionQueue::new(now);
        self.queues.entry(connection).or_insert_with(new)
    }

    /// Starts as many due jobs as the limits allow; returns when to call it again.
    fn spawn_ready(&mut self, drive_mode: DriveMode) -> Instant {
        let mut wake = Instant::now() + LEDGER_POLL_INTERVAL;
        let settings = self.shared.settings;
        let mut queues = std::mem::take(&mut self.queues);
        for queue in queues.values_mut() {
            // Jobs of a component at its share; they keep their places in the queue.
            let mut passed_over = VecDeque::new();
            while self.count(|kind| kind != Kind::Download) < settings.calls
                && passed_over.len() < settings.calls
            {
                let Some(job) = queue.ready.pop_front() else {
                    break;
                };
                if self.is_at_share_limit(&job.spec.component) {
                    passed_over.push_back(job);
                    continue;
                }
                if let Err((job, until)) = self.begin(job, queue, drive_mode) {
                    queue.ready.push_front(*job);
                    wake = wake.min(until);
                    break;
                }
            }
            while let Some(job) = passed_over.pop_back() {
                queue.ready.push_front(job);
            }
            if queue.has_more && queue.has_capacity() {
                self.next_read_at = self.next_read_at.min(self.read_at + MIN_READ_INTERVAL);
            }
        }
        self.queues = queues;
        while self.count(|kind| kind == Kind::Download) < settings.downloads {
            let Some(job) = self.downloads.pop_front() else {
                break;
            };
            self.spawn_step(job, Kind::Download, None);
        }
        wake
    }

    /// Starts a job's step, or returns the job and when to try again.
    fn begin(
        &mut self,
        job: Job,
        queue: &mut ConnectionQueue,
        drive_mode: DriveMode,
    ) -> Result<(), (Box<Job>, Instant)> {
        let now = Now {
            time: now(),
            instant: Instant::now(),
        };
        let mode = Mode {
            drive_mode,
            // The requester's lock is checked only where a submit depends on it.
            is_awaited: !may_submit(&job, now.time)
                || self.waiting.ids.contains(&job.spec.id)
                || self.shared.requester.is_alive(&job.schedule.requester),
        };
        match admit(&job, queue, mode, now) {
            Admission::Run(Kind::Download) => self.downloads.push_back(job),
            Admission::Run(kind) => {
                queue.count_request(now.instant);
                self.spawn_step(job, kind, None);
            }
            Admission::Apply(event) => self.spawn_step(job, Kind::Call, Some(*event)),
            Admission::Retry(until) => return Err((Box::new(job), until)),
            Admission::Defer => {}
        }
        Ok(())
    }

    /// Whether a component that is not bundled with this program has three quarters of the
    /// calls. The rest stays free for other components, also when this one is slow.
    fn is_at_share_limit(&self, component: &str) -> bool {
        if self.shared.steps.packs.trusts(component) {
            return false;
        }
        let calls = self.shared.settings.calls;
        let its = self
            .running
            .values()
            .filter(|task| task.kind != Kind::Download && task.component == component);
        its.count() >= calls - calls / 4
    }

    fn count(&self, of: impl Fn(Kind) -> bool) -> usize {
        self.running.values().filter(|task| of(task.kind)).count()
    }

    fn spawn_step(&mut self, job: Job, kind: Kind, event: Option<Event>) {
        let steps = Arc::clone(&self.shared.steps);
        let task = Task {
            job: job.spec.id.clone(),
            connection: job.spec.connection.clone(),
            component: job.spec.component.clone(),
            kind,
        };
        // The caller's trace applies to jobs that this process requested.
        let caller = self.shared.caller.clone();
        let caller = caller.filter(|_| job.schedule.requester == self.shared.requester.name());
        let span = spans::span(&job, caller.as_ref());
        let step = async move {
            match event {
                Some(event) => steps.settled(job, &event).await,
                None => steps.take(job, caller.as_ref()).await,
            }
        };
        let handle = self.tasks.spawn(step.instrument(span));
        self.running.insert(handle.id(), task);
    }

    fn on_finished(
        &mut self,
        finished: Result<(Id, StepResult), JoinError>,
    ) -> Result<(), DriverError> {
        let (id, outcome) = match finished {
            Ok((id, outcome)) => (id, Some(outcome)),
            Err(error) => {
                tracing::error!(%error, "a step panicked or was aborted");
                (error.id(), None)
            }
        };
        let Some(task) = self.running.remove(&id) else {
            return Ok(());
        };
        let Some(outcome) = outcome else {
            // The job stays held so that this process does not repeat the fault; the next
            // driver tries again.
            self.waiting.ids.remove(&task.job);
            return Ok(());
        };
        let done = outcome?;
        self.held.remove(&task.job);
        let instant = Instant::now();
        if let Some(queue) = self.queues.get_mut(&task.connection) {
            queue.on_step_end(done.rate, instant);
            if done.blocked.is_some() {
                queue.blocked = done.blocked;
            }
            if let Some(provider_delay) = done.provider_delay {
                if provider_delay.submits_only {
                    queue.delay_error = provider_delay.error;
                }
                queue
                    .rate_limiter
                    .delay_until(instant + provider_delay.after, provider_delay.submits_only);
            }
        }
        if self.waiting.until.is_met(&done.job) {
            self.waiting.ids.remove(&task.job);
        }
        if let Some(next) = done.job.schedule.next_at {
            let now = now();
            match self.queues.get_mut(&task.connection) {
                Some(queue) if next <= now => {
                    self.held.insert(task.job);
                    queue.ready.push_back(done.job);
                }
                _ => self.next_read_at = self.next_read_at.min(instant + until(next, now)),
            }
        }
        Ok(())
    }

    /// Waits for running submits and aborts all other tasks, which can be repeated.
    async fn end(&mut self) -> Result<(), DriverError> {
        let mut ended = Ok(());
        while self.count(|kind| kind == Kind::Submit) > 0 {
            let Some(finished) = self.tasks.join_next_with_id().await else {
                break;
            };
            ended = ended.and(self.on_finished(finished));
        }
        self.tasks.shutdown().await;
        ended
    }
}

fn until(time: Millis, now: Millis) -> Duration {
    Duration::from_millis((time - now).max(0).unsigned_abs())
}
