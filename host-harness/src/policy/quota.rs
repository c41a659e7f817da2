//! What a pack may do and what it has used up of it, shared by its calls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{PackLimit, Permissions};

const MINUTE: Duration = Duration::from_mins(1);

/// One loaded pack's permissions and what is left of them.
pub(crate) struct Quota {
    permissions: Permissions,
    instances: Arc<Semaphore>,
    requests: Mutex<Bucket>,
}

impl Quota {
    pub(crate) fn new(permissions: Permissions) -> Self {
        let bounds = permissions.bounds();
        let instances = bounds.size(PackLimit::Instances);
        Self {
            instances: Arc::new(Semaphore::new(instances.min(Semaphore::MAX_PERMITS))),
            requests: Mutex::new(Bucket::full(
                bounds.of_one(PackLimit::RequestsPerMinute),
                Instant::now(),
            )),
            permissions,
        }
    }

    pub(crate) fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// Waits for room for one more of the pack's calls. `None` never happens: the
    /// semaphore is not closed.
    pub(crate) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.instances).acquire_owned().await.ok()
    }

    /// Whether one more request is within what a minute allows.
    pub(crate) fn take_request(&self) -> bool {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.take(Instant::now())
    }
}

/// Fills evenly, up to what a minute allows.
struct Bucket {
    a_minute: u64,
    left: f64,
    since: Instant,
}

impl Bucket {
    fn full(a_minute: u64, now: Instant) -> Self {
        Self {
            a_minute,
            left: exact(a_minute),
            since: now,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.since);
        let capacity = exact(self.a_minute);
        let filled = capacity * passed.as_secs_f64() / MINUTE.as_secs_f64();
        self.left = (self.left + filled).min(capacity);
        self.since = now;
        let is_left = self.left >= 1.0;
        if is_left {
            self.left -= 1.0;
        }
        is_left
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "beyond 2^53 requests a minute nothing is limited"
)]
fn exact(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::digest::Sha256Digest;
    use crate::policy::{Grant, Manifest, PackLimits, Policy};

    #[tokio::test]
    async fn one_call_more_than_granted_waits() {
        let manifest = Manifest::default();
        let grant = Grant {
            limits: PackLimits::default().with(PackLimit::Instances, 1),
            ..Grant::as_asked(&manifest)
        };
        let digest = Sha256Digest::from([1; 32]);
        let permissions = Policy::default()
            .with(digest, grant)
            .permissions(digest, manifest)
            .expect("allowed");
        let quota = Quota::new(permissions);
        let first = quota.permit().await;
        assert!(quota.permit().now_or_never().is_none());
        drop(first);
        assert!(quota.permit().await.is_some());
    }

    #[test]
    fn a_minute_allows_so_many_and_fills_up_again() {
        let start = Instant::now();
        let mut bucket = Bucket::full(60, start);
        assert!((0..60).all(|_| bucket.take(start)));
        assert!(!bucket.take(start));
        assert!(!bucket.take(start + Duration::from_millis(900)));
        let two_and_a_half = start + Duration::from_millis(2_500);
        assert!((0..2).all(|_| bucket.take(two_and_a_half)));
        assert!(!bucket.take(two_and_a_half));
        let later = start + Duration::from_hours(1);
        assert!((0..60).all(|_| bucket.take(later)));
        assert!(!bucket.take(later));
    }
}
