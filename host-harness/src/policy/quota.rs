//! The permissions of a loaded pack and its use of the limits, shared by its calls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{PackLimit, Permissions};

const MINUTE: Duration = Duration::from_mins(1);

/// The permissions of a loaded pack, with its free instances and requests.
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

    /// Waits for a permit for one more call of the pack. Never `None`: the semaphore is not
    /// closed.
    pub(crate) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.instances).acquire_owned().await.ok()
    }

    /// Counts one more request; returns whether the limit of a minute allows it.
    pub(crate) fn take_request(&self) -> bool {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.take(Instant::now())
    }
}

/// A token bucket that fills evenly, up to the requests of a minute.
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
    async fn call_beyond_the_granted_instances_waits() {
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
    fn request_bucket_refills_over_a_minute() {
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
