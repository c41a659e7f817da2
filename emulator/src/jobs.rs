//! The state machine of the jobs: submission, start, end and the state for polls.
//!
//! It does no I/O and reads no clock: times are arguments. A job is *claimed* before its end is
//! written to the journal and *settled* after. So no poll returns an end that a crash could undo,
//! and a job that is being cancelled cannot succeed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

use crate::billing::{Billing, JobBill, Totals};
use crate::faults::KeyPolicy;
use crate::job::{Ending, Idempotency, JobId, Phase, View};
use crate::protocol::Protocol;
use crate::render_request::RenderRequest;

/// When a job was submitted, and when it may begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Timestamp,
    pub(crate) ready_at: Instant,
}

/// The outcome of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Submitted {
    /// A new job.
    New(JobId),
    /// The job of an earlier submission with the same key and body.
    Same(JobId),
    /// The key was used with another body.
    KeyReused,
    /// Too many jobs are queued.
    Full,
}

/// The outcome of a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancelling {
    /// The caller has claimed the job and settles it.
    Claimed,
    /// It is cancelled already.
    Already,
    /// It has ended, or is ending, in another way.
    TooLate,
    /// There is no such job.
    Unknown,
}

struct Job {
    render_request: Arc<RenderRequest>,
    arrival: Arrival,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    phase: Phase,
    is_claimed: bool,
    stop: watch::Sender<bool>,
    /// Its position in the order of submissions.
    number: u64,
    key: Option<String>,
    /// Number of submissions that were answered with this job.
    submits: u64,
}

/// Every job of a data directory.
#[derive(Default)]
pub(crate) struct Jobs {
    by_id: HashMap<JobId, Job>,
    /// The job of each key, with its body's digest. Each protocol has its own keys.
    by_key: HashMap<(Protocol, String), (String, JobId)>,
    queued: usize,
    keys: KeyPolicy,
    /// Number of jobs that were created, including withdrawn ones.
    made: u64,
    /// Number of submissions.
    submissions: u64,
}

impl Jobs {
    /// An empty set of jobs.
    pub(crate) fn new(keys: KeyPolicy) -> Self {
        Self {
            keys,
            ..Self::default()
        }
    }

    /// Adds the job of a submission, or finds the job that it repeats.
    pub(crate) fn submit(
        &mut self,
        render_request: &RenderRequest,
        idempotency: Option<&Idempotency>,
        max_queued: usize,
        arrival: Arrival,
    ) -> Submitted {
        self.submissions += 1;
        if self.keys == KeyPolicy::Honoured
            && let Some(Idempotency { key, body }) = idempotency
            && let Some((known, id)) = self
                .by_key
                .get(&(render_request.origin.protocol(), key.clone()))
        {
            if known != body {
                return Submitted::KeyReused;
            }
            if let Some(job) = self.by_id.get_mut(id) {
                job.submits += 1;
            }
            return Submitted::Same(*id);
        }
        if self.queued >= max_queued {
            return Submitted::Full;
        }
        let id = Uuid::new_v4();
        self.insert(id, render_request.clone(), idempotency.cloned(), arrival);
        Submitted::New(id)
    }

    /// Adds a job from the journal, in its first phase.
    pub(crate) fn restore(
        &mut self,
        id: JobId,
        render_request: RenderRequest,
        idempotency: Option<Idempotency>,
        arrival: Arrival,
    ) {
        self.submissions += 1;
        self.insert(id, render_request, idempotency, arrival);
    }

    fn insert(
        &mut self,
        id: JobId,
        render_request: RenderRequest,
        idempotency: Option<Idempotency>,
        arrival: Arrival,
    ) {
        let stop = watch::Sender::new(false);
        self.made += 1;
        let protocol = render_request.origin.protocol();
        let job = Job {
            render_request: Arc::new(render_request),
            arrival,
            started_at: None,
            finished_at: None,
            phase: Phase::Queued,
            is_claimed: false,
            stop,
            number: self.made,
            key: idempotency.as_ref().map(|given| given.key.clone()),
            submits: 1,
        };
        self.by_id.insert(id, job);
        self.queued += 1;
        if let Some(Idempotency { key, body }) = idempotency {
            // A key that was used while keys were ignored belongs to its first job.
            self.by_key.entry((protocol, key)).or_insert((body, id));
        }
    }

    /// Removes a job whose submission could not be written to the journal.
    pub(crate) fn withdraw(&mut self, id: JobId) {
        let Some(job) = self.by_id.remove(&id) else {
            return;
        };
        self.queued -= usize::from(job.phase == Phase::Queued);
        if let Some(key) = job.key {
            let key = (job.render_request.origin.protocol(), key);
            if self.by_key.get(&key).is_some_and(|(_, known)| *known == id) {
                self.by_key.remove(&key);
            }
        }
    }

    /// Whether there is such a job.
    pub(crate) fn contains(&self, id: JobId) -> bool {
        self.by_id.contains_key(&id)
    }

    /// Every job that has not ended.
    pub(crate) fn unfinished(&self) -> Vec<JobId> {
        self.by_id
            .iter()
            .filter(|(_, job)| !matches!(job.phase, Phase::Ended(_)))
            .map(|(id, _)| *id)
            .collect()
    }

    /// The request of a job, when it may begin, and its stop signal.
    pub(crate) fn assignment(
        &self,
        id: JobId,
    ) -> Option<(Arc<RenderRequest>, Instant, watch::Receiver<bool>)> {
        let job = self.by_id.get(&id)?;
        let ready_at = job.arrival.ready_at;
        Some((
            Arc::clone(&job.render_request),
            ready_at,
            job.stop.subscribe(),
        ))
    }

    /// A renderer begins a job, which leaves the queue.
    pub(crate) fn begin(&mut self, id: JobId, at: Timestamp) {
        self.progress(id, 0);
        if let Some(job) = self.by_id.get_mut(&id) {
            job.started_at = Some(at);
        }
    }

    /// This many frames of a job are done.
    pub(crate) fn progress(&mut self, id: JobId, frames: u32) {
        if let Some(job) = self.by_id.get_mut(&id)
            && !matches!(job.phase, Phase::Ended(_))
        {
            self.queued -= usize::from(job.phase == Phase::Queued);
            job.phase = Phase::Running { frames };
        }
    }

    /// Claims a job to end it; false if it is already claimed.
    pub(crate) fn claim(&mut self, id: JobId) -> bool {
        self.by_id
            .get_mut(&id)
            .is_some_and(|job| !std::mem::replace(&mut job.is_claimed, true))
    }

    /// Claims a job to cancel it.
    pub(crate) fn cancel(&mut self, id: JobId) -> Cancelling {
        match self.by_id.get(&id).map(|job| &job.phase) {
            None => Cancelling::Unknown,
            Some(Phase::Ended(Ending::Cancelled)) => Cancelling::Already,
            Some(_) => {
                if self.claim(id) {
                    Cancelling::Claimed
                } else {
                    Cancelling::TooLate
                }
            }
        }
    }

    /// Ends a claimed job and stops its rendering.
    pub(crate) fn settle(&mut self, id: JobId, ending: Ending, at: Timestamp) {
        if let Some(job) = self.by_id.get_mut(&id) {
            self.queued -= usize::from(job.phase == Phase::Queued);
            job.phase = Phase::Ended(ending);
            job.finished_at = Some(at);
            job.is_claimed = true;
            job.stop.send_replace(true);
        }
    }

    /// Stops all renderings without ending the jobs: a later process renders them.
    pub(crate) fn stop(&self) {
        for job in self.by_id.values() {
            job.stop.send_replace(true);
        }
    }

    /// The state of a job at this time.
    pub(crate) fn view(&self, id: JobId, now: Instant) -> Option<View> {
        let job = self.by_id.get(&id)?;
        Some(View {
            render_request: Arc::clone(&job.render_request),
            phase: job.phase.clone(),
            wait: job.arrival.ready_at.saturating_duration_since(now),
            created_at: job.arrival.at,
            started_at: job.started_at,
            finished_at: job.finished_at,
        })
    }

    /// The billing report, without the count of polls.
    pub(crate) fn billing(&self) -> Billing {
        let mut numbered: Vec<_> = self.by_id.iter().collect();
        numbered.sort_unstable_by_key(|(_, job)| job.number);
        let jobs: Vec<_> = numbered
            .into_iter()
            .map(|(id, job)| JobBill {
                id: *id,
                key: job.key.clone(),
                status: job.phase.status().to_owned(),
                charged: matches!(job.phase, Phase::Ended(Ending::Succeeded { .. })),
                submits: job.submits,
            })
            .collect();
        let totals = Totals {
            created: jobs.len() as u64,
            charged: jobs.iter().filter(|job| job.charged).count() as u64,
            submissions: self.submissions,
            replayed: jobs.iter().map(|job| job.submits - 1).sum(),
        };
        Billing {
            jobs,
            totals,
            most_polls_at_once_for_one_job: 0,
        }
    }
}

#[cfg(test)]
mod billing_tests;
#[cfg(test)]
mod tests;
