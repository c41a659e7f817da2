//! What a connection's provider asked for beside the rate: delays, and no further submits after a
//! refused credential or account.
//!
//! A refused account may be settled by the user while this process drives. So a command that comes
//! after the refusal asks again, with one submit: the other submits wait for its answer.
//!
//! The component bundled with this program is believed for all jobs of the connection. Another
//! component may report a reply that the provider never gave, so it holds its own jobs alone, and
//! for a bounded time.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::MAX_HINT;
use crate::error::ErrorKind;
use crate::ledger::{Job, JobError, Millis};

/// How long a refused credential that an unbundled component reports holds its submits.
pub(super) const MAX_HOLD: Duration = Duration::from_millis(MAX_HINT.unsigned_abs());

/// The component that a reply or a job belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Party<'a> {
    /// The one bundled with this program.
    Bundled,
    /// Another one, by its digest.
    Other(&'a str),
}

impl<'a> Party<'a> {
    pub(super) fn of(component: &'a str, is_bundled: bool) -> Self {
        if is_bundled {
            Self::Bundled
        } else {
            Self::Other(component)
        }
    }
}

/// The provider asked to slow down.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Delay {
    pub(super) until: Instant,
    /// Whether the reply was to a submit.
    pub(super) submits_only: bool,
    /// The provider's error.
    pub(super) error: Option<JobError>,
}

/// The holds of a connection, by component.
#[derive(Debug, Default)]
pub(super) struct Holds {
    /// For all jobs of the connection.
    all: Hold,
    /// For the jobs of one component.
    of: HashMap<String, Hold>,
}

#[derive(Debug, Default)]
struct Hold {
    requests_until: Option<Instant>,
    submits_until: Option<Instant>,
    /// The error of the latest submit for which further submits wait.
    delay_error: Option<JobError>,
    blocked: Option<Block>,
    /// The job whose submit shows whether the account is still refused.
    probe: Option<String>,
    /// Whether an earlier process left jobs whose account was refused.
    was_refused: bool,
    /// Whether a submit was accepted since the last refusal of the account.
    has_account: bool,
}

#[derive(Debug)]
struct Block {
    error: JobError,
    /// `None`: as long as this process drives.
    until: Option<Instant>,
    /// When the error was reported.
    at: Millis,
}

/// A queued job that is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct DueSubmit<'a> {
    /// Its id.
    job: &'a str,
    /// Since when.
    since: Millis,
    /// Whether a command made it due, not a delay.
    is_commanded: bool,
    /// Whether its account was refused when it was last due.
    is_refused: bool,
}

impl<'a> DueSubmit<'a> {
    pub(super) fn of(job: &'a Job) -> Self {
        let kind = job.last_error.as_ref().map(|error| error.kind);
        let is_refused = kind == Some(ErrorKind::AccountRefused);
        Self {
            job: &job.spec.id,
            since: job.schedule.next_at.unwrap_or(Millis::MIN),
            is_commanded: job.schedule.attempts == 0 && (kind.is_none() || is_refused),
            is_refused,
        }
    }
}

/// Whether a submit is held by an error that it would have too.
#[derive(Debug, PartialEq)]
pub(super) enum Held {
    /// It is not.
    No,
    /// It is sent as the only one, to see whether the account is still refused.
    Probe,
    /// It waits for the answer to such a submit.
    ForProbe,
    /// It is, by this error.
    By(JobError),
}

impl Holds {
    /// A component reports that the provider asked to slow down.
    pub(super) fn delay(&mut self, by: Party<'_>, delay: Delay) {
        let hold = self.of(by);
        hold.submits_until = hold.submits_until.max(Some(delay.until));
        if delay.submits_only {
            hold.delay_error = delay.error;
        } else {
            hold.requests_until = hold.requests_until.max(Some(delay.until));
        }
    }

    /// A component reports an error that every further submit over the connection would have too.
    pub(super) fn block(&mut self, by: Party<'_>, error: JobError, now: Instant, at: Millis) {
        let until = match by {
            Party::Bundled => None,
            Party::Other(_) => Some(now + MAX_HOLD),
        };
        let hold = self.of(by);
        if error.kind == ErrorKind::AccountRefused {
            hold.has_account = false;
        }
        hold.blocked = Some(Block { error, until, at });
    }

    /// The clock was set back by so much. Times of rows are compared with those of errors.
    pub(super) fn follow_clock(&mut self, back: Millis) {
        let holds = std::iter::once(&mut self.all).chain(self.of.values_mut());
        for block in holds.filter_map(|hold| hold.blocked.as_mut()) {
            block.at -= back;
        }
    }

    /// An earlier process has left jobs of a component whose account was refused.
    pub(super) fn doubt_account(&mut self, by: Party<'_>) {
        self.of(by).was_refused = true;
    }

    /// A submit of this job is sent to see whether the account is still refused.
    pub(super) fn begin_probe(&mut self, by: Party<'_>, job: &str) {
        self.of(by).probe = Some(job.to_owned());
    }

    /// The step of this job has ended, in whatever way. Returns whether it was such a submit.
    pub(super) fn end_probe(&mut self, by: Party<'_>, job: &str) -> bool {
        let ended = self.of(by).probe.take_if(|probe| probe == job);
        ended.is_some()
    }

    /// A submit of a component was accepted. `was_probe`: it was sent to see whether the account is
    /// still refused.
    pub(super) fn accept(&mut self, by: Party<'_>, was_probe: bool) {
        let hold = self.of(by);
        if was_probe {
            hold.blocked
                .take_if(|block| block.error.kind == ErrorKind::AccountRefused);
        }
        hold.has_account = hold.blocked.is_none();
    }

    /// The earliest time of the next request of a component, if it is held.
    pub(super) fn requests_until(&self, of: Party<'_>) -> Option<Instant> {
        self.on(of).filter_map(|hold| hold.requests_until).max()
    }

    /// The earliest time of the next submit of a component, if it is held, and the error for
    /// which it is.
    pub(super) fn submits_until(&self, of: Party<'_>) -> Option<(Instant, Option<JobError>)> {
        let delays = self
            .on(of)
            .filter_map(|hold| Some((hold.submits_until?, hold)));
        let (until, hold) = delays.max_by_key(|(until, _)| *until)?;
        Some((until, hold.delay_error.clone()))
    }

    /// Whether a submit of a component is held by an error.
    pub(super) fn held(&self, of: Party<'_>, due: DueSubmit<'_>, now: Instant) -> Held {
        let mut probes = self.on(of).filter_map(|hold| hold.probe.as_deref());
        // Its pictures were handed over; its submit follows.
        if probes.any(|probe| probe == due.job) {
            return Held::Probe;
        }
        let mut blocks = self.on(of).filter_map(|hold| hold.blocked.as_ref());
        let block = blocks.find(|block| block.until.is_none_or(|until| until > now));
        let asks = match block {
            Some(block) => {
                let is_later = due.is_commanded && due.since > block.at;
                if block.error.kind != ErrorKind::AccountRefused || !is_later {
                    return Held::By(block.error.clone());
                }
                true
            }
            None => {
                let is_doubtful = due.is_refused || self.on(of).any(|hold| hold.was_refused);
                is_doubtful && !self.on(of).any(|hold| hold.has_account)
            }
        };
        if !asks {
            Held::No
        } else if self.on(of).any(|hold| hold.probe.is_some()) {
            Held::ForProbe
        } else {
            Held::Probe
        }
    }

    fn of(&mut self, by: Party<'_>) -> &mut Hold {
        match by {
            Party::Bundled => &mut self.all,
            Party::Other(component) => self.of.entry(component.to_owned()).or_default(),
        }
    }

    fn on(&self, party: Party<'_>) -> impl Iterator<Item = &Hold> {
        let own = match party {
            Party::Bundled => None,
            Party::Other(component) => self.of.get(component),
        };
        std::iter::once(&self.all).chain(own)
    }
}

#[cfg(test)]
mod tests;
