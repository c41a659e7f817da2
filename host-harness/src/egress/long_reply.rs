//! Replies that are longer than usual because they hold a clip. Few of them are in memory at
//! once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::ReplyLost;

/// Most long replies in memory at once. With the default limits of a pack each takes up to
/// 56 MiB.
pub(super) const MAX_LONG_REPLIES: usize = 8;

/// The permission to read one long reply. It waits in a queue until fewer than
/// [`MAX_LONG_REPLIES`] others are in memory.
pub(super) struct LongReply {
    permits: Arc<Semaphore>,
    limit: u64,
    permit: Option<OwnedSemaphorePermit>,
    /// Whether the call has a permit already, from an earlier reply.
    is_permitted: bool,
}

impl LongReply {
    pub(super) fn new(permits: Arc<Semaphore>, limit: u64) -> Self {
        Self {
            permits,
            limit,
            permit: None,
            is_permitted: false,
        }
    }

    /// The same; `is_permitted` if the call has a permit already and takes no second one.
    pub(super) fn permitted(mut self, is_permitted: bool) -> Self {
        self.is_permitted = is_permitted;
        self
    }

    /// Its length limit in bytes.
    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// Waits until a reply that begins with `bytes` may exceed `usual`, its usual limit. Only a
    /// JSON text can hold a clip.
    pub(super) async fn permit(&mut self, bytes: &[u8], usual: u64) -> Result<(), ReplyLost> {
        if self.limit <= usual || !begins_as_json(bytes) {
            return Err(ReplyLost::BodyTooLong { limit: usual });
        }
        if bytes.len() as u64 > self.limit {
            return Err(ReplyLost::BodyTooLong { limit: self.limit });
        }
        if !self.is_permitted && self.permit.is_none() {
            self.permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        }
        Ok(())
    }

    /// The permit, which is to be dropped with the reply.
    pub(super) fn into_permit(self) -> Option<OwnedSemaphorePermit> {
        self.permit
    }
}

fn begins_as_json(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    matches!(text.trim_ascii_start(), [b'{' | b'[' | b'"', ..])
}
