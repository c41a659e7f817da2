//! Decides whether a due job starts now; a pure function.

use tokio::time::Instant;

use super::clock::Time;
use super::connection_limits::ConnectionLimits;
use super::decide::decide;
use super::event::{Action, Event};
use super::holds::{DueSubmit, Held, Party};
use super::wait::{DriveMode, LEDGER_POLL_INTERVAL};
use crate::ledger::{Job, Millis};

/// The kind of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Is never aborted: its reply may hold a ticket.
    Submit,
    /// Uploads of a job, which its submit follows.
    Upload,
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
    /// Carry out its submit, or the uploads before it, as a task of this kind: it shows whether the
    /// provider still refuses the account.
    Probe(Kind),
    /// Skip it until such a submit has ended.
    Park,
    /// Skip it as long as this process drives.
    Defer,
}

/// The state of the leader that a job's admission depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    pub(super) drive: DriveMode,
    /// Whether a running process waits for the job.
    pub(super) is_awaited: bool,
    /// Whether its component is the one bundled with this program.
    pub(super) is_bundled: bool,
}

/// The time, as in rows and as in the limits of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) time: Time,
    pub(super) instant: Instant,
}

/// Whether a due job of this connection starts now.
pub(super) fn admit(job: &Job, limits: &ConnectionLimits, mode: Mode, now: Now) -> Admission {
    let (_, action) = decide(job, Event::Due, now.time);
    let party = Party::of(&job.spec.component, mode.is_bundled);
    let mut is_probe = false;
    let kind = match action {
        // Uploads wait for the turn of their submit.
        Action::Submit | Action::HandOver => match delay_submit(job, limits, mode, now) {
            Some(Admission::Probe(_)) => {
                is_probe = true;
                if action == Action::HandOver {
                    Kind::Upload
                } else {
                    Kind::Submit
                }
            }
            Some(held) => return held,
            None if action == Action::HandOver => Kind::Upload,
            None => Kind::Submit,
        },
        Action::Poll | Action::Cancel => Kind::Call,
        Action::Download => return Admission::Run(Kind::Download),
        _ => return Admission::Apply(Box::new(Event::Due)),
    };
    if let Some(until) = limits.opening_until(now.instant) {
        return Admission::Retry(until.min(now.instant + LEDGER_POLL_INTERVAL));
    }
    let held_until = limits.holds.requests_until(party);
    let free_at = Some(limits.rate_limiter.free_at()).max(held_until);
    match free_at {
        Some(later) if later > now.instant => Admission::Retry(later),
        _ if is_probe => Admission::Probe(kind),
        _ => Admission::Run(kind),
    }
}

/// The admission of a submit that must not be sent now, for another reason than the rate of
/// its connection, or that is sent alone.
fn delay_submit(job: &Job, limits: &ConnectionLimits, mode: Mode, now: Now) -> Option<Admission> {
    if mode.drive == DriveMode::NoNewSubmits {
        return Some(Admission::Defer);
    }
    if !mode.is_awaited {
        let requester = job.schedule.requester.clone();
        return Some(Admission::Apply(Box::new(Event::Abandoned { requester })));
    }
    let party = Party::of(&job.spec.component, mode.is_bundled);
    let goes_on = match limits.holds.held(party, DueSubmit::of(job), now.instant) {
        Held::By(error) => {
            let unavailable = Event::ConnectionUnavailable { error };
            return Some(Admission::Apply(Box::new(unavailable)));
        }
        Held::ForProbe => return Some(Admission::Park),
        Held::Probe => Some(Admission::Probe(Kind::Submit)),
        Held::No => None,
    };
    let Some((until, error)) = limits.holds.submits_until(party) else {
        return goes_on;
    };
    let provider_delay = until.saturating_duration_since(now.instant);
    if provider_delay.is_zero() {
        return goes_on;
    }
    let until = now.time.now + Millis::try_from(provider_delay.as_millis()).unwrap_or(0);
    Some(Admission::Apply(Box::new(Event::Delayed { until, error })))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::driver::connection_limits::OPENING_TIME;
    use crate::driver::holds::Delay;
    use crate::driver::rate_limit::RateLimiter;
    use crate::error::ErrorKind;
    use crate::ledger::{JobError, testing};

    const TIME: Millis = 5_000;

    const WAITED_FOR: Mode = Mode {
        drive: DriveMode::Normal,
        is_awaited: true,
        is_bundled: true,
    };

    fn queued() -> Job {
        testing::queued(0)
    }

    /// A queued job with a local picture that is not handed over.
    fn with_picture() -> Job {
        let mut job = queued();
        job.local_pictures = testing::local_pictures();
        job
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
            time: TIME.into(),
            instant: Instant::now(),
        }
    }

    #[test]
    fn submit_and_poll_without_limits_run() {
        let now = now();
        let limits = ConnectionLimits::new(now.instant);
        let admitted = |job: &Job| admit(job, &limits, WAITED_FOR, now);
        assert_eq!(admitted(&queued()), Admission::Run(Kind::Submit));
        assert_eq!(admitted(&with_picture()), Admission::Run(Kind::Upload));
        assert_eq!(admitted(&started()), Admission::Run(Kind::Call));
    }

    #[test]
    fn no_new_submits_mode_defers_submits_and_runs_polls() {
        let now = now();
        let limits = ConnectionLimits::new(now.instant);
        let mode = Mode {
            drive: DriveMode::NoNewSubmits,
            ..WAITED_FOR
        };
        assert_eq!(admit(&queued(), &limits, mode, now), Admission::Defer);
        assert_eq!(admit(&with_picture(), &limits, mode, now), Admission::Defer);
        let polled = admit(&started(), &limits, mode, now);
        assert_eq!(polled, Admission::Run(Kind::Call));
    }

    #[test]
    fn submit_without_a_waiting_process_is_abandoned_and_poll_runs() {
        let now = now();
        let limits = ConnectionLimits::new(now.instant);
        let mode = Mode {
            is_awaited: false,
            ..WAITED_FOR
        };
        let requester = "requester".to_owned();
        let abandoned = Admission::Apply(Box::new(Event::Abandoned { requester }));
        assert_eq!(admit(&queued(), &limits, mode, now), abandoned);
        let polled = admit(&started(), &limits, mode, now);
        assert_eq!(polled, Admission::Run(Kind::Call));
    }

    #[test]
    fn blocked_connection_fails_only_submits_with_its_error() {
        let now = now();
        let mut limits = ConnectionLimits::new(now.instant);
        let error = JobError::new(ErrorKind::Unauthorized, "the key is refused");
        limits
            .holds
            .block(Party::Bundled, error.clone(), now.instant, TIME);
        let unreachable = Admission::Apply(Box::new(Event::ConnectionUnavailable { error }));
        assert_eq!(admit(&queued(), &limits, WAITED_FOR, now), unreachable);
        let polled = admit(&started(), &limits, WAITED_FOR, now);
        assert_eq!(polled, Admission::Run(Kind::Call));
    }

    #[test]
    fn submits_of_a_resumed_job_wait_for_the_one_that_asks_for_the_account() {
        let now = now();
        let mut limits = ConnectionLimits::new(now.instant);
        let error = JobError::new(ErrorKind::AccountRefused, "no credit");
        limits.holds.block(Party::Bundled, error, now.instant, TIME);
        let mut resumed = queued();
        resumed.schedule.next_at = Some(TIME + 1);
        let later = Now {
            time: (TIME + 1).into(),
            ..now
        };
        let admitted = admit(&resumed, &limits, WAITED_FOR, later);
        assert_eq!(admitted, Admission::Probe(Kind::Submit));
        limits.holds.begin_probe(Party::Bundled, "another");
        let admitted = admit(&resumed, &limits, WAITED_FOR, later);
        assert_eq!(admitted, Admission::Park);
        let polled = admit(&started(), &limits, WAITED_FOR, later);
        assert_eq!(polled, Admission::Run(Kind::Call));
    }

    #[test]
    fn rest_of_submits_delays_submits_and_not_polls() {
        let now = now();
        let mut limits = ConnectionLimits::new(now.instant);
        let error = JobError::new(ErrorKind::Throttled, "too many jobs");
        let delay = Delay {
            until: now.instant + Duration::from_secs(3),
            submits_only: true,
            error: Some(error.clone()),
        };
        limits.holds.delay(Party::Bundled, delay);
        let held = Admission::Apply(Box::new(Event::Delayed {
            until: TIME + 3_000,
            error: Some(error),
        }));
        assert_eq!(admit(&queued(), &limits, WAITED_FOR, now), held);
        // An upload waits for the turn of its submit.
        assert_eq!(admit(&with_picture(), &limits, WAITED_FOR, now), held);
        let polled = admit(&started(), &limits, WAITED_FOR, now);
        assert_eq!(polled, Admission::Run(Kind::Call));
    }

    #[test]
    fn exhausted_rate_limit_delays_every_request() {
        let now = now();
        let mut limits = ConnectionLimits::new(now.instant);
        limits.rate_limiter = RateLimiter::new(1.0, now.instant);
        while limits.rate_limiter.take(now.instant) {}
        let later = Admission::Retry(limits.rate_limiter.free_at());
        assert_eq!(admit(&started(), &limits, WAITED_FOR, now), later);
        assert_eq!(admit(&queued(), &limits, WAITED_FOR, now), later);
    }

    #[test]
    fn what_an_unbundled_component_reports_holds_its_own_jobs_alone() {
        let now = now();
        let mut limits = ConnectionLimits::new(now.instant);
        let until = now.instant + Duration::from_mins(5);
        let error = JobError::new(ErrorKind::Unauthorized, "the key is refused");
        let delay = Delay {
            until,
            submits_only: false,
            error: None,
        };
        // The jobs of this test are of component `c`.
        limits.holds.delay(Party::Other("c"), delay);
        limits
            .holds
            .block(Party::Other("c"), error.clone(), now.instant, TIME);
        let own = Mode {
            is_bundled: false,
            ..WAITED_FOR
        };
        let unreachable = Admission::Apply(Box::new(Event::ConnectionUnavailable { error }));
        assert_eq!(admit(&queued(), &limits, own, now), unreachable);
        assert_eq!(
            admit(&started(), &limits, own, now),
            Admission::Retry(until)
        );
        for (job, kind) in [(queued(), Kind::Submit), (started(), Kind::Call)] {
            assert_eq!(admit(&job, &limits, WAITED_FOR, now), Admission::Run(kind));
            let mut neighbour = job;
            std::sync::Arc::make_mut(&mut neighbour.spec).component = "d".into();
            assert_eq!(admit(&neighbour, &limits, own, now), Admission::Run(kind));
        }
    }

    #[test]
    fn other_jobs_wait_while_the_first_opens_the_connection() {
        let now = now();
        let mut limits = ConnectionLimits::new(now.instant);
        assert!(limits.count_request(now.instant));
        let later = Admission::Retry(now.instant + LEDGER_POLL_INTERVAL);
        assert_eq!(admit(&started(), &limits, WAITED_FOR, now), later);
        limits.on_opened(5.0, now.instant);
        let polled = admit(&started(), &limits, WAITED_FOR, now);
        assert_eq!(polled, Admission::Run(Kind::Call));
        assert!(!limits.count_request(now.instant));
    }

    #[test]
    fn opening_that_failed_or_takes_long_is_left_to_the_next_job() {
        let now = now();
        let mut limits = ConnectionLimits::new(now.instant);
        limits.count_request(now.instant);
        // It panicked, for example.
        limits.on_opener_end();
        let polled = admit(&started(), &limits, WAITED_FOR, now);
        assert_eq!(polled, Admission::Run(Kind::Call));

        assert!(limits.count_request(now.instant));
        let later = Now {
            instant: now.instant + OPENING_TIME,
            ..now
        };
        let polled = admit(&started(), &limits, WAITED_FOR, later);
        assert_eq!(polled, Admission::Run(Kind::Call));
        assert!(
            limits.count_request(later.instant),
            "it opens the connection"
        );
        let again = admit(&started(), &limits, WAITED_FOR, later);
        assert_eq!(
            again,
            Admission::Retry(later.instant + LEDGER_POLL_INTERVAL)
        );
    }

    #[test]
    fn job_past_its_deadline_is_committed_without_a_request() {
        let now = now();
        let limits = ConnectionLimits::new(now.instant);
        let mut job = started();
        job.schedule.deadline_at = TIME;
        let applied = Admission::Apply(Box::new(Event::Due));
        assert_eq!(admit(&job, &limits, WAITED_FOR, now), applied);
    }
}
