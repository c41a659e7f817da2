//! Counts concurrent polls of one job.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{Method, Uri};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::sleep;

use crate::job::JobId;

/// How long two polls must overlap to count. The end of a killed client's poll is noticed late,
/// when the next client may already poll.
const MIN_OVERLAP: Duration = Duration::from_millis(10);

/// The job that a `GET` of this URI polls; `None` for other URIs.
pub(crate) type PolledJob = fn(&Uri) -> Option<JobId>;

/// The polls in progress, and the highest number so far for one job.
#[derive(Default)]
pub(crate) struct ConcurrentPolls(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    in_progress: HashMap<JobId, usize>,
    most: usize,
}

/// One poll in progress. It ends when the last copy of this is dropped.
#[derive(Clone)]
pub(crate) struct PollGuard(#[expect(dead_code, reason = "only its drop has an effect")] Arc<Poll>);

struct Poll {
    concurrent_polls: Arc<ConcurrentPolls>,
    job: JobId,
}

impl ConcurrentPolls {
    /// The highest number of concurrent polls of one job.
    pub(crate) fn most(&self) -> usize {
        self.with(|counted| counted.most)
    }

    fn begin(self: &Arc<Self>, job: JobId) -> PollGuard {
        self.with(|counted| *counted.in_progress.entry(job).or_default() += 1);
        PollGuard(Arc::new(Poll {
            concurrent_polls: Arc::clone(self),
            job,
        }))
    }

    /// The number of polls of a job in progress. Raises the maximum to it, or to `at_most`.
    fn note(&self, job: JobId, at_most: usize) -> usize {
        self.with(|counted| {
            let in_progress = counted.in_progress.get(&job).copied().unwrap_or_default();
            counted.most = counted.most.max(in_progress.min(at_most));
            in_progress
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Counted) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        self.concurrent_polls.with(|counted| {
            if let Some(in_progress) = counted.in_progress.get_mut(&self.job) {
                *in_progress -= 1;
                if *in_progress == 0 {
                    counted.in_progress.remove(&self.job);
                }
            }
        });
    }
}

impl fmt::Debug for PollGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollGuard").finish_non_exhaustive()
    }
}

/// Counts a poll from its arrival, before any fault, until its reply is sent or its client
/// disconnects.
pub(crate) async fn watch(
    State((concurrent_polls, polled_job)): State<(Arc<ConcurrentPolls>, PolledJob)>,
    mut request: Request,
    next: Next,
) -> Response {
    let job = polled_job(request.uri()).filter(|_| request.method() == Method::GET);
    let watched = job.map(|job| concurrent_polls.begin(job));
    if let Some(watched) = &watched {
        request.extensions_mut().insert(watched.clone());
    }
    if let Some(job) = job
        && concurrent_polls.note(job, 1) > 1
    {
        tokio::spawn(async move {
            sleep(MIN_OVERLAP).await;
            concurrent_polls.note(job, usize::MAX);
        });
    }
    let reply = next.run(request).await;
    drop(watched);
    reply
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn highest_number_of_concurrent_polls_of_one_job_is_kept() {
        let concurrent_polls = Arc::new(ConcurrentPolls::default());
        let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
        assert_eq!(concurrent_polls.most(), 0);
        let begin = |job| {
            let poll = concurrent_polls.begin(job);
            (concurrent_polls.note(job, 1), poll)
        };
        let (_, first) = begin(one);
        let (_, beside) = begin(other);
        assert_eq!(concurrent_polls.most(), 1);
        let copy = first.clone();
        drop(first);
        let (together, second) = begin(one);
        assert_eq!(
            (together, concurrent_polls.most()),
            (2, 1),
            "for a moment only, so far"
        );
        concurrent_polls.note(one, usize::MAX);
        assert_eq!(concurrent_polls.most(), 2);
        drop((copy, second, beside));
        drop(begin(one));
        assert_eq!(concurrent_polls.most(), 2);
        assert!(concurrent_polls.with(|counted| counted.in_progress.is_empty()));
    }
}
