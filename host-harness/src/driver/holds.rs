//! What a connection's provider asked for beside the rate: delays, and no further submits after a
//! refused credential.
//!
//! The component bundled with this program is believed for all jobs of the connection. Another
//! component may report a reply that the provider never gave, so it holds its own jobs alone, and
//! for a bounded time.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::MAX_HINT;
use crate::ledger::JobError;

/// How long a refused credential that an unbundled component reports holds its submits.
const MAX_HOLD: Duration = Duration::from_millis(MAX_HINT.unsigned_abs());

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
}

#[derive(Debug)]
struct Block {
    error: JobError,
    /// `None`: as long as this process drives.
    until: Option<Instant>,
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
    pub(super) fn block(&mut self, by: Party<'_>, error: JobError, now: Instant) {
        let until = match by {
            Party::Bundled => None,
            Party::Other(_) => Some(now + MAX_HOLD),
        };
        self.of(by).blocked = Some(Block { error, until });
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

    /// The error for which a component submits nothing now.
    pub(super) fn blocked(&self, of: Party<'_>, now: Instant) -> Option<JobError> {
        self.on(of)
            .filter_map(|hold| hold.blocked.as_ref())
            .find(|block| block.until.is_none_or(|until| until > now))
            .map(|block| block.error.clone())
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
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const LIAR: Party<'_> = Party::Other("liar");
    const HONEST: Party<'_> = Party::Other("honest");

    fn refused() -> JobError {
        JobError::new(ErrorKind::Unauthorized, "HTTP status 401")
    }

    fn delay(until: Instant, submits_only: bool) -> Delay {
        Delay {
            until,
            submits_only,
            error: Some(refused()),
        }
    }

    #[test]
    fn delay_that_an_unbundled_component_reports_holds_its_own_jobs_alone() {
        let now = Instant::now();
        let until = now + Duration::from_mins(1);
        for submits_only in [false, true] {
            let mut holds = Holds::default();
            holds.delay(LIAR, delay(until, submits_only));
            assert!(
                holds
                    .submits_until(LIAR)
                    .is_some_and(|held| held.0 == until)
            );
            assert_eq!(holds.requests_until(LIAR).is_some(), !submits_only);
            for other in [Party::Bundled, HONEST] {
                assert_eq!(holds.submits_until(other), None);
                assert_eq!(holds.requests_until(other), None);
            }
        }
    }

    #[test]
    fn refused_credential_that_an_unbundled_component_reports_holds_it_for_a_bounded_time() {
        let now = Instant::now();
        let mut holds = Holds::default();
        holds.block(LIAR, refused(), now);
        assert_eq!(holds.blocked(LIAR, now), Some(refused()));
        for other in [Party::Bundled, HONEST] {
            assert_eq!(holds.blocked(other, now), None);
        }
        assert_eq!(holds.blocked(LIAR, now + MAX_HOLD), None);
    }

    #[test]
    fn bundled_component_is_believed_for_the_connection() {
        let now = Instant::now();
        let until = now + Duration::from_mins(1);
        let mut holds = Holds::default();
        holds.block(Party::Bundled, refused(), now);
        holds.delay(Party::Bundled, delay(until, false));
        for any in [Party::Bundled, LIAR] {
            assert_eq!(holds.blocked(any, now + 10 * MAX_HOLD), Some(refused()));
            assert_eq!(holds.requests_until(any), Some(until));
        }
    }
}
