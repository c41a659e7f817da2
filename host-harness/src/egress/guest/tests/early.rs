//! Replies that come before a request is sent, and `Expect: 100-continue`.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::{BoxFuture, ready};

use super::*;
use crate::egress::testing::early::{EarlyServer, Got, Step};
use crate::egress::{Decision, Submission, SubmitHook};
use Step::{Body, Finish, Head, Pause, Reset, Rest, Say};

/// Longer than what the buffers of a connection hold.
const LONG: usize = 12 << 20;

const CONTINUE: Step = Say("HTTP/1.1 100 Continue\r\n\r\n");
const TOO_LARGE: &str = "HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nlarge";
const LAST: &str = "HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 5\r\n\r\nlarge";
const CHUNKED: &str =
    "HTTP/1.1 413 Too Large\r\ntransfer-encoding: chunked\r\n\r\n5\r\nlarge\r\n0\r\n\r\n";
const OPEN_ENDED: &str = "HTTP/1.1 413 Too Large\r\nconnection: close\r\n\r\nlarge";
const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 5\r\n\r\ntaken";
const FAILED: &str = "HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n";

/// Counts the submits that it permits.
#[derive(Default)]
struct Counts(AtomicUsize);

impl SubmitHook for Counts {
    fn before_submit<'a>(&'a self, _: Submission<'a>) -> BoxFuture<'a, Decision> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(ready(Decision::Send { is_keyed: false }))
    }
}

/// Submits a body of so many bytes. Returns the reply, what was sent, and what the server got.
async fn submit(
    scripts: &[&[Step]],
    length: usize,
) -> (Result<(u16, Bytes), Error>, Sent, Vec<Got>) {
    let server = EarlyServer::start(scripts).await;
    let hook = Arc::new(Counts::default());
    let guest = GuestHttp {
        egress: Some(Egress::new(HttpLimits::default())),
        submit_hook: Some(Arc::clone(&hook) as _),
        ..guest(&server.url(""), Sends::OneSubmit)
    };
    let reply = post_long(&guest, &server.url("/v1/jobs"), length).await;
    let sent = guest.transmission.close();
    assert_eq!(hook.0.load(Ordering::Relaxed), 1, "one submit");
    (reply, sent, server.got().await)
}

fn answered(status: u16) -> Sent {
    Sent::Answered(SubmitReply {
        status,
        retry_after: false,
    })
}

#[tokio::test]
async fn refusal_that_comes_while_the_body_is_sent_is_read() {
    let pieces = [
        Say("HTTP/1.1 413 Too"),
        Pause,
        Say(" Large\r\ncontent-length: 5\r\n\r\nla"),
        Pause,
        Say("rge"),
        Finish,
    ];
    let mut ends: Vec<Vec<Step>> = vec![
        vec![Say(TOO_LARGE), Finish],
        vec![Say(LAST), Finish],
        vec![Say(CHUNKED), Finish],
        pieces.into(),
    ];
    if cfg!(target_os = "linux") {
        // Other systems do not tell that the server ended its bytes before it closed.
        ends.push(vec![Say(OPEN_ENDED), Finish]);
        // Linux keeps received bytes after a reset.
        ends.push(vec![Say(TOO_LARGE), Reset]);
        ends.push(vec![Say(TOO_LARGE)]);
    }
    for end in ends {
        for before in [0, 64 << 10, LONG / 2] {
            let script = [vec![Head, CONTINUE, Body(before)], end.clone()].concat();
            // The order of reads and writes differs from run to run.
            for _ in 0..15 {
                let (reply, sent, _) = submit(&[&script], LONG).await;
                let (status, body) = reply.unwrap_or_else(|error| panic!("{script:?}: {error:?}"));
                assert_eq!((status, &body[..]), (413, &b"large"[..]), "{script:?}");
                assert_eq!(sent, answered(413));
            }
        }
    }
}

#[tokio::test]
async fn acceptance_that_comes_while_the_body_is_sent_is_read() {
    for _ in 0..15 {
        let script = [Head, CONTINUE, Body(64 << 10), Say(ACCEPTED), Finish];
        let (reply, sent, _) = submit(&[&script], LONG).await;
        assert_eq!(reply.expect("a reply"), (202, Bytes::from("taken")));
        assert_eq!(sent, answered(202));
    }
}

#[tokio::test]
async fn reply_without_its_end_does_not_decide() {
    const HALF: &str = "HTTP/1.1 413 Too Large\r\ncontent-length: 9\r\n\r\nhalf";
    for end in [
        vec![Say(HALF), Finish],
        vec![Say(HALF), Reset],
        // A reset may have cut it off.
        vec![Say(OPEN_ENDED), Reset],
        vec![Say("HTTP/1.1 413 Too"), Finish],
        vec![Finish],
        vec![Reset],
    ] {
        let script = [vec![Head, CONTINUE, Body(64 << 10)], end].concat();
        let (reply, sent, _) = submit(&[&script], LONG).await;
        let error = reply.expect_err("half a reply");
        assert!(
            matches!(error, Error::ConnectionTerminated),
            "{script:?}: {error:?}"
        );
        assert_ne!(sent, Sent::Nothing, "{script:?}");
    }
}

#[tokio::test]
async fn large_body_is_not_sent_after_a_refusal_of_its_header() {
    for refusal in [TOO_LARGE, LAST, CHUNKED] {
        let script = [Head, Say(refusal), Rest];
        let (reply, sent, got) = submit(&[&script], LONG).await;
        assert_eq!(reply.expect("a reply"), (413, Bytes::from("large")));
        assert_eq!(sent, answered(413));
        let [got] = &got[..] else {
            panic!("one connection: {}", got.len())
        };
        assert!(got.head.contains("expect: 100-continue\r\n"));
        assert!(got.head.contains(&format!("content-length: {LONG}\r\n")));
        assert_eq!(got.body.len(), 0, "{refusal}");
    }
    let script = [Head, CONTINUE, Say(TOO_LARGE), Finish];
    let (reply, ..) = submit(&[&script], LONG).await;
    assert_eq!(reply.expect("a reply").0, 413);
}

#[tokio::test]
async fn large_body_follows_a_100_or_a_second() {
    let others = "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    for script in [
        vec![Head, CONTINUE, Rest, Say(ACCEPTED)],
        vec![Head, CONTINUE, CONTINUE, Rest, Say(ACCEPTED)],
        vec![Head, Say(others), CONTINUE, Rest, Say(ACCEPTED)],
        vec![Head, Say(others), Rest, Say(ACCEPTED)],
        vec![Head, Rest, Say(ACCEPTED)],
        vec![Head, Rest, CONTINUE, Say(ACCEPTED)],
        // Accepted by its header, the server may still want the body.
        vec![Head, Say(ACCEPTED), Rest],
    ] {
        let (reply, sent, got) = submit(&[&script], LONG).await;
        let reply = reply.unwrap_or_else(|error| panic!("{script:?}: {error:?}"));
        assert_eq!(reply, (202, Bytes::from("taken")), "{script:?}");
        assert_eq!(sent, answered(202));
        assert_eq!((got.len(), got[0].body.len()), (1, LONG), "{script:?}");
    }
}

#[tokio::test]
async fn body_of_a_mebibyte_is_sent_at_once() {
    for (length, asks) in [(2, false), (1 << 20, false), ((1 << 20) + 1, true)] {
        let (reply, _, got) = submit(&[&[Head, Rest, Say(ACCEPTED)]], length).await;
        assert_eq!(reply.expect("a reply").0, 202);
        assert_eq!(got[0].head.contains("expect:"), asks, "{length}");
    }
}

#[tokio::test]
async fn failed_expectation_repeats_the_same_submit_without_it() {
    let scripts: [&[Step]; 2] = [&[Head, Say(FAILED), Rest], &[Head, Rest, Say(ACCEPTED)]];
    let (reply, sent, got) = submit(&scripts, LONG).await;
    assert_eq!(reply.expect("a reply"), (202, Bytes::from("taken")));
    assert_eq!(sent, answered(202));
    let [first, second] = &got[..] else {
        panic!("two connections: {}", got.len())
    };
    assert_eq!((first.body.len(), second.body.len()), (0, LONG));
    assert!(!second.head.contains("expect:"));
    assert_eq!(
        first.head.replace("expect: 100-continue\r\n", ""),
        second.head
    );

    // The second 417 is the server's answer.
    let scripts: [&[Step]; 3] = [&[Head, Say(FAILED)], &[Head, Rest, Say(FAILED)], &[]];
    let (reply, sent, got) = submit(&scripts, LONG).await;
    assert_eq!((reply.expect("a reply").0, got.len()), (417, 2));
    assert_eq!(sent, answered(417));

    // So is one after the body.
    let (reply, _, got) = submit(&[&[Head, CONTINUE, Rest, Say(FAILED)]], LONG).await;
    assert_eq!((reply.expect("a reply").0, got.len()), (417, 1));

    // The second request can be lost like any other.
    let scripts: [&[Step]; 2] = [&[Head, Say(FAILED)], &[Head, Body(64 << 10), Reset]];
    let (reply, sent, _) = submit(&scripts, LONG).await;
    assert!(matches!(reply, Err(Error::ConnectionTerminated)));
    assert_eq!(sent, Sent::Unanswered);
}

#[tokio::test]
async fn server_that_closes_on_an_expectation_is_not_asked_again() {
    let scripts: [&[Step]; 2] = [&[Head], &[Head, Rest, Say(ACCEPTED)]];
    let server = EarlyServer::start(&scripts).await;
    let egress = Egress::new(HttpLimits::default());
    for expected in [Sent::Nothing, answered(202)] {
        let guest = GuestHttp {
            egress: Some(egress.clone()),
            ..guest(&server.url(""), Sends::OneSubmit)
        };
        drop(post_long(&guest, &server.url("/v1/jobs"), LONG).await);
        assert_eq!(guest.transmission.close(), expected);
    }
    let asked: Vec<_> = server
        .got()
        .await
        .iter()
        .map(|got| got.head.contains("expect:"))
        .collect();
    assert_eq!(asked, [true, false]);
}

#[tokio::test]
async fn submit_whose_body_was_not_begun_is_not_sent() {
    for script in [
        vec![Head],
        vec![Head, Reset],
        vec![Head, Say("HTTP/1.1 103 Early Hints\r\n\r\n"), Finish],
        vec![Head, Say("HTTP/1.1 413 Too"), Finish],
    ] {
        let (reply, sent, got) = submit(&[&script], LONG).await;
        let error = reply.expect_err("no reply");
        assert!(
            matches!(error, Error::ConnectionRefused),
            "{script:?}: {error:?}"
        );
        assert_eq!((sent, got[0].body.len()), (Sent::Nothing, 0), "{script:?}");
    }
    // What is not HTTP may mean anything.
    let script = [Head, Say("accepted\r\n\r\n"), Finish];
    let (reply, sent, _) = submit(&[&script], LONG).await;
    assert!(matches!(reply, Err(Error::HttpProtocolError)));
    assert_eq!(sent, Sent::Unanswered);
}
