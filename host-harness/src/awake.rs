//! Time limits that do not run while the process is stopped or the machine sleeps.
//!
//! A stopped process (`SIGSTOP`, a frozen container) and, on some systems, a sleeping machine find
//! all their timers expired when they continue, while the replies that arrived meanwhile are
//! unread. A timer that fires much later than it was set for shows such a gap: the limit is extended
//! by it, so that what has arrived is read before a limit decides.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// The longest that a limit waits without a look at the time.
const SLICE: Duration = Duration::from_secs(1);

/// A timer that is later than this was not late because of other work.
const GAP: Duration = Duration::from_secs(1);

/// The least time after a gap in which what arrived meanwhile is read.
const AFTER_GAP: Duration = Duration::from_secs(2);

/// A limit without an end: a century.
const FOREVER: Duration = Duration::from_hours(100 * 365 * 24);

/// The limit has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Elapsed;

/// The result of `work`, if it ends within `limit` of the time in which this process runs.
pub(crate) fn timeout<T>(
    limit: Duration,
    work: impl Future<Output = T>,
) -> impl Future<Output = Result<T, Elapsed>> {
    // On the heap: each layer around it would otherwise hold it once more.
    let mut work = Box::pin(work);
    async move { Deadline::after(limit).wait_for(work.as_mut()).await }
}

/// A deadline that moves on by each gap. Several waits may share it.
#[derive(Debug)]
pub(crate) struct Deadline(Mutex<Times>);

#[derive(Clone, Copy, Debug)]
struct Times {
    at: Instant,
    /// The end of the last gap that `at` was moved for.
    awake_since: Instant,
}

impl Deadline {
    /// The deadline after `limit`.
    pub(crate) fn after(limit: Duration) -> Self {
        let now = Instant::now();
        Self(Mutex::new(Times {
            at: now + limit.min(FOREVER),
            awake_since: now,
        }))
    }

    /// The deadline this much later.
    pub(crate) fn plus(&self, more: Duration) -> Self {
        let times = *self.times();
        let at = times.at + more.min(FOREVER);
        Self(Mutex::new(Times { at, ..times }))
    }

    /// Moves the deadline.
    pub(crate) fn extend(&self, by: Duration) {
        self.times().at += by.min(FOREVER);
    }

    /// The time until then.
    pub(crate) fn left(&self) -> Duration {
        self.times().at.saturating_duration_since(Instant::now())
    }

    /// The result of `work`, if it ends before the deadline. `work` is polled once more after each
    /// gap before the deadline counts.
    pub(crate) fn limit<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> impl Future<Output = Result<T, Elapsed>> {
        let mut work = Box::pin(work);
        async move { self.wait_for(work.as_mut()).await }
    }

    async fn wait_for<T>(&self, mut work: Pin<&mut impl Future<Output = T>>) -> Result<T, Elapsed> {
        loop {
            let look_at = Instant::now() + self.left().min(SLICE);
            if let Ok(done) = timeout_at(look_at, work.as_mut()).await {
                return Ok(done);
            }
            let late = Instant::now().saturating_duration_since(look_at);
            if late >= GAP {
                self.move_by(look_at, late);
            } else if self.left().is_zero() {
                return Err(Elapsed);
            }
        }
    }

    /// Moves the deadline for a gap that began at `from`, once for all waits that notice it.
    fn move_by(&self, from: Instant, gap: Duration) {
        let now = Instant::now();
        let mut times = self.times();
        if from >= times.awake_since {
            times.at += gap;
            times.awake_since = now;
        }
        times.at = times.at.max(now + AFTER_GAP);
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A timer that goes on for a moment after a gap in which it ended.
#[derive(Debug)]
pub(crate) struct Sleep(Pin<Box<tokio::time::Sleep>>);

impl Sleep {
    /// The timer that ends after `limit`.
    pub(crate) fn after(limit: Duration) -> Self {
        Self(Box::pin(tokio::time::sleep(limit)))
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        while self.0.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if now.saturating_duration_since(self.0.deadline()) < GAP {
                return Poll::Ready(());
            }
            self.0.as_mut().reset(now + AFTER_GAP);
        }
        Poll::Pending
    }
}

/// How long this process exists, with and without its gaps. It must be read at least once a
/// [`SLICE`] ([`keep`](Self::keep)): a longer time between two readings is a gap.
#[derive(Debug)]
pub(crate) struct AwakeClock(Mutex<Reading>);

#[derive(Debug)]
struct Reading {
    at: Instant,
    passed: Passed,
}

/// Times since the start of an [`AwakeClock`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    /// By the monotonic clock.
    pub(crate) total: Duration,
    /// The part in which the process ran.
    pub(crate) awake: Duration,
}

impl AwakeClock {
    pub(crate) fn start() -> Self {
        Self(Mutex::new(Reading {
            at: Instant::now(),
            passed: Passed::default(),
        }))
    }

    /// The times since the start.
    pub(crate) fn now(&self) -> Passed {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let since = now.saturating_duration_since(reading.at);
        reading.passed.total += since;
        reading.passed.awake += if since > SLICE + GAP { SLICE } else { since };
        reading.at = now;
        reading.passed
    }

    /// Reads the clock often enough, as long as it is awaited.
    pub(crate) async fn keep(&self) {
        loop {
            self.now();
            tokio::time::sleep(SLICE / 2).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;

    use tokio::sync::oneshot;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(50);

    /// A gap as a stopped process has it: the only thread of the runtime does not run, and finds the
    /// timers expired afterwards.
    async fn gap() {
        tokio::task::yield_now().await;
        std::thread::sleep(LIMIT + GAP + LIMIT);
        tokio::task::yield_now().await;
    }

    #[tokio::test]
    async fn limit_ends_work_that_does_not_end_and_no_other() {
        assert_eq!(timeout(LIMIT, pending::<()>()).await, Err(Elapsed));
        assert_eq!(timeout(LIMIT, async { 7 }).await, Ok(7));
        assert_eq!(timeout(Duration::ZERO, async { 7 }).await, Ok(7));
        assert_eq!(timeout(Duration::ZERO, pending::<()>()).await, Err(Elapsed));
        assert_eq!(timeout(Duration::MAX, async { 7 }).await, Ok(7));
    }

    #[tokio::test]
    async fn reply_that_is_delivered_after_the_expired_timer_of_a_gap_is_read() {
        let (reply, arrives) = oneshot::channel();
        let waiting = tokio::spawn(timeout(LIMIT, arrives));
        gap().await;
        assert!(!waiting.is_finished(), "the timer decided first");
        reply.send(7).expect("it waits");
        assert_eq!(waiting.await.expect("a task"), Ok(Ok(7)));
    }

    #[tokio::test]
    async fn limit_still_ends_work_that_does_not_end_after_a_gap() {
        let waiting = tokio::spawn(timeout(LIMIT, pending::<()>()));
        gap().await;
        assert_eq!(waiting.await.expect("a task"), Err(Elapsed));
    }

    #[tokio::test]
    async fn timer_that_ends_in_a_gap_goes_on_for_a_moment() {
        let waiting = tokio::spawn(Sleep::after(LIMIT));
        gap().await;
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        assert!(!waiting.is_finished(), "the timer decided first");
        waiting.await.expect("it ends");
        Sleep::after(LIMIT).await;
    }

    #[tokio::test]
    async fn two_waits_move_their_deadline_once_for_one_gap() {
        let hour = Duration::from_hours(1);
        let deadline = Arc::new(Deadline::after(hour));
        for _ in 0..2 {
            let deadline = Arc::clone(&deadline);
            tokio::spawn(async move { deadline.limit(pending::<()>()).await });
        }
        tokio::task::yield_now().await;
        std::thread::sleep(SLICE + GAP);
        // Of the gap, the slice until the look at the time counts as time that passed.
        tokio::time::sleep(LIMIT).await;
        let passed = hour.saturating_sub(deadline.left());
        assert!(passed < SLICE + GAP, "it was not moved");
        assert!(passed > SLICE / 2, "it was moved by more than the gap");
    }

    #[tokio::test]
    async fn awake_clock_stands_still_in_a_gap() {
        let clock = AwakeClock::start();
        std::thread::sleep(SLICE + GAP + LIMIT);
        let passed = clock.now();
        assert_eq!(passed.awake, SLICE);
        assert!(passed.total > SLICE + GAP);
    }
}
