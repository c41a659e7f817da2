//! The jobs as a state machine: what is submitted, begun, ended, and what a poll sees.
//!
//! No I/O and no clock: moments come in as arguments. A job is *claimed* before its end is written
//! to the journal and *settled* after, so that a poll never sees an end that a crash could undo,
//! and a job that is being cancelled cannot succeed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

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
}

/// Every job of a data directory.
#[derive(Default)]
pub(crate) struct Jobs {
    by_id: HashMap<JobId, Job>,
    by_key: HashMap<String, (String, JobId)>,
    queued: usize,
}

impl Jobs {
    /// Takes a submission in, or finds the one it repeats.
    pub(crate) fn submit(
        &mut self,
        order: &Order,
        idempotency: Option<&Idempotency>,
        max_queued: usize,
        ready_at: Instant,
    ) -> Submitted {
        if let Some(Idempotency { key, body }) = idempotency
            && let Some((known, id)) = self.by_key.get(key)
        {
            return if known == body {
                Submitted::Same(*id)
            } else {
                Submitted::KeyReused
            };
        }
        if self.queued >= max_queued {
            return Submitted::Full;
        }
        let id = Uuid::new_v4();
        self.restore(id, order.clone(), idempotency.cloned(), ready_at);
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
        let stop = watch::Sender::new(false);
        let job = Job {
            order,
            ready_at,
            phase: Phase::Queued,
            is_claimed: false,
            stop,
        };
        self.by_id.insert(id, job);
        self.queued += 1;
        if let Some(Idempotency { key, body }) = idempotency {
            self.by_key.insert(key, (body, id));
        }
    }

    /// Forgets a job whose submission could not be written down.
    pub(crate) fn withdraw(&mut self, id: JobId) {
        if let Some(job) = self.by_id.remove(&id) {
            self.queued -= usize::from(job.phase == Phase::Queued);
        }
        self.by_key.retain(|_, (_, known)| *known != id);
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
mod tests {
    use serde_json::json;

    use super::*;

    fn order() -> Order {
        let body = json!({
            "action": "image_to_video",
            "input": {"prompt": "", "image": "https://example.com/a.png"},
        });
        crate::order::read(body.to_string().as_bytes())
            .expect("a submission")
            .order
    }

    fn submit(jobs: &mut Jobs, key: Option<(&str, &str)>) -> Submitted {
        let idempotency = key.map(|(key, body)| Idempotency {
            key: key.to_owned(),
            body: body.to_owned(),
        });
        jobs.submit(&order(), idempotency.as_ref(), 2, Instant::now())
    }

    fn new(jobs: &mut Jobs) -> JobId {
        match submit(jobs, None) {
            Submitted::New(id) => id,
            other => panic!("{other:?}"),
        }
    }

    fn phase(jobs: &Jobs, id: JobId) -> Phase {
        jobs.view(id, Instant::now()).expect("a job").phase
    }

    fn success() -> Ending {
        Ending::Succeeded {
            sha256: "00".to_owned(),
        }
    }

    #[test]
    fn a_key_makes_one_job() {
        let mut jobs = Jobs::default();
        let Submitted::New(id) = submit(&mut jobs, Some(("key", "body"))) else {
            panic!()
        };
        assert_eq!(
            submit(&mut jobs, Some(("key", "body"))),
            Submitted::Same(id)
        );
        assert_eq!(
            submit(&mut jobs, Some(("key", "other"))),
            Submitted::KeyReused
        );
        assert!(matches!(
            submit(&mut jobs, Some(("other", "body"))),
            Submitted::New(_)
        ));
        // The queue is full now, which does not keep a repetition from its job.
        assert_eq!(submit(&mut jobs, None), Submitted::Full);
        assert_eq!(
            submit(&mut jobs, Some(("key", "body"))),
            Submitted::Same(id)
        );
        jobs.withdraw(id);
        assert!(matches!(
            submit(&mut jobs, Some(("key", "other"))),
            Submitted::New(_)
        ));
    }

    #[test]
    fn only_waiting_jobs_count_as_queued() {
        let mut jobs = Jobs::default();
        let (first, second) = (new(&mut jobs), new(&mut jobs));
        assert_eq!(submit(&mut jobs, None), Submitted::Full);
        jobs.progress(first, 0);
        jobs.progress(first, 1);
        assert!(matches!(submit(&mut jobs, None), Submitted::New(_)));
        assert_eq!(submit(&mut jobs, None), Submitted::Full);
        jobs.settle(second, Ending::Cancelled);
        jobs.settle(first, success());
        assert!(matches!(submit(&mut jobs, None), Submitted::New(_)));
        assert_eq!(submit(&mut jobs, None), Submitted::Full);
    }

    #[test]
    fn a_job_ends_once() {
        let mut jobs = Jobs::default();
        let id = new(&mut jobs);
        jobs.progress(id, 3);
        assert!(jobs.claim(id));
        assert!(!jobs.claim(id));
        assert_eq!(jobs.cancel(id), Cancelling::TooLate);
        assert_eq!(phase(&jobs, id), Phase::Running { frames: 3 });
        jobs.settle(id, success());
        assert_eq!(phase(&jobs, id), Phase::Ended(success()));
        assert_eq!(jobs.cancel(id), Cancelling::TooLate);
        jobs.progress(id, 4);
        assert_eq!(phase(&jobs, id), Phase::Ended(success()));
        assert!(jobs.unfinished().is_empty());
    }

    #[test]
    fn cancelling_stops_the_rendering() {
        let mut jobs = Jobs::default();
        let id = new(&mut jobs);
        let (_, _, stop) = jobs.assignment(id).expect("an assignment");
        assert_eq!(jobs.cancel(id), Cancelling::Claimed);
        assert!(!*stop.borrow());
        assert!(!jobs.claim(id), "the renderer comes too late");
        jobs.settle(id, Ending::Cancelled);
        assert!(*stop.borrow());
        assert_eq!(jobs.cancel(id), Cancelling::Already);
        assert_eq!(jobs.cancel(Uuid::nil()), Cancelling::Unknown);
    }

    #[test]
    fn stopping_ends_nothing() {
        let mut jobs = Jobs::default();
        let id = new(&mut jobs);
        jobs.stop();
        assert_eq!(phase(&jobs, id), Phase::Queued);
        assert_eq!(jobs.unfinished(), [id]);
    }
}
