//! Fair shares of the concurrent calls and downloads.
//!
//! - Connections that have work now or soon share the places evenly, each at least one. A
//!   connection alone may use all but the reserve.
//! - A component that is not bundled with this program uses at most three quarters of all places,
//!   and of the share of a connection. Several such components on a connection divide that.
//! - The reserve is for queues without a running step, so that a queue that comes later does not
//!   wait for slow ones.

use std::collections::BTreeSet;

use super::settings::DriverSettings;
use crate::ledger::{Millis, QueueId};

/// A connection whose next job is due within this time has a share already.
const SOON: Millis = 1_000;

/// Of the queues with the earliest next times of their jobs, those with a job that is due soon.
pub(super) fn queues_due_soon(pending: &[(QueueId, Millis)], now: Millis) -> BTreeSet<QueueId> {
    let soon = pending.iter().filter(|(_, first)| *first <= now + SOON);
    soon.map(|(queue_id, _)| queue_id.clone()).collect()
}

/// The places of one kind of work, and who has or wants one.
pub(super) struct Places<'a> {
    pub(super) limit: Limit,
    /// The queue of each running step.
    pub(super) running: Vec<&'a QueueId>,
    /// The queues with jobs that could start now.
    pub(super) ready: Vec<&'a QueueId>,
    /// The queues with a job that is due soon.
    pub(super) soon: &'a BTreeSet<QueueId>,
}

/// How many places there are.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    /// The number that is shared.
    shared: usize,
    /// With so many taken, only a queue without a running step gets one.
    unreserved: usize,
    /// With so many taken, no queue gets one.
    most: usize,
}

impl Limit {
    /// Concurrent calls: an eighth is the reserve.
    pub(super) fn calls(settings: &DriverSettings) -> Self {
        let calls = settings.calls;
        Self {
            shared: calls,
            unreserved: calls - calls / 8,
            most: calls,
        }
    }

    /// Concurrent downloads. One may take hours, so a queue without one always starts one.
    pub(super) fn downloads(settings: &DriverSettings) -> Self {
        Self {
            shared: settings.downloads,
            unreserved: settings.downloads,
            most: usize::MAX,
        }
    }
}

impl<'a> Places<'a> {
    pub(super) fn new(limit: Limit, soon: &'a BTreeSet<QueueId>) -> Self {
        Self {
            limit,
            running: Vec::new(),
            ready: Vec::new(),
            soon,
        }
    }

    /// Whether one more step of a queue may start.
    pub(super) fn allow(&self, queue_id: &QueueId, is_bundled: impl Fn(&str) -> bool) -> bool {
        let own = self.count(|running| running == queue_id);
        if own == 0 {
            return self.running.len() < self.limit.most;
        }
        let share = self.share();
        let is_free = self.running.len() < self.limit.unreserved
            && self.count(|running| running.connection == queue_id.connection) < share;
        if is_bundled(&queue_id.component) {
            return is_free;
        }
        let competing: BTreeSet<_> = self
            .queues()
            .filter(|other| {
                other.connection == queue_id.connection && !is_bundled(&other.component)
            })
            .collect();
        let quota = three_quarters(share) / competing.len().max(1);
        is_free
            && own < quota.max(1)
            && self.count(|running| running.component == queue_id.component)
                < three_quarters(self.limit.shared)
    }

    /// The share of a connection.
    fn share(&self) -> usize {
        let connections: BTreeSet<_> = self
            .queues()
            .chain(self.soon)
            .map(|queue_id| &queue_id.connection)
            .collect();
        (self.limit.shared / connections.len().max(1)).max(1)
    }

    fn queues(&self) -> impl Iterator<Item = &QueueId> {
        self.running.iter().chain(&self.ready).copied()
    }

    fn count(&self, of: impl Fn(&QueueId) -> bool) -> usize {
        self.running.iter().filter(|queue_id| of(queue_id)).count()
    }
}

fn three_quarters(places: usize) -> usize {
    places - places / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUNDLED: &str = "bundled";

    fn queue_id(connection: &str, component: &str) -> QueueId {
        QueueId {
            connection: connection.into(),
            component: component.into(),
        }
    }

    /// Running steps after each of these queues, in turn, has started as many as it may.
    fn started(limit: Limit, queues: &[QueueId]) -> Vec<usize> {
        let none = BTreeSet::new();
        let mut running: Vec<&QueueId> = Vec::new();
        let mut known = Vec::new();
        for queue_id in queues {
            known.push(queue_id);
            // Bounded, so that the test ends if there is no limit.
            for _ in 0..1_000 {
                let places = Places {
                    running: running.clone(),
                    ready: known.clone(),
                    ..Places::new(limit, &none)
                };
                if !places.allow(queue_id, |component| component == BUNDLED) {
                    break;
                }
                running.push(queue_id);
            }
        }
        let count = |queue_id: &QueueId| running.iter().filter(|one| **one == queue_id).count();
        queues.iter().map(count).collect()
    }

    #[test]
    fn slow_connection_leaves_places_for_those_that_come_later() {
        let calls = Limit::calls(&DriverSettings::default());
        let slow = queue_id("a", BUNDLED);
        assert_eq!(started(calls, std::slice::from_ref(&slow)), [56]);
        let others = ["b", "c", "d"].map(|connection| queue_id(connection, BUNDLED));
        let queues: Vec<_> = std::iter::once(slow).chain(others).collect();
        assert_eq!(started(calls, &queues), [56, 1, 1, 1]);
    }

    #[test]
    fn connections_that_are_ready_together_have_equal_shares() {
        let calls = Limit::calls(&DriverSettings::default());
        let (none, queues) = (
            BTreeSet::new(),
            ["a", "b"].map(|name| queue_id(name, BUNDLED)),
        );
        let running: Vec<_> = std::iter::repeat_n(&queues[0], 32).collect();
        let places = Places {
            running,
            ready: queues.iter().collect(),
            ..Places::new(calls, &none)
        };
        assert!(!places.allow(&queues[0], |_| true) && places.allow(&queues[1], |_| true));
        // A job that is due soon counts too.
        let soon = BTreeSet::from([queues[1].clone()]);
        let places = Places {
            running: std::iter::repeat_n(&queues[0], 32).collect(),
            ready: vec![&queues[0]],
            ..Places::new(calls, &soon)
        };
        assert!(!places.allow(&queues[0], |_| true));
    }

    #[test]
    fn connections_whose_jobs_are_due_in_minutes_take_no_share() {
        let calls = Limit::calls(&DriverSettings::default());
        let busy = queue_id("busy", BUNDLED);
        let mut pending: Vec<_> = (0..9)
            .map(|number| (queue_id(&format!("sleeping {number}"), BUNDLED), 120_000))
            .collect();
        pending.push((busy.clone(), 0));
        let may_start = |pending: &[(QueueId, Millis)], running| {
            let soon = queues_due_soon(pending, 5_000);
            let places = Places {
                running: std::iter::repeat_n(&busy, running).collect(),
                ready: vec![&busy],
                ..Places::new(calls, &soon)
            };
            places.allow(&busy, |_| true)
        };
        assert!(may_start(&pending, 55) && !may_start(&pending, 56));
        for (_, first) in &mut pending {
            *first = 5_500;
        }
        assert!(may_start(&pending, 5) && !may_start(&pending, 6));
    }

    #[test]
    fn unbundled_component_has_three_quarters_of_a_connection_at_most() {
        let calls = Limit::calls(&DriverSettings::default());
        let queues = [queue_id("a", "stranger"), queue_id("a", BUNDLED)];
        assert_eq!(started(calls, &queues), [48, 8]);
        let strangers = [
            queue_id("a", "one"),
            queue_id("a", "two"),
            queue_id("a", BUNDLED),
        ];
        assert_eq!(started(calls, &strangers), [48, 8, 1]);
        // On two connections together.
        let twice = [queue_id("a", "stranger"), queue_id("b", "stranger")];
        assert_eq!(started(calls, &twice), [48, 1]);
    }

    #[test]
    fn slow_download_server_leaves_a_place_for_every_lane() {
        let downloads = Limit::downloads(&DriverSettings::default());
        let queues = ["a", "b", "c", "d", "e", "f"].map(|name| queue_id(name, BUNDLED));
        assert_eq!(started(downloads, &queues), [4, 1, 1, 1, 1, 1]);
        let packs = [queue_id("a", "stranger"), queue_id("a", BUNDLED)];
        assert_eq!(started(downloads, &packs), [3, 1]);
    }

    #[test]
    fn single_place_is_used() {
        let settings = DriverSettings {
            calls: 1,
            downloads: 1,
        };
        for limit in [Limit::calls(&settings), Limit::downloads(&settings)] {
            assert_eq!(started(limit, &[queue_id("a", "stranger")]), [1]);
        }
    }
}
