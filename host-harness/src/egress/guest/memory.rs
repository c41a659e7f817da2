//! The memory of one call's requests and replies, and how many of them are under way at once.

use std::sync::{Arc, OnceLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::egress::broker::Egress;
use crate::egress::budget::CallBudget;
use crate::egress::limits::HttpLimits;
use crate::policy::Quota;

/// Most requests of a call that are under way at once, from the first byte of the body to the
/// last of the reply. Further ones wait.
const MOST_UNDER_WAY: usize = 4;

/// The memory of one call's requests and replies.
pub(crate) struct CallMemory {
    budget: OnceLock<CallBudget>,
    turns: Arc<Semaphore>,
}

impl Default for CallMemory {
    fn default() -> Self {
        Self {
            budget: OnceLock::new(),
            turns: Arc::new(Semaphore::new(MOST_UNDER_WAY)),
        }
    }
}

impl CallMemory {
    /// The budget of the call, which belongs to the pack with this quota.
    pub(super) fn budget(
        &self,
        egress: &Egress,
        quota: &Arc<Quota>,
        limits: &HttpLimits,
    ) -> &CallBudget {
        let share = limits.call_bytes.max(
            longest_reply(limits.reply_body, limits.clip_body).saturating_add(limits.reply_body),
        );
        let pack = Arc::as_ptr(quota).addr();
        self.budget
            .get_or_init(|| egress.budget().of_call(pack, share))
    }

    /// Waits until fewer than [`MOST_UNDER_WAY`] requests are under way. Never `None`: the
    /// semaphore is not closed.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Whether the request that has a turn is the only one.
    pub(super) fn is_only_turn(&self) -> bool {
        self.turns.available_permits() + 1 >= MOST_UNDER_WAY
    }
}

/// The longest reply whose text and clips are within the limits: base64 with line breaks and
/// their escapes takes less than half as much again as the bytes.
pub(super) fn longest_reply(text: u64, clips: u64) -> u64 {
    text.saturating_add(clips).saturating_add(clips / 2)
}
