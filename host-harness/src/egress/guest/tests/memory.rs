//! The byte budget of requests and replies, and bodies that are refused before they are read.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt as _;

use super::*;

/// A body of pieces of 256 bytes, and how many bytes of it were read.
fn counted(pieces: u64) -> (WasiBody, Arc<AtomicU64>) {
    let read = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&read);
    let frames = (0..pieces).map(move |_| {
        count.fetch_add(256, Ordering::Relaxed);
        Ok(Frame::data(Bytes::from_static(&[b'x'; 256])))
    });
    let body = StreamBody::new(futures::stream::iter(frames)).boxed_unsync();
    (body, read)
}

#[tokio::test]
async fn body_is_refused_at_the_first_byte_that_shows_it() {
    let server = Server::start([]).await;
    let url = server.url("/v1/jobs");
    for (method, announced, expected, most_read) in [
        (Method::GET, None, "HttpRequestDenied", 256),
        (Method::HEAD, None, "HttpRequestDenied", 256),
        (Method::OPTIONS, Some("512"), "HttpRequestDenied", 0),
        (Method::GET, Some("0"), "HttpRequestDenied", 256),
        (Method::POST, None, "HttpRequestLengthRequired", 256),
        (
            Method::POST,
            Some("2000"),
            "HttpRequestBodySize(Some(1024))",
            0,
        ),
        (
            Method::POST,
            Some("300"),
            "HttpRequestBodySize(Some(512))",
            512,
        ),
    ] {
        let guest = guest(&server.url(""), Sends::OneSubmit);
        let (body, read) = counted(4);
        let mut request = request(method, &url, "").map(|_| body);
        if let Some(announced) = announced {
            let announced = announced.parse().expect("value");
            request.headers_mut().insert("content-length", announced);
        }
        let error = send(&guest, request).await.expect_err(expected);
        assert_eq!(format!("{error:?}"), expected);
        assert_eq!(read.load(Ordering::Relaxed), most_read, "{expected}");
        let used = guest.egress.as_ref().expect("egress").budget().used();
        assert_eq!(used, 0);
    }
    assert_eq!(server.seen().len(), 0);
}

/// An egress in whose memory 2 KiB of a call, and of all calls, have a place.
fn cramped() -> Egress {
    Egress::new(HttpLimits {
        reply_body: 1 << 10,
        clip_body: 0,
        call_bytes: 2 << 10,
        pack_bytes: 2 << 10,
        process_bytes: 2 << 10,
        ..*narrow().limits()
    })
}

#[tokio::test]
async fn reply_counts_until_it_is_read_or_dropped() {
    let body = "x".repeat(1000);
    let server = Server::start((0..2).map(|_| Act::ok(&body))).await;
    let guest = GuestHttp {
        egress: Some(cramped()),
        ..guest(&server.url(""), Sends::OneChange)
    };
    let used = || guest.egress.as_ref().expect("egress").budget().used();
    for is_read in [true, false] {
        let request = request(Method::GET, &server.url("/"), "");
        let sent = guest
            .clone()
            .send_request(request, None, Box::new(async { Ok(()) }));
        let (response, _) = Box::into_pin(sent).await.expect("reply");
        assert_eq!(used(), 1000);
        if is_read {
            let mut read = response
                .into_body()
                .collect()
                .await
                .expect("body")
                .to_bytes();
            assert_eq!(used(), 1000);
            drop(read.split_to(999));
            drop(read);
        } else {
            drop(response);
        }
        assert_eq!(used(), 0);
    }
}

#[tokio::test]
async fn encoded_reply_to_a_submit_does_not_wait_for_memory() {
    let body = zstd::encode_all(&b"{}"[..], 1).expect("zstd");
    let replied = reply("202 Accepted", "content-encoding: zstd\r\n", &body);
    for sends in [Sends::OneSubmit, Sends::OneChange] {
        let server = Server::start([Act::Reply(replied.clone())]).await;
        let egress = cramped();
        let mut held = egress.budget().of_call(0, 2 << 10).reserved();
        held.grow_to(2 << 10).await;
        let guest = GuestHttp {
            egress: Some(egress.clone()),
            ..guest(&server.url(""), sends)
        };
        let url = server.url("/v1/jobs");
        let sent = send(&guest, request(Method::POST, &url, ""));
        let (status, body) = sent.await.expect("a ticket");
        assert_eq!((status, &body[..]), (202, &b"{}"[..]));
        drop(body);
        assert_eq!(egress.budget().used(), 2 << 10);
    }
}

#[tokio::test]
async fn request_beyond_the_share_of_its_call_is_not_sent() {
    let body = "x".repeat(1000);
    let server = Server::start((0..4).map(|_| Act::ok(&body))).await;
    let guest = GuestHttp {
        egress: Some(cramped()),
        ..guest(&server.url(""), Sends::OneChange)
    };
    let url = server.url("/v1/jobs");
    let get = || {
        let request = request(Method::GET, &url, "");
        let sent = guest
            .clone()
            .send_request(request, None, Box::new(async { Ok(()) }));
        Box::into_pin(sent)
    };
    let unread = [get().await.expect("reply"), get().await.expect("reply")];
    let long: &'static str = "x".repeat(100).leak();
    let error = send(&guest, request(Method::POST, &url, long))
        .await
        .expect_err("no room");
    assert!(
        matches!(error, Error::HttpRequestBodySize(Some(2048))),
        "{error:?}"
    );
    assert_eq!(server.seen().len(), 2);
    drop(unread);
    send(&guest, request(Method::POST, &url, long))
        .await
        .expect("reply");
}

/// Ten calls at once whose clips fit into the memory one by one.
#[tokio::test]
async fn replies_with_clips_take_turns_and_none_fails() {
    let clip = [
        b"\0\0\0\x18ftypisom\0\0\0\0isommp42".as_slice(),
        &vec![7; 180_000],
    ]
    .concat();
    let body = format!(
        "{{\"url\": \"data:video/mp4;base64,{}\"}}",
        STANDARD.encode(&clip)
    );
    let server = Server::start((0..10).map(|_| Act::ok(&body))).await;
    let egress = Egress::new(HttpLimits {
        clip_body: 200_000,
        call_bytes: 0,
        pack_bytes: 300_000,
        process_bytes: 300_000,
        ..*narrow().limits()
    });
    let url = server.url("/");
    let base = server.url("");
    let first = GuestHttp {
        egress: Some(egress.clone()),
        ..guest(&base, Sends::Reads)
    };
    let calls = (0..10).map(|_| {
        let guest = GuestHttp {
            attachments: Arc::default(),
            memory: Arc::default(),
            ..first.clone()
        };
        let (url, clip) = (url.clone(), clip.clone());
        async move {
            let request = request(Method::GET, &url, "");
            let (_, text) = send(&guest, request).await.expect("reply");
            assert_eq!(text, "{\"url\": \"attached:0\"}");
            // Written to disk, as it were.
            tokio::task::yield_now().await;
            assert_eq!(guest.attachments.take(0).expect("a clip").bytes, clip);
        }
    });
    futures::future::join_all(calls).await;
    assert_eq!(egress.budget().used(), 0);
}

#[tokio::test]
async fn fifth_request_of_a_call_waits_for_a_turn() {
    let server = Server::start([]).await;
    let guest = guest(&server.url(""), Sends::Reads);
    let url = server.url("/");
    let mut turns = Vec::new();
    for _ in 0..4 {
        turns.push(guest.memory.turn().await);
    }
    let mut fifth = Box::pin(send(&guest, request(Method::GET, &url, "")));
    assert!(fifth.as_mut().now_or_never().is_none());
    assert!(guest.memory.turn().now_or_never().is_none());
    turns.pop();
    assert!(fifth.as_mut().now_or_never().is_none());
    // It has the turn now.
    assert!(guest.memory.turn().now_or_never().is_none());
}
