//! A provider whose jobs never end. It answers from memory, so that the results are those of the
//! host. The practice provider would write a journal to the same disk, and its `poll_after_ms`
//! cannot be set.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, StatusCode};
use tokio::sync::watch;

use crate::Failure;
use crate::provider::{NOT_FOUND, serve};

/// A running provider; it ends with the process.
pub struct Provider {
    address: SocketAddr,
    counts: Arc<Counts>,
}

struct Counts {
    poll_after_ms: AtomicU64,
    jobs: AtomicUsize,
    polls: AtomicU64,
    holds: watch::Sender<bool>,
    held: AtomicUsize,
    round: Mutex<Round>,
}

/// The jobs that were polled since the round began.
#[derive(Debug, Default)]
struct Round {
    polled: Vec<bool>,
    missing: usize,
    first: Option<Instant>,
    last: Option<Instant>,
}

/// The times of the first polls of a round's jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstPolls {
    /// The first poll of any job.
    pub first: Instant,
    /// The first poll of the last job.
    pub last: Instant,
}

impl Provider {
    /// Starts it on a free port.
    ///
    /// # Errors
    ///
    /// When it gets no thread or no port.
    pub fn start() -> Result<Self, Failure> {
        let counts = Arc::new(Counts {
            poll_after_ms: AtomicU64::new(0),
            jobs: AtomicUsize::new(0),
            polls: AtomicU64::new(0),
            holds: watch::Sender::new(false),
            held: AtomicUsize::new(0),
            round: Mutex::default(),
        });
        let counted = Arc::clone(&counts);
        let address = serve(move |parts, _| {
            let counts = Arc::clone(&counted);
            async move {
                if parts.method == Method::GET {
                    counts.hold().await;
                }
                counts.answer(&parts.method, parts.uri.path())
            }
        })?;
        Ok(Self { address, counts })
    }

    /// Its base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets `poll_after_ms` of the replies from now on.
    pub fn poll_after(&self, pause: Duration) {
        let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.counts.poll_after_ms.store(millis, Ordering::SeqCst);
    }

    /// Sets whether replies to polls are held from now on, and sends those that are held.
    pub fn hold(&self, holds: bool) {
        self.counts.holds.send_replace(holds);
    }

    /// Polls whose replies are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.counts.held.load(Ordering::SeqCst)
    }

    /// Number of submits.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.counts.jobs.load(Ordering::SeqCst)
    }

    /// Number of answered polls.
    #[must_use]
    pub fn polls(&self) -> u64 {
        self.counts.polls.load(Ordering::SeqCst)
    }

    /// Begins a round of all its jobs.
    pub fn begin_round(&self) {
        *self.counts.round() = Round::of(self.jobs());
    }

    /// The times of the round's first polls, once every job was polled.
    #[must_use]
    pub fn first_polls(&self) -> Option<FirstPolls> {
        self.counts.round().first_polls()
    }
}

impl Counts {
    fn round(&self) -> MutexGuard<'_, Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn hold(&self) {
        let mut holds = self.holds.subscribe();
        if *holds.borrow_and_update() {
            self.held.fetch_add(1, Ordering::SeqCst);
            // `self` owns the sender, so this does not fail.
            let _ = holds.changed().await;
            self.held.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn answer(&self, method: &Method, path: &str) -> (StatusCode, Bytes) {
        let (status, job, word) = if *method == Method::POST && path == "/v1/jobs" {
            let job = self.jobs.fetch_add(1, Ordering::SeqCst);
            (StatusCode::ACCEPTED, job, "queued")
        } else if let Some(job) = job_of(method, path) {
            self.polls.fetch_add(1, Ordering::SeqCst);
            self.round().poll(job, Instant::now());
            (StatusCode::OK, job, "running")
        } else {
            let nothing = Bytes::from_static(NOT_FOUND.as_bytes());
            return (StatusCode::NOT_FOUND, nothing);
        };
        let pause = self.poll_after_ms.load(Ordering::SeqCst);
        let document = format!(r#"{{"id":"job-{job}","status":"{word}","poll_after_ms":{pause}}}"#);
        (status, document.into())
    }
}

fn job_of(method: &Method, path: &str) -> Option<usize> {
    let id = path.strip_prefix("/v1/jobs/job-")?;
    id.parse().ok().filter(|_| *method == Method::GET)
}

impl Round {
    fn of(jobs: usize) -> Self {
        Self {
            polled: vec![false; jobs],
            missing: jobs,
            ..Self::default()
        }
    }

    fn poll(&mut self, job: usize, now: Instant) {
        if let Some(polled) = self.polled.get_mut(job)
            && !std::mem::replace(polled, true)
        {
            self.missing -= 1;
            self.first.get_or_insert(now);
            self.last = Some(now);
        }
    }

    fn first_polls(&self) -> Option<FirstPolls> {
        let (first, last) = self.first.zip(self.last)?;
        (self.missing == 0).then_some(FirstPolls { first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_ends_when_every_job_was_polled_once() {
        let begin = Instant::now();
        let at = |second| begin + Duration::from_secs(second);
        let mut round = Round::of(2);
        round.poll(1, at(1));
        round.poll(1, at(2));
        round.poll(7, at(3));
        assert_eq!(round.first_polls(), None);
        round.poll(0, at(4));
        round.poll(0, at(5));
        let (first, last) = (at(1), at(4));
        assert_eq!(round.first_polls(), Some(FirstPolls { first, last }));
    }

    #[test]
    fn polls_are_counted_by_job() {
        let provider = Provider::start().expect("provider");
        provider.poll_after(Duration::from_millis(250));
        let (status, second) = {
            let _ = provider.counts.answer(&Method::POST, "/v1/jobs");
            provider.counts.answer(&Method::POST, "/v1/jobs")
        };
        assert_eq!(status, StatusCode::ACCEPTED);
        assert_eq!(
            second,
            r#"{"id":"job-1","status":"queued","poll_after_ms":250}"#
        );
        provider.begin_round();
        for path in ["/v1/jobs/job-1", "/v1/jobs/job-0"] {
            assert_eq!(provider.first_polls(), None);
            let _ = provider.counts.answer(&Method::GET, path);
        }
        assert!(provider.first_polls().is_some());
        assert_eq!((provider.jobs(), provider.polls()), (2, 2));
        let (status, _) = provider.counts.answer(&Method::GET, "/v1/jobs/other");
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
}
