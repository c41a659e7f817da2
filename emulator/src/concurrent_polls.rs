//! How many polls of one job are under way at the same time.

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

/// How long two polls must be under way together to count. A client that was killed while it
/// polled is noticed a moment later, when its successor may be polling already.
const TOGETHER: Duration = Duration::from_millis(10);

/// The job that a `GET` of this URI polls; nothing for any other URI.
pub(crate) type PolledJob = fn(&Uri) -> Option<JobId>;

/// The polls that are under way, and the most there ever were of one job.
#[derive(Default)]
pub(crate) struct ConcurrentPolls(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    under_way: HashMap<JobId, usize>,
    most: usize,
}

/// One poll; it is over once the last copy of this is dropped.
#[derive(Clone)]
pub(crate) struct Watched(
    // Never read: it counts by being there.
    #[expect(dead_code, reason = "its end is what matters")] Arc<Poll>,
);

struct Poll {
    concurrent_polls: Arc<ConcurrentPolls>,
    job: JobId,
}

impl ConcurrentPolls {
    /// The most polls of one job that were under way at the same time.
    pub(crate) fn most(&self) -> usize {
        self.with(|counted| counted.most)
    }

    fn begin(self: &Arc<Self>, job: JobId) -> Watched {
        self.with(|counted| *counted.under_way.entry(job).or_default() += 1);
        Watched(Arc::new(Poll {
            concurrent_polls: Arc::clone(self),
            job,
        }))
    }

    /// How many polls of a job are under way now; that goes into the most there ever were.
    fn note(&self, job: JobId, at_most: usize) -> usize {
        self.with(|counted| {
            let under_way = counted.under_way.get(&job).copied().unwrap_or_default();
            counted.most = counted.most.max(under_way.min(at_most));
            under_way
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Counted) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        self.concurrent_polls.with(|counted| {
            if let Some(under_way) = counted.under_way.get_mut(&self.job) {
                *under_way -= 1;
                if *under_way == 0 {
                    counted.under_way.remove(&self.job);
                }
            }
        });
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}

/// Counts a poll from before its faults until its reply is about to leave. A client that goes away
/// ends its poll too.
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
            sleep(TOGETHER).await;
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
    fn the_most_of_one_job_counts() {
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
        assert!(concurrent_polls.with(|counted| counted.under_way.is_empty()));
    }
}
