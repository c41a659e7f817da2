//! The pool of open connections, for the next request to the same destination.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures::FutureExt as _;
use hyper::client::conn::{http1, http2};

use super::destination::{Destination, RequestBody};

/// How long an idle connection is kept. Common servers close theirs after 5 s (Node) to 75 s
/// (nginx); a read on a stale connection is repeated once.
pub(super) const KEPT: Duration = Duration::from_secs(20);

/// Most idle connections to one destination: as many as a driver with its default concurrency
/// can use at once.
const MOST_IDLE: usize = 64;

/// How long a connection may take to complete its last exchange before it is dropped.
const SETTLING: Duration = Duration::from_secs(5);

/// One open connection, ready for a request.
pub(crate) enum Sender {
    Http1(http1::SendRequest<RequestBody>),
    Http2(http2::SendRequest<RequestBody>),
}

impl Sender {
    fn is_open(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_ready(),
            Self::Http2(sender) => sender.is_ready(),
        }
    }
}

struct Idle {
    sender: Sender,
    since: Instant,
    /// The monotonic clock of some systems stands still while the machine sleeps.
    since_date: SystemTime,
}

impl Idle {
    /// Whether it was idle for less than `unused`, by both clocks.
    fn is_recent(&self, unused: Duration) -> bool {
        let by_date = SystemTime::now().duration_since(self.since_date);
        self.since.elapsed() < unused && by_date.is_ok_and(|idle| idle < unused)
    }
}

/// Idle connections by destination. The destination includes the address rule, so that a
/// request with a stricter rule does not reuse a connection made under a looser one.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<HashMap<Destination, Vec<Idle>>>,
}

impl Pool {
    /// An open connection to `destination` that was idle for less than `unused`, if any.
    pub(crate) fn take(&self, destination: &Destination, unused: Duration) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let Entry::Occupied(mut kept) = idle.entry(destination.clone()) else {
            return None;
        };
        kept.get_mut()
            .retain(|idle| idle.is_recent(KEPT) && idle.sender.is_open());
        let last = kept.get().last().filter(|idle| idle.is_recent(unused));
        let taken = match last.map(|idle| &idle.sender) {
            // Shared: HTTP/2 carries many requests at once.
            Some(Sender::Http2(sender)) => Some(Sender::Http2(sender.clone())),
            Some(Sender::Http1(_)) => kept.get_mut().pop().map(|idle| idle.sender),
            None => None,
        };
        if kept.get().is_empty() {
            kept.remove();
        }
        taken
    }

    /// Returns a connection to the pool after its last reply was read.
    pub(crate) fn give_back(self: &Arc<Self>, destination: Destination, sender: Sender) {
        match sender {
            Sender::Http1(mut sender) => match sender.ready().now_or_never() {
                Some(Ok(())) => self.keep(destination, Sender::Http1(sender)),
                Some(Err(_)) => {}
                None => {
                    let pool = Arc::clone(self);
                    tokio::spawn(async move {
                        if let Ok(Ok(())) = tokio::time::timeout(SETTLING, sender.ready()).await {
                            pool.keep(destination, Sender::Http1(sender));
                        }
                    });
                }
            },
            sender @ Sender::Http2(_) => self.keep(destination, sender),
        }
    }

    fn keep(&self, destination: Destination, sender: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|_, kept| {
            kept.retain(|idle| idle.is_recent(KEPT));
            !kept.is_empty()
        });
        let kept = idle.entry(destination).or_default();
        if matches!(sender, Sender::Http2(_)) {
            kept.retain(|idle| matches!(idle.sender, Sender::Http1(_)));
        }
        if kept.len() < MOST_IDLE {
            kept.push(Idle {
                sender,
                since: Instant::now(),
                since_date: SystemTime::now(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::DriverSettings;

    #[test]
    fn pool_holds_a_connection_for_every_call_of_a_driver() {
        assert!(MOST_IDLE >= DriverSettings::default().calls);
    }
}
