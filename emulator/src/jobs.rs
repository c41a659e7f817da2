//! The jobs as a state machine: what is submitted, begun, ended, and what a poll sees.
//!
//! No I/O and no clock: moments come in as arguments. A job is *claimed* before its end is written
//! to the journal and *settled* after, so that a poll never sees an end that a crash could undo,
//! and a job that is being cancelled cannot succeed.

mod account;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

use crate::faults::KeyPolicy;
use crate::order::Order;

/// A job's name; 122 random bits, since it is part of a URL that needs no key.
pub(crate) type JobId = Uuid;

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    /// The clip is stored; its digest.
    Succeeded { sha256: String },
    /// There will be no clip.
    Failed { code: String, message: String },
    /// Somebody asked for that.
    Cancelled,
}

impl Ending {
    /// The word for it on the wire.
    pub(crate) fn status(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Waiting for its time and a free renderer.
    Queued,
    /// So many frames are done.
    Running { frames: u32 },
    /// Over.
    Ended(Ending),
}

impl Phase {
    /// The word for it on the wire.
    pub(crate) fn status(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running { .. } => "running",
            Self::Ended(ending) => ending.status(),
        }
    }
}

/// What a poll sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) phase: Phase,
    /// How many frames the clip will have.
    pub(crate) frames: u32,
    /// How long the job stays queued at least.
    pub(crate) wait: Duration,
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Submitted {
    /// A job was made.
    New(JobId),
    /// The job that the same key and body made before.
    Same(JobId),
    /// The key was used with another body.
    KeyReused,
    /// Too many jobs are queued.
    Full,
}

/// What became of a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancelling {
    /// The job is the caller's to settle.
    Claimed,
    /// It is cancelled already.
    Already,
    /// It has ended, or is ending, in another way.
    TooLate,
    /// There is no such job.
    Unknown,
}

/// An idempotency key and the digest of the body that came with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Idempotency {
    pub(crate) key: String,
    pub(crate) body: String,
}

struct Job {
    order: Order,
    ready_at: Instant,
    phase: Phase,
    is_claimed: bool,
    stop: watch::Sender<bool>,
    /// Its place in the order of submissions.
    number: u64,
    key: Option<String>,
    /// How many submissions were answered with it.
    submits: u64,
}

/// Every job of a data directory.
#[derive(Default)]
pub(crate) struct Jobs {
    by_id: HashMap<JobId, Job>,
    by_key: HashMap<String, (String, JobId)>,
    queued: usize,
    keys: KeyPolicy,
    /// How many jobs there ever were, withdrawn ones included.
    made: u64,
    /// How many submissions came.
    submissions: u64,
}

impl Jobs {
    /// No jobs yet.
    pub(crate) fn new(keys: KeyPolicy) -> Self {
        Self {
            keys,
            ..Self::default()
        }
    }

    /// Takes a submission in, or finds the one it repeats.
    pub(crate) fn submit(
        &mut self,
        order: &Order,
        idempotency: Option<&Idempotency>,
        max_queued: usize,
        ready_at: Instant,
    ) -> Submitted {
        self.submissions += 1;
        if self.keys == KeyPolicy::Honoured
            && let Some(Idempotency { key, body }) = idempotency
            && let Some((known, id)) = self.by_key.get(key)
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
        self.insert(id, order.clone(), idempotency.cloned(), ready_at);
        Submitted::New(id)
    }

    /// Puts a job from the journal back; it begins anew.
    pub(crate) fn restore(
        &mut self,
        id: JobId,
        order: Order,
        idempotency: Option<Idempotency>,
        ready_at: Instant,
    ) {
        self.submissions += 1;
        self.insert(id, order, idempotency, ready_at);
    }

    fn insert(
        &mut self,
        id: JobId,
        order: Order,
        idempotency: Option<Idempotency>,
        ready_at: Instant,
    ) {
        let stop = watch::Sender::new(false);
        self.made += 1;
        let job = Job {
            order,
            ready_at,
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
            // Where keys were ignored for a while, a key stands for its first job.
            self.by_key.entry(key).or_insert((body, id));
        }
    }

    /// Forgets a job whose submission could not be written down.
    pub(crate) fn withdraw(&mut self, id: JobId) {
        let Some(job) = self.by_id.remove(&id) else {
            return;
        };
        self.queued -= usize::from(job.phase == Phase::Queued);
        if let Some(key) = &job.key
            && self.by_key.get(key).is_some_and(|(_, known)| *known == id)
        {
            self.by_key.remove(key);
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

    /// What a renderer needs: the order, when it may begin, and the sign to stop.
    pub(crate) fn assignment(&self, id: JobId) -> Option<(Order, Instant, watch::Receiver<bool>)> {
        let job = self.by_id.get(&id)?;
        Some((job.order.clone(), job.ready_at, job.stop.subscribe()))
    }

    /// So many frames of a job are done; the first call takes it out of the queue.
    pub(crate) fn progress(&mut self, id: JobId, frames: u32) {
        if let Some(job) = self.by_id.get_mut(&id)
            && !matches!(job.phase, Phase::Ended(_))
        {
            self.queued -= usize::from(job.phase == Phase::Queued);
            job.phase = Phase::Running { frames };
        }
    }

    /// Claims a job for its end; false when somebody else has claimed it.
    pub(crate) fn claim(&mut self, id: JobId) -> bool {
        self.by_id
            .get_mut(&id)
            .is_some_and(|job| !std::mem::replace(&mut job.is_claimed, true))
    }

    /// Claims a job in order to cancel it.
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

    /// Ends a claimed job, and its rendering with it.
    pub(crate) fn settle(&mut self, id: JobId, ending: Ending) {
        if let Some(job) = self.by_id.get_mut(&id) {
            self.queued -= usize::from(job.phase == Phase::Queued);
            job.phase = Phase::Ended(ending);
            job.is_claimed = true;
            job.stop.send_replace(true);
        }
    }

    /// Stops all renderings without ending the jobs: a later process goes on with them.
    pub(crate) fn stop(&self) {
        for job in self.by_id.values() {
            job.stop.send_replace(true);
        }
    }

    /// What a poll at this moment sees.
    pub(crate) fn view(&self, id: JobId, now: Instant) -> Option<View> {
        let job = self.by_id.get(&id)?;
        Some(View {
            phase: job.phase.clone(),
            frames: job.order.frame_rate.frames(),
            wait: job.ready_at.saturating_duration_since(now),
        })
    }
}

#[cfg(test)]
mod tests;
