//! A connection's due jobs, and what holds them back.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::budget::{Budget, DEFAULT_RATE};
use crate::ledger::{Job, Trouble};

/// Due rows of a connection that are read at once.
pub(super) const BATCH: usize = 512;

/// A connection's due jobs.
pub(super) struct Lane {
    pub(super) ready: VecDeque<Job>,
    /// Whether there were more of them than were read.
    pub(super) has_more: bool,
    pub(super) budget: Budget,
    pub(super) pace: Pace,
    /// Why nothing more is submitted over it.
    pub(super) blocked: Option<Trouble>,
}

/// What is known of how often a connection may be asked. It says so when it is opened,
/// which the first job over it does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pace {
    Unknown,
    Asked,
    Known(f64),
}

impl Lane {
    /// A lane whose connection has not been opened yet.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            ready: VecDeque::new(),
            has_more: false,
            budget: Budget::new(DEFAULT_RATE, now),
            pace: Pace::Unknown,
            blocked: None,
        }
    }

    /// Whether more of its due rows are to be read.
    pub(super) fn has_room(&self) -> bool {
        self.ready.len() < BATCH / 2
    }

    /// Counts a request that is admitted.
    pub(super) fn count_request(&mut self, now: Instant) {
        self.budget.take(now);
        if self.pace == Pace::Unknown {
            self.pace = Pace::Asked;
        }
    }

    /// A step over the connection has ended: with its rate, where it was opened.
    pub(super) fn learn(&mut self, rate: Option<f64>, now: Instant) {
        if let Some(rate) = rate
            && self.pace != Pace::Known(rate)
        {
            self.pace = Pace::Known(rate);
            self.budget.set_rate(rate, now);
        } else if self.pace == Pace::Asked {
            self.pace = Pace::Unknown;
        }
    }
}
