//! The permissions and limits of a pack, applied to its requests.

use super::*;
use crate::contract::{Charge, ErrorCause, NextStep, NodeError};
use crate::policy::PackLimit;

/// The host's reason, which the component does not get.
fn why(guest: &GuestHttp) -> String {
    let mut error = NodeError {
        cause: ErrorCause::Denied(String::new()),
        charge: Charge::No,
        next: NextStep::Stop,
        retry_after_ms: None,
    };
    guest.transmission.explain(&mut error);
    error.cause.message()
}

#[tokio::test]
async fn request_beyond_requests_per_call_is_denied() {
    let server = Server::start([Act::ok("a"), Act::ok("b")]).await;
    let two = PackLimits::default().with(PackLimit::RequestsPerCall, 2);
    let guest = bounded_guest(&server.url(""), Sends::Reads, two);
    let get = || request(Method::GET, &server.url("/"), "");
    for _ in 0..2 {
        send(&guest, get()).await.expect("a reply");
    }
    let third = send(&guest, get()).await;
    assert!(matches!(third, Err(Error::HttpRequestDenied)), "{third:?}");
    assert!(why(&guest).ends_with("limits = { requests_per_call = 4 }"));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn request_beyond_requests_per_minute_is_put_off() {
    let server = Server::start([Act::ok("a")]).await;
    let one = PackLimits::default().with(PackLimit::RequestsPerMinute, 1);
    let guest = bounded_guest(&server.url(""), Sends::Reads, one);
    let next_call = GuestHttp {
        request_count: Arc::default(),
        ..guest.clone()
    };
    let get = || request(Method::GET, &server.url("/"), "");
    send(&guest, get()).await.expect("a reply");
    // Not sent, with an error that the job retries.
    let second = send(&next_call, get()).await;
    assert!(
        matches!(second, Err(Error::ConnectionLimitReached)),
        "{second:?}"
    );
    assert!(why(&next_call).contains("more than 1 requests in a minute"));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn change_of_a_cancel_off_its_routes_is_denied() {
    let server = Server::start([Act::ok("a")]).await;
    let mut guest = guest(&server.url(""), Sends::OneChange);
    guest.submit_path = Some("/v1/jobs".into());
    for path in ["/v1/jobs", "/v1/JOBS", "/v1/jobs/1", "/v2/cancel"] {
        let off_route = send(&guest, request(Method::POST, &server.url(path), "{}")).await;
        let is_denied = matches!(off_route, Err(Error::HttpRequestDenied));
        assert!(is_denied, "{path}: {off_route:?}");
    }
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn second_change_of_a_cancel_is_denied() {
    let server = Server::start([Act::ok("a"), Act::ok("b")]).await;
    let guest = guest(&server.url(""), Sends::OneChange);
    let post = || request(Method::POST, &server.url("/cancel"), "{}");
    send(&guest, post()).await.expect("a reply");
    let again = send(&guest, post()).await;
    assert!(matches!(again, Err(Error::HttpRequestDenied)), "{again:?}");
    let get = request(Method::GET, &server.url("/"), "");
    send(&guest, get).await.expect("a reply");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn unsafe_read_is_not_sent_to_the_submit_nor_without_one() {
    let server = Server::start(vec![Act::ok("a"); 3]).await;
    let mut guest = guest(&server.url("/v1"), Sends::Reads);
    let post = |path: &str| request(Method::POST, &server.url(path), "{}");
    for _ in 0..2 {
        send(&guest, post("/v1/a/state")).await.expect("a reply");
    }
    let submit = send(&guest, post("/v1/submits")).await;
    assert!(
        matches!(submit, Err(Error::HttpRequestDenied)),
        "{submit:?}"
    );

    // An earlier version recorded no path: one such read a call.
    guest.submit_path = None;
    send(&guest, post("/v1/a/state")).await.expect("a reply");
    let second = send(&guest, post("/v1/a/state")).await;
    assert!(
        matches!(second, Err(Error::HttpRequestDenied)),
        "{second:?}"
    );

    guest.is_unsubmitted = true;
    guest.transmission = Arc::new(Transmission::default());
    let unsubmitted = send(&guest, post("/v1/a/state")).await;
    let is_denied = matches!(unsubmitted, Err(Error::HttpRequestDenied));
    assert!(is_denied, "{unsubmitted:?}");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn unsafe_read_does_not_leave_after_its_call() {
    let server = Server::start([]).await;
    let guest = guest(&server.url("/v1"), Sends::Reads);
    guest.transmission.close();
    let post = request(Method::POST, &server.url("/v1/a/state"), "{}");
    let late = send(&guest, post).await;
    assert!(matches!(late, Err(Error::HttpRequestDenied)), "{late:?}");
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn headers_and_bodies_beyond_the_packs_limits_are_denied() {
    let long = reply(
        "200 OK",
        "x-long: 0123456789abcdef\r\n",
        b"0123456789abcdef",
    );
    let server = Server::start(vec![Act::Reply(long); 2]).await;
    let with = |limit, amount| {
        let limits = PackLimits::default().with(limit, amount);
        bounded_guest(&server.url(""), Sends::Reads, limits)
    };
    let get = || request(Method::GET, &server.url("/"), "");

    let header = send(&with(PackLimit::HeaderBytes, 20), get()).await;
    let is_too_long = matches!(header, Err(Error::HttpResponseHeaderSectionSize(Some(20))));
    assert!(is_too_long, "{header:?}");
    let body = send(&with(PackLimit::ReplyBytes, 15), get()).await;
    assert!(
        matches!(body, Err(Error::HttpResponseBodySize(Some(15)))),
        "{body:?}"
    );
    let mut wide = get();
    wide.headers_mut()
        .insert("x-wide", "0123456789abcdef".parse().expect("a value"));
    let own = send(&with(PackLimit::HeaderBytes, 20), wide).await;
    assert!(matches!(own, Err(Error::HttpRequestDenied)), "{own:?}");
    let post = request(Method::POST, &server.url("/"), "0123456789abcdef");
    let sent = send(&with(PackLimit::RequestBytes, 15), post).await;
    assert!(
        matches!(sent, Err(Error::HttpRequestBodySize(Some(15)))),
        "{sent:?}"
    );
    assert_eq!(server.seen().len(), 2, "what was refused was not sent");
}

#[tokio::test]
async fn request_to_another_host_needs_a_rule_and_its_denial_names_it() {
    let server = Server::start([]).await;
    let guest = guest(&server.url(""), Sends::Reads);
    for (method, url, expected) in [
        (
            Method::GET,
            "http://cdn.example/other?signature=1",
            "its author writes \"hosts\": [\"GET http://cdn.example/other\"] into it",
        ),
        (
            Method::POST,
            "http://cdn.example/media",
            "\"hosts\": [\"POST http://cdn.example/media\"] into it",
        ),
        (
            Method::GET,
            "http://localhost:1/",
            "no rule can allow a pack to send this",
        ),
    ] {
        let sent = send(&guest, request(method, url, "")).await;
        assert!(matches!(sent, Err(Error::HttpRequestDenied)), "{sent:?}");
        let why = why(&guest);
        assert!(why.ends_with(expected), "{why}");
    }
}
