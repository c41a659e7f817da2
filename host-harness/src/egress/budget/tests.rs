use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::*;

/// A reservation of `bytes` that may wait.
fn reserving(call: &CallBudget, bytes: u64) -> BoxFuture<'static, Reserved> {
    let mut reserved = call.reserved();
    async move {
        reserved.grow_to(bytes).await;
        reserved
    }
    .boxed()
}

fn at_once(call: &CallBudget, bytes: u64) -> Option<Reserved> {
    reserving(call, bytes).now_or_never()
}

#[test]
fn reservation_waits_for_the_share_of_its_call() {
    let budget = MemoryBudget::new(1000, 1000);
    let call = budget.of_call(1, 100);
    let first = at_once(&call, 60).expect("free");
    let mut second = reserving(&call, 50);
    assert!(second.as_mut().now_or_never().is_none());
    assert!(call.is_exceeded_by(50));
    drop(first);
    let second = second.now_or_never().expect("free");
    assert_eq!(budget.used(), 50);
    drop(second);
    assert_eq!(budget.used(), 0);
    assert!(budget.state().calls.is_empty());
}

#[test]
fn reservation_beyond_every_share_is_admitted_alone() {
    let budget = MemoryBudget::new(100, 100);
    let call = budget.of_call(1, 100);
    let other = budget.of_call(1, 100);
    let long = at_once(&call, 1000).expect("alone");
    let mut waits = reserving(&other, 1);
    assert!(waits.as_mut().now_or_never().is_none());
    drop(long);
    assert!(waits.now_or_never().is_some());
}

#[test]
fn pack_that_waits_for_its_share_lets_others_pass() {
    let budget = MemoryBudget::new(100, 300);
    let calls = [1, 1, 1, 2].map(|pack| budget.of_call(pack, 100));
    let oldest = at_once(&calls[0], 90).expect("free");
    let mut second = reserving(&calls[1], 20);
    assert!(second.as_mut().now_or_never().is_none());
    // Not before the one that waits already.
    let mut third = reserving(&calls[2], 5);
    assert!(third.as_mut().now_or_never().is_none());
    let other = at_once(&calls[3], 100).expect("another pack");
    drop(oldest);
    let second = second.now_or_never().expect("free");
    let third = third.now_or_never().expect("free");
    drop((second, third, other));
    assert_eq!(budget.used(), 0);
}

#[test]
fn oldest_call_of_a_pack_never_waits_for_its_share() {
    let budget = MemoryBudget::new(100, 100);
    let calls = [1, 1, 1].map(|pack| budget.of_call(pack, 100));
    // Each holds a part, and wants more than is left.
    let mut parts = calls
        .each_ref()
        .map(|call| at_once(call, 30).expect("free"));
    for _ in 0..2 {
        assert!(parts[1].grow_to(90).now_or_never().is_none());
        assert!(parts[2].grow_to(90).now_or_never().is_none());
        parts[0]
            .grow_to(90)
            .now_or_never()
            .expect("the oldest call");
        parts[0].shrink_to(30);
    }
    let [first, mut second, mut third] = parts;
    drop(first);
    second.grow_to(90).now_or_never().expect("the oldest call");
    assert!(third.grow_to(90).now_or_never().is_none());
    drop(second);
    third.grow_to(90).now_or_never().expect("the only call");
}

/// Calls that hold something wait for more. Each of them is admitted in the end.
#[tokio::test]
async fn calls_that_hold_a_part_do_not_wait_for_each_other() {
    let budget = MemoryBudget::new(100, 150);
    let steps = (0..40_usize).map(|number| {
        let call = budget.of_call(number % 3, 64);
        async move {
            let mut kept = Vec::new();
            for step in [10, 20, 30] {
                let mut reserved = call.reserved();
                for bytes in [1, step / 2, step] {
                    reserved.grow_to(bytes).await;
                    tokio::task::yield_now().await;
                }
                reserved.shrink_to(step - 5);
                kept.push(Arc::new(reserved).holding(Bytes::from(vec![0; 5])));
            }
            kept.len()
        }
    });
    let ended = futures::future::join_all(steps).await;
    assert_eq!(ended, [3; 40]);
    assert_eq!(budget.used(), 0);
}

#[test]
fn dropped_reservation_releases_its_place_and_its_bytes() {
    let budget = MemoryBudget::new(100, 100);
    let calls = [1, 1, 1].map(|pack| budget.of_call(pack, 100));
    let held = at_once(&calls[0], 90).expect("free");
    let mut second = reserving(&calls[1], 50);
    assert!(second.as_mut().now_or_never().is_none());
    let mut third = reserving(&calls[2], 10);
    assert!(third.as_mut().now_or_never().is_none());
    drop(second);
    assert!(third.now_or_never().is_some());
    let mut admitted = reserving(&calls[1], 50);
    assert!(admitted.as_mut().now_or_never().is_none());
    drop(held);
    // Admitted, and not polled again.
    assert_eq!(budget.used(), 50);
    drop(admitted);
    assert_eq!(budget.used(), 0);
    assert!(budget.state().calls.is_empty());
}

#[test]
fn bytes_count_as_long_as_a_part_of_them_is_in_memory() {
    let budget = MemoryBudget::new(100, 100);
    let call = budget.of_call(1, 100);
    let mut reserved = at_once(&call, 10).expect("free");
    let text = Arc::new(reserved.split(4)).holding(Bytes::from_static(b"text"));
    drop(reserved);
    assert_eq!(budget.used(), 4);
    let part = text.slice(1..2);
    drop(text);
    assert_eq!(budget.used(), 4);
    drop(part);
    assert_eq!(budget.used(), 0);
}

#[test]
fn small_replies_of_a_call_do_not_wait_and_have_a_bound_together() {
    let budget = MemoryBudget::new(100, 100);
    let calls = [1, 1].map(|pack| budget.of_call(pack, 100));
    let held = at_once(&calls[0], 90).expect("free");
    let mut unread = Vec::new();
    for _ in 0..4 {
        let mut reply = calls[1].reserved();
        let grown = reply.grow_reply_to(SMALL / 4).now_or_never();
        grown.expect("at once");
        unread.push(reply);
    }
    assert_eq!(budget.used(), 90 + SMALL);
    let mut beyond = calls[1].reserved();
    assert!(beyond.grow_reply_to(1).now_or_never().is_none());
    assert!(unread[0].grow_reply_to(SMALL).now_or_never().is_none());
    unread.pop();
    let grown = beyond.grow_reply_to(SMALL / 4).now_or_never();
    grown.expect("at once");
    drop((held, unread, beyond));
    assert_eq!(budget.used(), 0);
}

#[test]
fn reply_with_a_ticket_waits_neither_for_its_bytes_nor_for_its_decoder() {
    const DECODER: u64 = 16 << 20;
    let budget = MemoryBudget::new(100, 100);
    let calls = [1, 1].map(|pack| budget.of_call(pack, 100));
    let held = at_once(&calls[0], 90).expect("free");
    let mut unread = calls[1].reserved();
    let grown = unread.grow_reply_to(SMALL).now_or_never();
    grown.expect("at once");
    let mut other = calls[1].reserved();
    other.allow_decoder(DECODER);
    assert!(other.grow_reply_to(1).now_or_never().is_none());
    let mut ticket = calls[1].reserved_at_once();
    let grown = ticket.grow_reply_to(SMALL).now_or_never();
    grown.expect("at once");
    ticket.allow_decoder(DECODER);
    let grown = ticket.grow_reply_to(SMALL + DECODER).now_or_never();
    grown.expect("at once");
    assert_eq!(budget.used(), 90 + 2 * SMALL + DECODER);
    let more = SMALL + DECODER + 1;
    assert!(ticket.grow_reply_to(more).now_or_never().is_none());
    drop((held, unread, other, ticket));
    assert_eq!(budget.used(), 0);
}
