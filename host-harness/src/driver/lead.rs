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

use super::budget::{Budget, DEFAULT_RATE};
use super::clock::now;
use super::decide::decide;
use super::error::DriverError;
use super::event::{Action, Event};
use super::process::Driver;
use super::steps::Done;
use super::telling;
use super::wait::{GLANCE, Waiting, Work};
use crate::ledger::{Job, LedgerError, Millis, Trouble};

/// Due rows of a connection that are read at once.
const BATCH: usize = 512;

/// The ledger is not looked into more often than this.
const BREATH: Duration = Duration::from_millis(5);

/// A connection's due jobs.
struct Lane {
    ready: VecDeque<Job>,
    /// Whether there were more of them than were read.
    has_more: bool,
    budget: Budget,
    pace: Pace,
    /// Why nothing more is submitted over it.
    blocked: Option<Trouble>,
}

impl Lane {
    /// Whether more of its due rows are to be read.
    fn has_room(&self) -> bool {
        self.ready.len() < BATCH / 2
    }
}

/// What is known of how often a connection may be asked. It says so when it is opened,
/// which the first job over it does.
#[derive(Clone, Copy, PartialEq)]
enum Pace {
    Unknown,
    Asked,
    Known(f64),
}

/// What a task is busy with.
struct Flight {
    job: String,
    connection: String,
    component: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Must come to its end: its answer may be a ticket.
    Submit,
    Call,
    Download,
}

type Landed = Result<Done, Arc<LedgerError>>;

struct Lead<'a> {
    driver: &'a Driver,
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

impl Driver {
    /// Drives until all of `waiting` are settled or `work` says otherwise.
    pub(super) async fn lead(
        &self,
        waiting: &mut Waiting,
        work: &mut watch::Receiver<Work>,
    ) -> Result<(), DriverError> {
        // Only the driver submits, and that is this process from now on.
        for orphan in self.ledger.submitting()? {
            self.steps.settle(orphan, &Event::Orphaned).await?;
        }
        let extent = *work.borrow();
        self.look_at(waiting, extent).await?;
        let mut lead = Lead {
            version: self.ledger.others_version()?,
            driver: self,
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
        for (connection, until_then) in self.ledger.resting()? {
            let rest = instant + until(until_then, now);
            lead.lane(connection, instant).budget.rest(rest, true);
        }
        let driven = lead.drive(work).await;
        let ended = lead.end().await;
        driven.and(ended)
    }
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
        let version = self.driver.ledger.others_version()?;
        if std::mem::replace(&mut self.version, version) != version {
            self.driver.look_at(self.waiting, extent).await?;
        }
        let (now, instant) = (now(), Instant::now());
        let mut next = instant + GLANCE;
        for lane in self.lanes.values_mut().filter(|lane| lane.has_room()) {
            lane.has_more = false;
        }
        for (connection, first) in self.driver.ledger.pending()? {
            if first > now {
                next = next.min(instant + until(first, now));
            }
            if !self.lane(connection.clone(), instant).has_room() {
                continue;
            }
            // Those in flight are still due as far as the ledger knows.
            let due = self
                .driver
                .ledger
                .due(&connection, now, BATCH, &self.held)?;
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
        self.lanes.entry(connection).or_insert_with(|| Lane {
            ready: VecDeque::new(),
            has_more: false,
            budget: Budget::new(DEFAULT_RATE, now),
            pace: Pace::Unknown,
            blocked: None,
        })
    }

    /// Begins what there is room for; when there will be more.
    fn launch(&mut self, extent: Work) -> Instant {
        let mut wake = Instant::now() + GLANCE;
        let settings = self.driver.settings;
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
        let instant = Instant::now();
        let (_, action) = decide(&job, Event::Due, now());
        let kind = match action {
            Action::Download => {
                self.downloads.push_back(job);
                return Ok(());
            }
            Action::Submit if extent == Work::WithoutSubmits => return Ok(()),
            Action::Submit
                if !self.waiting.ids.contains(&job.spec.id)
                    && !self.driver.asker.is_there(&job.schedule.asker) =>
            {
                let asker = job.schedule.asker.clone();
                self.fly(job, Kind::Call, Some(Event::Abandoned { asker }));
                return Ok(());
            }
            Action::Submit if let Some(trouble) = lane.blocked.clone() => {
                self.fly(job, Kind::Call, Some(Event::Unreachable { trouble }));
                return Ok(());
            }
            Action::Submit if lane.budget.submits_at() > instant => {
                let rest = lane.budget.submits_at() - instant;
                let until = now() + Millis::try_from(rest.as_millis()).unwrap_or(0);
                self.fly(job, Kind::Call, Some(Event::Held { until }));
                return Ok(());
            }
            Action::Submit => Kind::Submit,
            _ => Kind::Call,
        };
        let sends = matches!(action, Action::Submit | Action::Poll | Action::Cancel);
        if sends && lane.pace == Pace::Asked {
            return Err((Box::new(job), instant + GLANCE));
        }
        if sends && !lane.budget.take(instant) {
            return Err((Box::new(job), lane.budget.free_at()));
        }
        if sends && lane.pace == Pace::Unknown {
            lane.pace = Pace::Asked;
        }
        self.fly(job, kind, None);
        Ok(())
    }

    /// Whether a component that did not come with this program has as many calls as one
    /// may: one that is slow on purpose leaves room for others.
    fn has_its_share(&self, component: &str) -> bool {
        if self.driver.steps.packs.trusts(component) {
            return false;
        }
        let calls = self.driver.settings.calls;
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
        let steps = Arc::clone(&self.driver.steps);
        let flight = Flight {
            job: job.spec.id.clone(),
            connection: job.spec.connection.clone(),
            component: job.spec.component.clone(),
            kind,
        };
        // The caller's trace is that of the jobs which this process asks for.
        let caller = self.driver.caller.clone();
        let caller = caller.filter(|_| job.schedule.asker == self.driver.asker());
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
            if let Some(rate) = done.rate
                && lane.pace != Pace::Known(rate)
            {
                lane.pace = Pace::Known(rate);
                lane.budget.set_rate(rate, instant);
            } else if lane.pace == Pace::Asked {
                lane.pace = Pace::Unknown;
            }
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

/// The next change; never, when nobody can make one any more.
async fn changed(work: &mut watch::Receiver<Work>) {
    if work.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
