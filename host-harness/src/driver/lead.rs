//! The loop of the one process that drives.
//!
//! Due rows are read in batches, a lane for each connection, so that one provider's
//! crowd does not keep another's jobs waiting, and a component that did not come with
//! this program never has all of the calls. A job is held from the moment it is read
//! until what came of it is committed: nothing is done twice at the same time.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::Instrument as _;

use super::admit::{Admission, Kind, Mode, Now, admit};
use super::clock::now;
use super::decide::may_submit;
use super::error::DriverError;
use super::event::Event;
use super::lane::{BATCH, Lane};
use super::shared::Shared;
use super::steps::Done;
use super::telling;
use super::wait::{GLANCE, Waiting, Work, changed};
use crate::ledger::{Job, LedgerError, Millis};

/// The ledger is not looked into more often than this.
const BREATH: Duration = Duration::from_millis(5);

/// What a task is busy with.
struct Flight {
    job: String,
    connection: String,
    component: String,
    kind: Kind,
}

type Landed = Result<Done, Arc<LedgerError>>;

struct Lead<'a> {
    shared: &'a Shared,
    waiting: &'a mut Waiting,
    lanes: HashMap<String, Lane>,
    downloads: VecDeque<Job>,
    /// The jobs that are ready, in flight, or not to be touched.
    held: HashSet<String>,
    flights: JoinSet<Landed>,
    flying: HashMap<Id, Flight>,
    looked_at: Instant,
    look_at: Instant,
    version: i64,
}

/// Drives until all of `waiting` are settled or `work` says otherwise. Only for the process
/// that holds the lock.
pub(super) async fn lead(
    shared: &Shared,
    waiting: &mut Waiting,
    work: &mut watch::Receiver<Work>,
) -> Result<(), DriverError> {
    // Only the driver submits, and that is this process from now on.
    shared.settle_orphans().await?;
    let extent = *work.borrow();
    shared.look_at(waiting, extent).await?;
    let mut lead = Lead {
        version: shared.ledger.others_version()?,
        shared,
        waiting,
        lanes: HashMap::new(),
        downloads: VecDeque::new(),
        held: HashSet::new(),
        flights: JoinSet::new(),
        flying: HashMap::new(),
        looked_at: Instant::now(),
        look_at: Instant::now(),
    };
    // What a provider has said to an earlier driver holds for this one.
    let (now, instant) = (now(), Instant::now());
    for (connection, until_then) in shared.ledger.resting()? {
        let rest = instant + until(until_then, now);
        lead.lane(connection, instant).budget.rest(rest, true);
    }
    let driven = lead.drive(work).await;
    let ended = lead.end().await;
    driven.and(ended)
}

impl Lead<'_> {
    async fn drive(&mut self, work: &mut watch::Receiver<Work>) -> Result<(), DriverError> {
        loop {
            let extent = *work.borrow_and_update();
            if self.waiting.ids.is_empty() || extent == Work::Ending {
                return Ok(());
            }
            if Instant::now() >= self.look_at {
                self.look(extent).await?;
            }
            let wake = self.launch(extent).min(self.look_at);
            tokio::select! {
                Some(landed) = self.flights.join_next_with_id() => {
                    self.land(landed)?;
                    // Whatever else has landed meanwhile.
                    while let Some(landed) = self.flights.try_join_next_with_id() {
                        self.land(landed)?;
                    }
                }
                () = sleep_until(wake) => {}
                () = changed(work) => {}
            }
        }
    }

    /// Reads due rows, and what other processes have written.
    async fn look(&mut self, extent: Work) -> Result<(), DriverError> {
        let version = self.shared.ledger.others_version()?;
        if std::mem::replace(&mut self.version, version) != version {
            self.shared.look_at(self.waiting, extent).await?;
        }
        let (now, instant) = (now(), Instant::now());
        let mut next = instant + GLANCE;
        for lane in self.lanes.values_mut().filter(|lane| lane.has_room()) {
            lane.has_more = false;
        }
        for (connection, first) in self.shared.ledger.pending()? {
            if first > now {
                next = next.min(instant + until(first, now));
            }
            if !self.lane(connection.clone(), instant).has_room() {
                continue;
            }
            // Those in flight are still due as far as the ledger knows.
            let due = self
                .shared
                .ledger
                .due(&connection, now, BATCH, &self.held)?;
            // Held, so that they are not read again.
            for job in self.waiting.leave_out(&due) {
                self.held.insert(job);
            }
            let due = due.jobs;
            self.held.extend(due.iter().map(|job| job.spec.id.clone()));
            let lane = self.lane(connection, instant);
            lane.has_more = due.len() == BATCH;
            lane.ready.extend(due);
        }
        self.looked_at = instant;
        self.look_at = next.max(instant + BREATH);
        Ok(())
    }

    fn lane(&mut self, connection: String, now: Instant) -> &mut Lane {
        let new = || Lane::new(now);
        self.lanes.entry(connection).or_insert_with(new)
    }

    /// Begins what there is room for; when there will be more.
    fn launch(&mut self, extent: Work) -> Instant {
        let mut wake = Instant::now() + GLANCE;
        let settings = self.shared.settings;
        let mut lanes = std::mem::take(&mut self.lanes);
        for lane in lanes.values_mut() {
            // They keep their places in the line.
            let mut passed_over = VecDeque::new();
            while self.count(|kind| kind != Kind::Download) < settings.calls
                && passed_over.len() < settings.calls
            {
                let Some(job) = lane.ready.pop_front() else {
                    break;
                };
                if self.has_its_share(&job.spec.component) {
                    passed_over.push_back(job);
                    continue;
                }
                if let Err((job, until)) = self.begin(job, lane, extent) {
                    lane.ready.push_front(*job);
                    wake = wake.min(until);
                    break;
                }
            }
            while let Some(job) = passed_over.pop_back() {
                lane.ready.push_front(job);
            }
            if lane.has_more && lane.has_room() {
                self.look_at = self.look_at.min(self.looked_at + BREATH);
            }
        }
        self.lanes = lanes;
        while self.count(|kind| kind == Kind::Download) < settings.downloads {
            let Some(job) = self.downloads.pop_front() else {
                break;
            };
            self.fly(job, Kind::Download, None);
        }
        wake
    }

    /// Begins what is to be done for a job, or says when there is room for it.
    fn begin(
        &mut self,
        job: Job,
        lane: &mut Lane,
        extent: Work,
    ) -> Result<(), (Box<Job>, Instant)> {
        let now = Now {
            time: now(),
            instant: Instant::now(),
        };
        let mode = Mode {
            extent,
            // The requester's lock is looked at only where a submit depends on it.
            is_awaited: !may_submit(&job, now.time)
                || self.waiting.ids.contains(&job.spec.id)
                || self.shared.asker.is_there(&job.schedule.asker),
        };
        match admit(&job, lane, mode, now) {
            Admission::Run(Kind::Download) => self.downloads.push_back(job),
            Admission::Run(kind) => {
                lane.count_request(now.instant);
                self.fly(job, kind, None);
            }
            Admission::Apply(event) => self.fly(job, Kind::Call, Some(*event)),
            Admission::Retry(until) => return Err((Box::new(job), until)),
            Admission::Defer => {}
        }
        Ok(())
    }

    /// Whether a component that did not come with this program has as many calls as one
    /// may: one that is slow on purpose leaves room for others.
    fn has_its_share(&self, component: &str) -> bool {
        if self.shared.steps.packs.trusts(component) {
            return false;
        }
        let calls = self.shared.settings.calls;
        let its = self
            .flying
            .values()
            .filter(|flight| flight.kind != Kind::Download && flight.component == component);
        its.count() >= calls - calls / 4
    }

    fn count(&self, of: impl Fn(Kind) -> bool) -> usize {
        self.flying
            .values()
            .filter(|flight| of(flight.kind))
            .count()
    }

    fn fly(&mut self, job: Job, kind: Kind, event: Option<Event>) {
        let steps = Arc::clone(&self.shared.steps);
        let flight = Flight {
            job: job.spec.id.clone(),
            connection: job.spec.connection.clone(),
            component: job.spec.component.clone(),
            kind,
        };
        // The caller's trace is that of the jobs which this process asks for.
        let caller = self.shared.caller.clone();
        let caller = caller.filter(|_| job.schedule.asker == self.shared.asker.name());
        let span = telling::span(&job, caller.as_ref());
        let flown = async move {
            match event {
                Some(event) => steps.settled(job, &event).await,
                None => steps.take(job, caller.as_ref()).await,
            }
        };
        let task = self.flights.spawn(flown.instrument(span));
        self.flying.insert(task.id(), flight);
    }

    fn land(&mut self, landed: Result<(Id, Landed), JoinError>) -> Result<(), DriverError> {
        let (id, outcome) = match landed {
            Ok((id, outcome)) => (id, Some(outcome)),
            Err(error) => {
                tracing::error!(%error, "a step ended in a fault of this program");
                (error.id(), None)
            }
        };
        let Some(flight) = self.flying.remove(&id) else {
            return Ok(());
        };
        let Some(outcome) = outcome else {
            // Held on, so that it is not tried again and again; the next driver may.
            self.waiting.ids.remove(&flight.job);
            return Ok(());
        };
        let done = outcome?;
        self.held.remove(&flight.job);
        let instant = Instant::now();
        if let Some(lane) = self.lanes.get_mut(&flight.connection) {
            lane.learn(done.rate, instant);
            if done.blocked.is_some() {
                lane.blocked = done.blocked;
            }
            if let Some(rest) = done.rest {
                lane.budget.rest(instant + rest.after, rest.submits_only);
            }
        }
        if self.waiting.until.is_met(&done.job) {
            self.waiting.ids.remove(&flight.job);
        }
        if let Some(next) = done.job.schedule.next_at {
            let now = now();
            match self.lanes.get_mut(&flight.connection) {
                Some(lane) if next <= now => {
                    self.held.insert(flight.job);
                    lane.ready.push_back(done.job);
                }
                _ => self.look_at = self.look_at.min(instant + until(next, now)),
            }
        }
        Ok(())
    }

    /// Lets submits come to their end; whatever else is in flight can be done again.
    async fn end(&mut self) -> Result<(), DriverError> {
        let mut ended = Ok(());
        while self.count(|kind| kind == Kind::Submit) > 0 {
            let Some(landed) = self.flights.join_next_with_id().await else {
                break;
            };
            ended = ended.and(self.land(landed));
        }
        self.flights.shutdown().await;
        ended
    }
}

fn until(time: Millis, now: Millis) -> Duration {
    Duration::from_millis((time - now).max(0).unsigned_abs())
}
