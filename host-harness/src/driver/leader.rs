//! The loop of the process that drives.
//!
//! Due rows are read in batches into one queue for each component on each connection, so that many
//! jobs of one queue do not delay those of another. The queues take turns, and `places` gives each a
//! fair share of the concurrent work. A job is held from the moment it is read until its step is
//! committed, so no job has two steps at the same time.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError};
use tokio::time::{Instant, sleep_until};

use super::admit::{Admission, Kind, Mode, Now, admit};
use super::backoff::MAX_HINT;
use super::busy::{BUSY_INTERVAL, retry_while_busy};
use super::clock::{Behind, Time, now};
use super::connection_limits::ConnectionLimits;
use super::decide::may_submit;
use super::error::DriverError;
use super::event::Event;
use super::group_commit::BusyPolicy;
use super::holds::{Delay, Party};
use super::parked::Parked;
use super::places::{Limit, Places, queues_due_soon};
use super::queues::{BATCH, Queues, queue_id_of};
use super::running::{Running, StepResult, Task};
use super::shared::Shared;
use super::spans;
use super::steps::Opened;
use super::term::{Row, Term};
use super::wait::{
    DriveMode, LATE_INTERVAL, LEDGER_POLL_INTERVAL, Waiting, changed, draining, unless_draining,
};
use crate::error::chain;
use crate::ledger::{Job, Millis, QueueId};

/// How long a commit waits for another process before the deadlines of jobs count all the same.
const HELD: Duration = Duration::from_secs(3);

/// The least time between two reads of due rows.
const MIN_READ_INTERVAL: Duration = Duration::from_millis(5);

struct Leader<'a> {
    shared: &'a Shared,
    waiting: &'a mut Waiting,
    limits: HashMap<String, ConnectionLimits>,
    due: Queues,
    downloads: Queues,
    /// The queues with a job that is due soon, when the ledger was read.
    soon: BTreeSet<QueueId>,
    /// Ids of jobs that are queued or running, or that are skipped as long as this process
    /// drives.
    held: HashSet<String>,
    /// Of these, the jobs that wait until it is known whether the provider still refuses the account.
    parked: Parked,
    running: Running,
    opened: (
        mpsc::UnboundedSender<Opened>,
        mpsc::UnboundedReceiver<Opened>,
    ),
    read_at: Instant,
    next_read_at: Instant,
    version: i64,
    /// When the deadlines are compared with the time next.
    next_late_at: Instant,
    /// Whether a wait ended at the own deadline, before that of the row.
    is_outwaited: bool,
    behind: Behind,
    /// Whether a process that follows has found a submit of another process, to which it leaves the
    /// lock from `yield_at` on.
    has_submit_of_another: bool,
    yield_at: Instant,
}

/// Drives until the jobs of `waiting` are where they should be, or `modes` ends it. Only for
/// the process that holds the lock.
///
/// `least`: how long a process that follows drives before it leaves the lock to one that submits.
pub(super) async fn lead(
    shared: &Shared,
    waiting: &mut Waiting,
    modes: &mut watch::Receiver<DriveMode>,
    least: Duration,
) -> Result<Term, DriverError> {
    shared.steps.writer.set_draining(false);
    let row = Row::write(&shared.ledger);
    let driven = drive_jobs(shared, waiting, modes, least).await;
    row.end().await;
    driven
}

/// The same, within the row of this process as the driver.
async fn drive_jobs(
    shared: &Shared,
    waiting: &mut Waiting,
    modes: &mut watch::Receiver<DriveMode>,
    least: Duration,
) -> Result<Term, DriverError> {
    let drive_mode = *modes.borrow();
    let begun = unless_draining(modes, begin(shared, waiting, drive_mode));
    let Some(begun) = begun.await else {
        return Ok(Term::Ended);
    };
    let mut leader = begun?;
    leader.yield_at += least;
    let driven = leader.drive(modes).await;
    if matches!(driven, Err(DriverError::LedgerHeld)) {
        shared.steps.writer.set_draining(true);
    }
    let ended = leader.end(modes).await;
    driven.and_then(|term| ended.map(|()| term))
}

/// Reads the ledger for the first time.
async fn begin<'a>(
    shared: &'a Shared,
    waiting: &'a mut Waiting,
    drive_mode: DriveMode,
) -> Result<Leader<'a>, DriverError> {
    shared.steps.account_refusals.clear();
    // Only the driver submits, so these submits have no process any more.
    shared.settle_orphans(BusyPolicy::Wait).await?;
    shared.update_waiting(waiting, drive_mode).await?;
    let mut leader = Leader {
        version: retry_while_busy(|| shared.ledger.others_version()).await?,
        shared,
        waiting,
        limits: HashMap::new(),
        due: Queues::default(),
        downloads: Queues::default(),
        soon: BTreeSet::new(),
        held: HashSet::new(),
        parked: Parked::default(),
        running: Running::default(),
        opened: mpsc::unbounded_channel(),
        read_at: Instant::now(),
        next_read_at: Instant::now(),
        next_late_at: Instant::now(),
        is_outwaited: false,
        behind: Behind::default(),
        has_submit_of_another: false,
        yield_at: Instant::now(),
    };
    leader.follow_clock();
    leader.restore_delays().await?;
    Ok(leader)
}

impl Leader<'_> {
    /// Retry delays that an earlier driver received still apply, and an account that was refused is
    /// asked for with one submit.
    async fn restore_delays(&mut self) -> Result<(), DriverError> {
        let throttled = retry_while_busy(|| self.shared.ledger.throttled()).await?;
        let (now, instant) = (now(), Instant::now());
        for (queue_id, until_then) in throttled {
            let delay = Delay {
                until: instant + until(until_then.min(now + MAX_HINT), now),
                submits_only: true,
                error: None,
            };
            let is_bundled = self.is_bundled(&queue_id.component);
            let limits = self.limits_of(&queue_id.connection, instant);
            limits
                .holds
                .delay(Party::of(&queue_id.component, is_bundled), delay);
        }
        for queue_id in retry_while_busy(|| self.shared.ledger.account_refused()).await? {
            let is_bundled = self.is_bundled(&queue_id.component);
            let party = Party::of(&queue_id.component, is_bundled);
            let limits = self.limits_of(&queue_id.connection, instant);
            limits.holds.doubt_account(party);
        }
        Ok(())
    }

    async fn drive(&mut self, modes: &mut watch::Receiver<DriveMode>) -> Result<Term, DriverError> {
        loop {
            let drive_mode = *modes.borrow_and_update();
            if self.waiting.ids.is_empty() && self.is_outwaited {
                return Err(DriverError::Outwaited);
            }
            if self.waiting.ids.is_empty() || drive_mode == DriveMode::Draining {
                return Ok(Term::Ended);
            }
            if self.shared.ledger.has_lost_driving() {
                return Ok(Term::Lost);
            }
            if Instant::now() >= self.next_late_at {
                self.next_late_at = Instant::now() + LATE_INTERVAL;
                self.check_ledger()?;
                self.release_late();
                self.end_own_waits()?;
            }
            if Instant::now() >= self.next_read_at {
                match unless_draining(modes, self.read_due(drive_mode)).await {
                    Some(read) => read?,
                    None => return Ok(Term::Ended),
                }
            }
            let wake = self.spawn_ready(drive_mode).min(self.next_read_at);
            if self.has_submit_of_another && Instant::now() >= self.yield_at {
                return Ok(Term::Yielded);
            }
            tokio::select! {
                Some(finished) = self.running.tasks.join_next_with_id() => {
                    self.on_finished(finished)?;
                    // Other tasks may have finished meanwhile.
                    while let Some(finished) = self.running.tasks.try_join_next_with_id() {
                        self.on_finished(finished)?;
                    }
                }
                Some(opened) = self.opened.1.recv() => {
                    let instant = Instant::now();
                    self.limits_of(&opened.connection, instant).on_opened(opened.rate, instant);
                }
                () = sleep_until(wake) => {}
                () = changed(modes) => {}
            }
        }
    }

    /// Ends the work once the deadlines of all jobs have passed while another process holds the
    /// ledger, so that they cannot be recorded.
    fn check_ledger(&mut self) -> Result<(), DriverError> {
        let since = self.shared.steps.writer.waits_since();
        if since.is_some_and(|since| since.elapsed() >= HELD)
            && self.shared.late(self.waiting).len() == self.waiting.ids.len()
        {
            return Err(DriverError::LedgerHeld);
        }
        Ok(())
    }

    /// Ends the wait for jobs whose own deadline has passed, and whose row has that of a later command.
    fn end_own_waits(&mut self) -> Result<(), DriverError> {
        for id in self.shared.late_alone(self.waiting)? {
            self.is_outwaited |= self.waiting.ids.remove(&id);
        }
        Ok(())
    }

    /// Lets the parked jobs be read again whose deadline has passed: it ends their wait.
    fn release_late(&mut self) {
        let now = Instant::now();
        for job in self.parked.take_late(now) {
            self.held.remove(&job);
            self.next_read_at = self.next_read_at.min(now);
        }
    }

    /// Corrects the next times of rows after the clock was set back, also before this process drove: a
    /// row would not be due until the clock is there again. A clock that was ahead long ago costs one
    /// early poll of each job. If another process writes at this moment, the next read follows.
    fn follow_clock(&mut self) {
        let time = Time::of(&self.shared.ledger);
        let Some(back) = self.behind.set_back(time) else {
            return;
        };
        if let Err(error) = self.shared.ledger.follow_clock(time.now, back) {
            tracing::debug!(error = chain(&error), "the next times are not corrected");
            return;
        }
        tracing::info!(milliseconds = back, "the clock was set back");
        self.behind.follow(back);
        for limits in self.limits.values_mut() {
            limits.holds.follow_clock(back);
        }
    }

    /// Reads due rows, and rows that other processes have changed.
    async fn read_due(&mut self, drive_mode: DriveMode) -> Result<(), DriverError> {
        let ledger = &self.shared.ledger;
        let version = retry_while_busy(|| ledger.others_version()).await?;
        if std::mem::replace(&mut self.version, version) != version {
            self.shared.update_waiting(self.waiting, drive_mode).await?;
        }
        self.follow_clock();
        let (now, instant) = (now(), Instant::now());
        let mut next = instant + LEDGER_POLL_INTERVAL;
        self.due.begin_read();
        self.downloads.forget_empty();
        let pending = retry_while_busy(|| ledger.pending()).await?;
        self.soon = queues_due_soon(&pending, now);
        for (queue_id, first) in pending {
            if first > now {
                next = next.min(instant + until(first, now));
            }
            if !self.due.has_capacity(&queue_id) {
                continue;
            }
            // The rows of running jobs are still due in the ledger, so held ones are excluded.
            let due = retry_while_busy(|| ledger.due(&queue_id, now, BATCH, &self.held)).await?;
            // Damaged rows are held so that they are not read again.
            for job in self.waiting.leave_out(&due) {
                self.held.insert(job);
            }
            let due = due.jobs;
            self.held.extend(due.iter().map(|job| job.spec.id.clone()));
            self.due.extend(queue_id, due);
        }
        self.read_at = instant;
        self.next_read_at = next.max(instant + MIN_READ_INTERVAL);
        Ok(())
    }

    fn limits_of(&mut self, connection: &str, now: Instant) -> &mut ConnectionLimits {
        let new = || ConnectionLimits::new(now);
        self.limits.entry(connection.to_owned()).or_insert_with(new)
    }

    fn is_bundled(&self, component: &str) -> bool {
        self.shared.steps.packs.trusts(component)
    }

    /// Starts as many due jobs as the limits allow; returns when to call it again.
    fn spawn_ready(&mut self, drive_mode: DriveMode) -> Instant {
        let mut wake = Instant::now() + LEDGER_POLL_INTERVAL;
        let mut turns = self.due.turns();
        while let Some(queue_id) = turns.pop_front() {
            if !self.has_place(&queue_id) {
                continue;
            }
            let Some(job) = self.due.pop(&queue_id) else {
                continue;
            };
            match self.begin(job, drive_mode) {
                Ok(()) => {
                    self.due.took_turn(&queue_id);
                    turns.push_back(queue_id);
                }
                Err((job, until)) => {
                    self.due.push_front(*job);
                    wake = wake.min(until);
                }
            }
        }
        if self.due.wants_more() {
            self.next_read_at = self.next_read_at.min(self.read_at + MIN_READ_INTERVAL);
        }
        let mut turns = self.downloads.turns();
        while let Some(queue_id) = turns.pop_front() {
            if !self.has_download_place(&queue_id) {
                continue;
            }
            if let Some(job) = self.downloads.pop(&queue_id) {
                self.spawn_step(job, Kind::Download, None, false);
                self.downloads.took_turn(&queue_id);
                turns.push_back(queue_id);
            }
        }
        wake
    }

    /// Whether one more call of a queue may start.
    fn has_place(&self, queue_id: &QueueId) -> bool {
        let limit = Limit::calls(&self.shared.settings);
        let places = Places {
            running: self.running.queues(|kind| kind != Kind::Download).collect(),
            ready: self.due.ready().collect(),
            ..Places::new(limit, &self.soon)
        };
        places.allow(queue_id, |component| self.is_bundled(component))
    }

    /// Whether one more download of a queue may start.
    fn has_download_place(&self, queue_id: &QueueId) -> bool {
        let limit = Limit::downloads(&self.shared.settings);
        let places = Places {
            running: self.running.queues(|kind| kind == Kind::Download).collect(),
            ready: self.downloads.ready().collect(),
            ..Places::new(limit, &self.soon)
        };
        places.allow(queue_id, |component| self.is_bundled(component))
    }

    /// Starts a job's step, or returns the job and when to try again.
    fn begin(&mut self, job: Job, drive_mode: DriveMode) -> Result<(), (Box<Job>, Instant)> {
        let is_awaited = self.waiting.ids.contains(&job.spec.id);
        let job = self.shared.deadlines.rebased(job, is_awaited);
        let now = Now {
            time: Time::of(&self.shared.ledger),
            instant: Instant::now(),
        };
        // The requester's lock is checked only where a submit depends on it.
        let submits = may_submit(&job, now.time);
        let follows = drive_mode == DriveMode::Following;
        if submits && follows && self.is_of_another(&job) {
            // It stays held until this process no longer drives.
            self.has_submit_of_another = true;
            return Ok(());
        }
        let mode = Mode {
            drive: drive_mode,
            // A process that follows submits nothing.
            is_awaited: !submits
                || !follows
                    && (self.waiting.ids.contains(&job.spec.id)
                        || self.shared.requester.is_alive(&job.schedule.requester)),
            is_bundled: self.is_bundled(&job.spec.component),
        };
        let limits = self.limits_of(&job.spec.connection, now.instant);
        match admit(&job, limits, mode, now) {
            Admission::Run(Kind::Download) => self.downloads.push(job),
            Admission::Run(kind) => {
                let opens = count(limits, &job, kind, now.instant);
                self.spawn_step(job, kind, None, opens);
            }
            Admission::Probe(kind) => {
                let party = Party::of(&job.spec.component, mode.is_bundled);
                limits.holds.begin_probe(party, &job.spec.id);
                let opens = count(limits, &job, kind, now.instant);
                let refusals = &self.shared.steps.account_refusals;
                refusals.remove(&job.spec.connection, party);
                self.spawn_step(job, kind, None, opens);
            }
            Admission::Park => {
                let left = until(job.schedule.deadline_at, now.time.now);
                let late_at = now.instant.checked_add(left);
                self.parked.add(&job.spec.connection, &job.spec.id, late_at);
            }
            Admission::Apply(event) => self.spawn_step(job, Kind::Call, Some(*event), false),
            Admission::Retry(until) => return Err((Box::new(job), until)),
            Admission::Defer => {}
        }
        Ok(())
    }

    /// Whether another process that runs requested a job: that process submits it.
    fn is_of_another(&self, job: &Job) -> bool {
        let requester = &job.schedule.requester;
        requester != self.shared.requester.name() && self.shared.requester.is_alive(requester)
    }

    fn spawn_step(&mut self, job: Job, kind: Kind, event: Option<Event>, opens: bool) {
        let steps = Arc::clone(&self.shared.steps);
        let task = Task {
            job: job.spec.id.clone(),
            queue_id: queue_id_of(&job),
            kind,
            opens,
        };
        // The caller's trace applies to jobs that this process requested.
        let caller = self.shared.caller.clone();
        let caller = caller.filter(|_| job.schedule.requester == self.shared.requester.name());
        let span = spans::span(&job, caller.as_ref());
        let opened = self.opened.0.clone();
        let step = async move {
            match event {
                Some(event) => steps.settled(job, &event).await,
                None => steps.take(job, caller.as_ref(), &opened).await,
            }
        };
        self.running.spawn(task, span, step);
    }

    fn on_finished(
        &mut self,
        finished: Result<(Id, StepResult), JoinError>,
    ) -> Result<(), DriverError> {
        let Some((task, outcome)) = self.running.finished(finished) else {
            return Ok(());
        };
        let instant = Instant::now();
        let connection = &task.queue_id.connection;
        if task.opens
            && let Some(limits) = self.limits.get_mut(connection)
        {
            limits.on_opener_end();
        }
        // The submit of a job whose pictures are handed over now follows.
        let goes_on = task.kind == Kind::Upload
            && matches!(&outcome, Some(Ok(done)) if done.job.last_error.is_none()
                && done.job.schedule.next_at.is_some());
        let was_probe = !goes_on && self.end_probe(&task, instant);
        let Some(outcome) = outcome else {
            // The job stays held so that this process does not repeat the fault; the next
            // driver tries again.
            self.waiting.ids.remove(&task.job);
            return Ok(());
        };
        self.held.remove(&task.job);
        let done = match outcome {
            // Another process holds the ledger. The row is read again.
            Err(error) if error.is_busy() => {
                let error = chain(&*error);
                tracing::warn!(error, job = task.job, "the driver waits for the ledger");
                self.next_read_at = self.next_read_at.max(instant + BUSY_INTERVAL);
                return Ok(());
            }
            outcome => outcome?,
        };
        let party = Party::of(
            &task.queue_id.component,
            self.is_bundled(&task.queue_id.component),
        );
        let limits = self.limits_of(&task.queue_id.connection, instant);
        limits.on_step_end(party, &done, instant, now());
        if task.kind == Kind::Submit && done.job.ticket().is_some() {
            limits.holds.accept(party, was_probe);
        }
        if done.job.is_settled() {
            self.shared.deadlines.forget(&task.job);
        }
        let awake = self.shared.deadlines.awake();
        if self.waiting.left_of_ended(&done.job, awake).is_some() {
            // The next read of changed rows resumes it.
            self.version = i64::MIN;
        } else if self.waiting.until.is_met(&done.job) {
            self.waiting.ids.remove(&task.job);
        }
        if let Some(next) = done.job.schedule.next_at {
            let now = now();
            if next <= now {
                self.held.insert(task.job);
                if task.kind == Kind::Upload {
                    // The submit follows its uploads, before those of other jobs.
                    self.due.push_front(done.job);
                } else {
                    self.due.push(done.job);
                }
            } else {
                self.next_read_at = self.next_read_at.min(instant + until(next, now));
            }
        }
        Ok(())
    }

    /// Lets the parked jobs of a connection be read again if the submit that they wait for has ended;
    /// returns whether it has.
    fn end_probe(&mut self, task: &Task, now: Instant) -> bool {
        let component = &task.queue_id.component;
        let party = Party::of(component, self.is_bundled(component));
        let limits = self.limits_of(&task.queue_id.connection, now);
        if !limits.holds.end_probe(party, &task.job) {
            return false;
        }
        for job in self.parked.take(&task.queue_id.connection) {
            self.held.remove(&job);
        }
        self.next_read_at = self.next_read_at.min(now);
        true
    }

    /// Waits for running submits, and unless the driver drains for uploads that a provider may charge
    /// for. Aborts all other tasks, which can be repeated. Once the driver drains, only a paid ticket
    /// waits for the ledger.
    async fn end(&mut self, modes: &watch::Receiver<DriveMode>) -> Result<(), DriverError> {
        let mut ended = Ok(());
        let mut is_draining = false;
        while self.running.has_submits()
            || !is_draining
                && self
                    .running
                    .has_uploads(|component| !self.is_bundled(component))
        {
            let finished = tokio::select! {
                finished = self.running.tasks.join_next_with_id() => finished,
                () = draining(modes), if !is_draining => {
                    is_draining = true;
                    self.shared.steps.writer.set_draining(true);
                    continue;
                }
            };
            let Some(finished) = finished else {
                break;
            };
            ended = ended.and(self.on_finished(finished));
        }
        self.running.tasks.shutdown().await;
        ended
    }
}

/// Counts the requests of a step against the rate of its connection; returns whether the step opens
/// it.
fn count(limits: &mut ConnectionLimits, job: &Job, kind: Kind, now: Instant) -> bool {
    let opens = limits.count_request(now);
    if kind == Kind::Upload {
        let further = job.local_pictures.uploads().saturating_sub(1);
        limits.rate_limiter.count_further(further);
    }
    opens
}

fn until(time: Millis, now: Millis) -> Duration {
    Duration::from_millis((time - now).max(0).unsigned_abs())
}
