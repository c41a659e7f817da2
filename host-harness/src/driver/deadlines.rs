//! The deadlines of jobs by the monotonic clock: a wall clock that is set while this process runs,
//! or a time in which it is stopped, ends no wait.
//!
//! A row keeps its deadline by the wall clock, for other processes. The first time that this process
//! sees a deadline, it notes the time that is left. Later it compares both clocks, and a row whose
//! deadline has come too near or too far gets the deadline that corresponds to the time left.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::clock::{TOLERANCE, now};
use crate::awake::AwakeClock;
use crate::ledger::{Job, Millis};

/// The time for one more poll.
const LAST_LOOK: Millis = 3_000;

pub(super) struct Deadlines {
    clock: AwakeClock,
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Clone, Copy)]
struct Known {
    /// The deadline in the row.
    deadline_at: Millis,
    /// The same by the clock.
    at: Left,
    /// Whether it got [`LAST_LOOK`].
    has_last_look: bool,
}

/// Milliseconds until a deadline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    /// Without the gaps of this process.
    pub(super) awake: Millis,
    /// With them.
    pub(super) total: Millis,
}

impl Deadlines {
    pub(super) fn new() -> Self {
        Self {
            clock: AwakeClock::start(),
            known: Mutex::default(),
        }
    }

    /// Keeps the clock, as long as it is awaited. Does not end.
    pub(super) async fn keep_clock(&self) {
        self.clock.keep().await;
    }

    /// The job with its deadline by the wall clock as it is now, and with the other times of its
    /// schedule moved in the same way. The gaps of this process count for the jobs that it waits for
    /// alone.
    pub(super) fn rebased(&self, mut job: Job, is_awaited: bool) -> Job {
        let now = now();
        let schedule = &mut job.schedule;
        let left = self.left(&job.spec.id, schedule.deadline_at, now);
        let left = if is_awaited {
            left.awake
        } else if left.total <= 0 && left.awake > 0 {
            self.last_look(&job.spec.id)
        } else {
            left.total
        };
        let moved = now
            .saturating_add(left)
            .saturating_sub(schedule.deadline_at);
        if moved.saturating_abs() > TOLERANCE {
            tracing::info!(
                job = job.spec.id,
                "the clock was set, or this process was stopped, so the deadline is moved"
            );
            schedule.deadline_at = schedule.deadline_at.saturating_add(moved);
            let since = [
                &mut schedule.unrecognized_since,
                &mut schedule.unreadable_since,
                &mut schedule.no_result_since,
            ];
            for time in since.into_iter().flatten() {
                *time = time.saturating_add(moved);
            }
        }
        job
    }

    /// The time until the deadline of a job; negative once it has passed.
    pub(super) fn left(&self, job: &str, deadline_at: Millis, now: Millis) -> Left {
        let passed = self.clock.now();
        let (awake, total) = (millis(passed.awake), millis(passed.total));
        let left = deadline_at.saturating_sub(now);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match known.get(job) {
            Some(known) if known.deadline_at == deadline_at => known.at,
            _ => {
                let at = Left {
                    awake: awake.saturating_add(left),
                    total: total.saturating_add(left),
                };
                let new = Known {
                    deadline_at,
                    at,
                    has_last_look: false,
                };
                known.insert(job.to_owned(), new);
                at
            }
        };
        Left {
            awake: at.awake.saturating_sub(awake),
            total: at.total.saturating_sub(total),
        }
    }

    /// The time in which this process ran, by which [`Waiting`](super::wait::Waiting) keeps its own
    /// deadlines.
    pub(super) fn awake(&self) -> Millis {
        millis(self.clock.now().awake)
    }

    /// The time that is left for a job of another process whose deadline passed in a gap of this one:
    /// enough for one more poll, once.
    fn last_look(&self, job: &str) -> Millis {
        let total = millis(self.clock.now().total);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = known.get_mut(job) else {
            return 0;
        };
        if !std::mem::replace(&mut known.has_last_look, true) {
            known.at.total = total.saturating_add(LAST_LOOK);
        }
        known.at.total.saturating_sub(total)
    }

    /// Forgets a job that is settled.
    pub(super) fn forget(&self, job: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(job);
    }

    /// Forgets jobs at the end of the wait for them.
    pub(super) fn forget_all(&self, jobs: &[String]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for job in jobs {
            known.remove(job);
        }
        known.shrink_to_fit();
    }
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::testing::queued;

    const HOUR: Millis = 3_600_000;

    #[test]
    fn clock_that_is_set_does_not_change_the_time_that_is_left() {
        let deadlines = Deadlines::new();
        let (now, wait) = (50 * HOUR, 60_000);
        let deadline_at = now + wait;
        let near = |left: Left| {
            (wait - 1_000..=wait).contains(&left.awake)
                && (wait - 1_000..=wait).contains(&left.total)
        };
        for clock in [now, now + HOUR, now - HOUR] {
            assert!(near(deadlines.left("j", deadline_at, clock)));
        }
        // A job that another process made after the clock was set.
        let later = now + HOUR + wait;
        assert!(near(deadlines.left("k", later, now + HOUR)));
        // The same job with another deadline.
        assert!(near(deadlines.left("j", later, now + HOUR)));
        deadlines.forget("j");
        assert!(deadlines.left("j", deadline_at, now + HOUR).awake < 0);
        deadlines.forget_all(&["j".into(), "k".into()]);
        let known = deadlines.known.lock().expect("a lock");
        assert!(known.is_empty());
    }

    #[test]
    fn row_gets_the_deadline_of_the_clock_as_it_is_now() {
        let deadlines = Deadlines::new();
        let wait = 60_000;
        let mut job = queued(0);
        // As if the clock had been an hour behind when the job was made.
        job.schedule.deadline_at = now() - HOUR + wait;
        deadlines.left("j", job.schedule.deadline_at, now() - HOUR);
        job.schedule.unreadable_since = Some(now() - HOUR - 1_000);
        let rebased = deadlines.rebased(job.clone(), true);
        assert!(rebased.schedule.deadline_at > now());
        assert!(rebased.schedule.deadline_at <= now() + wait);
        assert!(rebased.schedule.unreadable_since > Some(now() - wait));
        // An unchanged clock changes nothing.
        deadlines.forget("j");
        assert_eq!(deadlines.rebased(job.clone(), true), job);
    }

    #[test]
    fn deadline_of_another_process_that_passed_in_a_gap_leaves_time_for_one_poll() {
        let deadlines = Deadlines::new();
        let mut job = queued(0);
        job.schedule.deadline_at = now() + 1_500;
        let before = job.schedule.deadline_at;
        deadlines.left("j", before, now());
        // A gap: the process does not run for longer than two looks at the clock.
        std::thread::sleep(Duration::from_millis(2_500));
        assert!(deadlines.rebased(job.clone(), true).schedule.deadline_at > now());
        assert!(deadlines.rebased(job.clone(), false).schedule.deadline_at > now());
        let known = deadlines.known.lock().expect("a lock")["j"];
        assert!(known.has_last_look);
        // The second time, it is not prolonged.
        drop(deadlines.rebased(job, false));
        let again = deadlines.known.lock().expect("a lock")["j"];
        assert_eq!(again.at.total, known.at.total);
    }
}
