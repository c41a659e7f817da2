//! The byte budget: what the host holds in memory for components, outside of their linear memory.
//!
//! A call, its pack and the process have a share each. Counted are request bodies from the first
//! byte until they are sent, and replies from the first byte until the component has read them
//! to their end or dropped them, with what their decoding takes; clips inside a reply count
//! until they are on disk. The bytes carry their [`Reserved`] ([`Reserved::holding`]), so that they
//! are counted as long as they are in memory.
//!
//! # Waiting ends
//!
//! A reservation beyond a share waits, in the order of arrival. Calls may wait while they hold
//! something, so two rules keep them from waiting for each other:
//!
//! - The oldest call of a pack that holds or wants memory does not wait for the share of the
//!   pack, and the oldest call of all does not wait for that of the process. The oldest call of
//!   all is the oldest of its pack too, so it never waits for another call. It ends, by itself or
//!   by its time limit, releases what it held, and the next call is the oldest one. By induction
//!   each call becomes the oldest one that wants memory.
//! - A reservation that holds all that its call holds does not wait for the share of the call:
//!   nothing of that call would ever be released otherwise.
//!
//! So at most one call of a pack exceeds the pack's share, by no more than its own, and likewise
//! of the process. What a waiting reservation lacks is held by its own call only if the component
//! leaves replies unread; then the time limit of the request ends the wait.
//!
//! On top come replies that do not wait. They are counted, so that others wait for them:
//!
//! - the replies to a call as long as it holds [`SMALL`] bytes at most,
//! - of each call the reply to the one request that may cost money ([`CallBudget::reserved_at_once`]),
//!   up to [`SMALL`] bytes, and the memory of its decoder while it is decoded. The ticket of a
//!   submit is not lost because other calls hold the memory.
//!
//! A reservation that waits for the share of its pack lets those of other packs pass.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;

/// The shares of packs and of the process, and what is held of them. Cheap to clone.
#[derive(Clone)]
pub(super) struct MemoryBudget(Arc<Inner>);

struct Inner {
    pack_bytes: u64,
    process_bytes: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Bytes of all calls.
    used: u64,
    /// The calls that hold something or wait, by age.
    calls: BTreeMap<u64, Held>,
    queue: VecDeque<Waiting>,
}

/// A call that holds something or waits.
struct Held {
    pack: usize,
    used: u64,
    waiting: usize,
}

/// A reservation that waits.
struct Waiting {
    number: u64,
    call: u64,
    share: u64,
    /// What it holds already.
    held: u64,
    more: u64,
    admitted: oneshot::Sender<()>,
}

/// Bytes of replies that do not wait: one of 64 KiB, and what it takes to decode its charset or to
/// separate it.
pub(super) const SMALL: u64 = 256 << 10;

/// The source of the ages of calls and the numbers of reservations.
static NEXT: AtomicU64 = AtomicU64::new(0);

fn next_number() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl MemoryBudget {
    pub(super) fn new(pack_bytes: u64, process_bytes: u64) -> Self {
        Self(Arc::new(Inner {
            pack_bytes,
            process_bytes,
            state: Mutex::default(),
        }))
    }

    /// The budget of a new call of this pack, with this share.
    pub(super) fn of_call(&self, pack: usize, share: u64) -> CallBudget {
        CallBudget(Arc::new(OfCall {
            budget: self.clone(),
            age: next_number(),
            pack,
            share,
        }))
    }

    /// Bytes of all calls.
    #[cfg(test)]
    pub(super) fn used(&self) -> u64 {
        self.state().used
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The budget of one call. Cheap to clone.
#[derive(Clone)]
pub(super) struct CallBudget(Arc<OfCall>);

struct OfCall {
    budget: MemoryBudget,
    age: u64,
    pack: usize,
    share: u64,
}

impl CallBudget {
    /// A reservation of no byte, which can grow.
    pub(super) fn reserved(&self) -> Reserved {
        Reserved {
            call: self.clone(),
            bytes: 0,
            at_once: 0,
        }
    }

    /// The same for the reply to the one request of a call that may cost money: [`SMALL`] bytes of
    /// it do not wait, whatever the call holds.
    pub(super) fn reserved_at_once(&self) -> Reserved {
        let mut reserved = self.reserved();
        reserved.at_once = SMALL;
        reserved
    }

    /// The share of the call.
    pub(super) fn share(&self) -> u64 {
        self.0.share
    }

    /// Whether `more` bytes would exceed the share of the call now.
    pub(super) fn is_exceeded_by(&self, more: u64) -> bool {
        let state = self.0.budget.state();
        let used = state.calls.get(&self.0.age).map_or(0, |held| held.used);
        used.saturating_add(more) > self.0.share
    }

    /// Takes `more` bytes without waiting, if the call then holds no more than [`SMALL`] bytes or
    /// `is_free`.
    fn take_at_once(&self, more: u64, is_free: bool) -> bool {
        let mut state = self.0.budget.state();
        let used = state.calls.get(&self.0.age).map_or(0, |held| held.used);
        let is_taken = is_free || used.saturating_add(more) <= SMALL;
        if is_taken {
            state.entry(self.0.age, self.0.pack).used += more;
            state.used += more;
        }
        is_taken
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.0.budget.state();
        change(&mut state);
        let inner = &self.0.budget.0;
        state.admit(inner.pack_bytes, inner.process_bytes);
    }
}

/// Bytes of a call that are counted until it is dropped.
pub(super) struct Reserved {
    call: CallBudget,
    bytes: u64,
    /// Up to so many bytes of a reply do not wait.
    at_once: u64,
}

impl Reserved {
    /// Waits until it has at least `bytes`.
    pub(super) async fn grow_to(&mut self, bytes: u64) {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return;
        }
        let (admitted, is_admitted) = oneshot::channel();
        let call = &self.call.0;
        let mut reservation = Pending {
            call: &self.call,
            number: next_number(),
            more,
            is_taken: false,
        };
        let waiting = Waiting {
            number: reservation.number,
            call: call.age,
            share: call.share,
            held: self.bytes,
            more,
            admitted,
        };
        self.call.change(|state| state.wait(waiting, call.pack));
        // The sender is dropped only after it was used.
        let _ = is_admitted.await;
        reservation.is_taken = true;
        drop(reservation);
        self.bytes += more;
    }

    /// The same for a reply, of which some bytes do not wait.
    pub(super) async fn grow_reply_to(&mut self, bytes: u64) {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return;
        }
        if self.call.take_at_once(more, bytes <= self.at_once) {
            self.bytes += more;
        } else {
            self.grow_to(bytes).await;
        }
    }

    /// Lets a reply that does not wait for its own bytes take those of its decoder too.
    pub(super) fn allow_decoder(&mut self, memory: u64) {
        if self.at_once > 0 {
            self.at_once = SMALL.saturating_add(memory);
        }
    }

    /// Releases what is beyond `bytes`.
    pub(super) fn shrink_to(&mut self, bytes: u64) {
        drop(self.split(self.bytes.saturating_sub(bytes)));
    }

    /// A reservation of `bytes` of it, which it no longer has.
    pub(super) fn split(&mut self, bytes: u64) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        let mut split = self.call.reserved();
        split.bytes = bytes;
        split
    }

    /// `bytes`, which hold this reservation as long as a part of them is in memory.
    pub(super) fn holding(self: Arc<Self>, bytes: Bytes) -> Bytes {
        if bytes.is_empty() {
            return bytes;
        }
        Bytes::from_owner(Holding {
            bytes,
            _reserved: self,
        })
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let (age, bytes) = (self.call.0.age, self.bytes);
        if bytes > 0 {
            self.call.change(|state| state.release(age, bytes));
        }
    }
}

struct Holding {
    bytes: Bytes,
    _reserved: Arc<Reserved>,
}

impl AsRef<[u8]> for Holding {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A reservation whose future may be dropped while it waits, or after it was admitted.
struct Pending<'a> {
    call: &'a CallBudget,
    number: u64,
    more: u64,
    is_taken: bool,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.is_taken {
            return;
        }
        let age = self.call.0.age;
        self.call.change(|state| {
            let place = state
                .queue
                .iter()
                .position(|waiting| waiting.number == self.number);
            match place {
                Some(place) => {
                    state.queue.remove(place);
                    state.stop_waiting(age);
                }
                None => state.release(age, self.more),
            }
        });
    }
}

impl State {
    fn wait(&mut self, waiting: Waiting, pack: usize) {
        self.entry(waiting.call, pack).waiting += 1;
        self.queue.push_back(waiting);
    }

    fn entry(&mut self, call: u64, pack: usize) -> &mut Held {
        self.calls.entry(call).or_insert(Held {
            pack,
            used: 0,
            waiting: 0,
        })
    }

    fn release(&mut self, call: u64, bytes: u64) {
        self.used -= bytes;
        if let Some(held) = self.calls.get_mut(&call) {
            held.used -= bytes;
        }
        self.forget(call);
    }

    fn stop_waiting(&mut self, call: u64) {
        if let Some(held) = self.calls.get_mut(&call) {
            held.waiting -= 1;
        }
        self.forget(call);
    }

    fn forget(&mut self, call: u64) {
        let held = self.calls.get(&call);
        if held.is_some_and(|held| held.used == 0 && held.waiting == 0) {
            self.calls.remove(&call);
        }
    }

    /// Admits the reservations that need not wait any more.
    fn admit(&mut self, pack_bytes: u64, process_bytes: u64) {
        if self.queue.is_empty() {
            return;
        }
        // A later reservation does not take what an earlier one waits for.
        let (mut full_calls, mut full_packs) = (BTreeSet::new(), BTreeSet::new());
        let mut is_full = false;
        let mut packs: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
        for (age, held) in &self.calls {
            let (_, used) = packs.entry(held.pack).or_insert((*age, 0));
            *used += held.used;
        }
        let oldest = self.calls.keys().next().copied();
        let mut at = 0;
        while let Some(waiting) = self.queue.get(at) {
            let (call, more) = (waiting.call, waiting.more);
            let Some(held) = self.calls.get_mut(&call) else {
                at += 1;
                continue;
            };
            let (oldest_of_pack, in_pack) = packs.entry(held.pack).or_insert((call, 0));
            let fits = |used: u64, limit: u64| used == 0 || used.saturating_add(more) <= limit;
            if full_calls.contains(&call)
                || !fits(
                    held.used - waiting.held,
                    waiting.share.saturating_sub(waiting.held),
                )
            {
                full_calls.insert(call);
            } else if call != *oldest_of_pack
                && (full_packs.contains(&held.pack) || !fits(*in_pack, pack_bytes))
            {
                full_packs.insert(held.pack);
            } else if Some(call) != oldest && (is_full || !fits(self.used, process_bytes)) {
                is_full = true;
            } else {
                held.used += more;
                held.waiting -= 1;
                *in_pack += more;
                self.used += more;
                if let Some(admitted) = self.queue.remove(at) {
                    // If its future was dropped, its `Pending` releases the bytes.
                    let _ = admitted.admitted.send(());
                }
                continue;
            }
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests;
