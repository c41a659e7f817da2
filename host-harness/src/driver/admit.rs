//! Decides whether a due job starts now; a pure function.

use tokio::time::Instant;

use super::connection_queue::{ConnectionQueue, RateStatus};
use super::decide::decide;
use super::event::{Action, Event};
use super::wait::{DriveMode, LEDGER_POLL_INTERVAL};
use crate::ledger::{Job, Millis};

/// The kind of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Is never aborted: its reply may hold a ticket.
    Submit,
    /// A poll, a cancellation, or a commit alone.
    Call,
    /// Does not count against the connection's rate.
    Download,
}

/// What the leader does with a due job.
#[derive(Debug, PartialEq)]
pub(super) enum Admission {
    /// Carry out its action as a task of this kind.
    Run(Kind),
    /// Apply this event to its row. Nothing is sent.
    Apply(Box<Event>),
    /// Keep it first in its queue, and decide again at this time.
    Retry(Instant),
    /// Skip it as long as this process drives.
    Defer,
}

/// The state of the leader that a job's admission depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    pub(super) drive_mode: DriveMode,
    /// Whether a running process waits for the job.
    pub(super) is_awaited: bool,
}

/// The time, as in rows and as in queues.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) time: Millis,
    pub(super) instant: Instant,
}

/// Whether a due job of this queue starts now.
pub(super) fn admit(job: &Job, queue: &ConnectionQueue, mode: Mode, now: Now) -> Admission {
    let (_, action) = decide(job, Event::Due, now.time);
    let kind = match action {
        Action::Submit => match delay_submit(job, queue, mode, now) {
            Some(held) => return held,
            None => Kind::Submit,
        },
        Action::Poll | Action::Cancel => Kind::Call,
        Action::Download => return Admission::Run(Kind::Download),
        _ => return Admission::Apply(Box::new(Event::Due)),
    };
    if queue.rate_status == RateStatus::Opening {
        return Admission::Retry(now.instant + LEDGER_POLL_INTERVAL);
    }
    let free_at = queue.rate_limiter.free_at();
    if free_at > now.instant {
        return Admission::Retry(free_at);
    }
    Admission::Run(kind)
}

/// The admission of a submit that must not be sent now, for another reason than the rate of
/// its connection.
fn delay_submit(job: &Job, queue: &ConnectionQueue, mode: Mode, now: Now) -> Option<Admission> {
    if mode.drive_mode == DriveMode::NoNewSubmits {
        return Some(Admission::Defer);
    }
    if !mode.is_awaited {
        let requester = job.schedule.requester.clone();
        return Some(Admission::Apply(Box::new(Event::Abandoned { requester })));
    }
    if let Some(error) = queue.blocked.clone() {
        return Some(Admission::Apply(Box::new(Event::ConnectionUnavailable {
            error,
        })));
    }
    let provider_delay = queue
        .rate_limiter
        .submits_at()
        .saturating_duration_since(now.instant);
    if provider_delay.is_zero() {
        return None;
    }
    let until = now.time + Millis::try_from(provider_delay.as_millis()).unwrap_or(0);
    let error = queue.delay_error.clone();
    Some(Admission::Apply(Box::new(Event::Delayed { until, error })))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::driver::rate_limit::RateLimiter;
    use crate::error::ErrorKind;
    use crate::ledger::{JobError, JobSpec, Target};

    const TIME: Millis = 5_000;

    const WAITED_FOR: Mode = Mode {
        drive_mode: DriveMode::Normal,
        is_awaited: true,
    };

    fn queued() -> Job {
        let spec = JobSpec {
            id: "j".into(),
            node: "image_to_video".into(),
            raw_input: "{}".into(),
            raw_input_sha256: String::new(),
            input: "{}".into(),
            component: "c".into(),
            connection: "pixelml".into(),
            provider_origin: "https://p.example".into(),
            key: "k".into(),
            idempotency_ms: 0,
            created_at: 1_000,
        };
        let target = Target::File("/clips/j.mp4".into());
        Job::new(spec, target, "requester".into(), 1_800_000)
    }

    fn started() -> Job {
        let accepted = Event::Accepted {
            ticket: "t".into(),
            provider_job_id: "p".into(),
            hint: None,
            cost: None,
        };
        decide(&queued(), accepted, 1_000).0
    }

    fn now() -> Now {
        Now {
            time: TIME,
            instant: Instant::now(),
        }
    }

    #[test]
    fn submit_and_poll_without_limits_run() {
        let now = now();
        let queue = ConnectionQueue::new(now.instant);
        let admitted = |job: &Job| admit(job, &queue, WAITED_FOR, now);
        assert_eq!(admitted(&queued()), Admission::Run(Kind::Submit));
        assert_eq!(admitted(&started()), Admission::Run(Kind::Call));
    }

    #[test]
    fn no_new_submits_mode_defers_submits_and_runs_polls() {
        let now = now();
        let queue = ConnectionQueue::new(now.instant);
        let mode = Mode {
            drive_mode: DriveMode::NoNewSubmits,
            ..WAITED_FOR
        };
        assert_eq!(admit(&queued(), &queue, mode, now), Admission::Defer);
        let polled = admit(&started(), &queue, mode, now);
        assert_eq!(polled, Admission::Run(Kind::Call));
    }

    #[test]
    fn submit_without_a_waiting_process_is_abandoned_and_poll_runs() {
        let now = now();
        let queue = ConnectionQueue::new(now.instant);
        let mode = Mode {
            is_awaited: false,
            ..WAITED_FOR
        };
        let requester = "requester".to_owned();
        let abandoned = Admission::Apply(Box::new(Event::Abandoned { requester }));
        assert_eq!(admit(&queued(), &queue, mode, now), abandoned);
        let polled = admit(&started(), &queue, mode, now);
        assert_eq!(polled, Admission::Run(Kind::Call));
    }

    #[test]
    fn blocked_connection_fails_only_submits_with_its_error() {
        let now = now();
        let mut queue = ConnectionQueue::new(now.instant);
        let error = JobError::new(ErrorKind::Unauthorized, "the key is refused");
        queue.blocked = Some(error.clone());
        let unreachable = Admission::Apply(Box::new(Event::ConnectionUnavailable { error }));
        assert_eq!(admit(&queued(), &queue, WAITED_FOR, now), unreachable);
        let polled = admit(&started(), &queue, WAITED_FOR, now);
        assert_eq!(polled, Admission::Run(Kind::Call));
    }

    #[test]
    fn rest_of_submits_delays_submits_and_not_polls() {
        let now = now();
        let mut queue = ConnectionQueue::new(now.instant);
        queue
            .rate_limiter
            .delay_until(now.instant + Duration::from_secs(3), true);
        let error = JobError::new(ErrorKind::Throttled, "too many jobs");
        queue.delay_error = Some(error.clone());
        let held = Admission::Apply(Box::new(Event::Delayed {
            until: TIME + 3_000,
            error: Some(error),
        }));
        assert_eq!(admit(&queued(), &queue, WAITED_FOR, now), held);
        let polled = admit(&started(), &queue, WAITED_FOR, now);
        assert_eq!(polled, Admission::Run(Kind::Call));
    }

    #[test]
    fn exhausted_rate_limit_delays_every_request() {
        let now = now();
        let mut queue = ConnectionQueue::new(now.instant);
        queue.rate_limiter = RateLimiter::new(1.0, now.instant);
        while queue.rate_limiter.take(now.instant) {}
        let later = Admission::Retry(queue.rate_limiter.free_at());
        assert_eq!(admit(&started(), &queue, WAITED_FOR, now), later);
        assert_eq!(admit(&queued(), &queue, WAITED_FOR, now), later);
    }

    #[test]
    fn other_jobs_wait_while_the_first_opens_the_connection() {
        let now = now();
        let mut queue = ConnectionQueue::new(now.instant);
        queue.count_request(now.instant);
        let later = Admission::Retry(now.instant + LEDGER_POLL_INTERVAL);
        assert_eq!(admit(&started(), &queue, WAITED_FOR, now), later);
        queue.on_step_end(Some(5.0), now.instant);
        let polled = admit(&started(), &queue, WAITED_FOR, now);
        assert_eq!(polled, Admission::Run(Kind::Call));
    }

    #[test]
    fn job_past_its_deadline_is_committed_without_a_request() {
        let now = now();
        let queue = ConnectionQueue::new(now.instant);
        let mut job = started();
        job.schedule.deadline_at = TIME;
        let applied = Admission::Apply(Box::new(Event::Due));
        assert_eq!(admit(&job, &queue, WAITED_FOR, now), applied);
    }
}
