use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks as _};

use super::super::{Egress, HttpLimits};
use super::{GuestHttp, Sends};
use crate::connections::OpenConnection;
use crate::digest::Sha256Digest;
use crate::egress::testing::{Act, Server, connection, impatient, keyed_connection, narrow, reply};
use crate::egress::{Sent, SubmitReply, Transmission};
use crate::policy::{Grant, Manifest, PackLimits, Policy, Quota};

mod early;
mod encoded;
mod hook;
mod memory;
mod permissions;

fn guest(base: &str, sends: Sends) -> GuestHttp {
    bounded_guest(base, sends, PackLimits::default())
}

/// Of a pack that is granted a connection and another host.
fn bounded_guest(base: &str, sends: Sends, limits: PackLimits) -> GuestHttp {
    let cancels: &[&str] = match sends {
        Sends::OneChange => &["POST /", "POST /*", "POST /v1/*"],
        _ => &[],
    };
    let manifest = Manifest {
        name: "guest".into(),
        connections: ["pixelml".into()].into(),
        hosts: vec!["GET http://cdn.example/media".parse().expect("a rule")],
        unsafe_reads: true,
        cancels: cancels
            .iter()
            .map(|route| route.parse().expect("a route"))
            .collect(),
        ..Manifest::default()
    };
    let grant = Grant {
        limits,
        ..Grant::as_asked(&manifest)
    };
    let digest = Sha256Digest::from([7; 32]);
    let permissions = Policy::default()
        .with(digest, grant)
        .permissions(digest, manifest)
        .expect("allowed");
    GuestHttp {
        sends,
        egress: Some(narrow()),
        connection: Some(connection(base)),
        submit_hook: None,
        submit_path: Some("/v1/submits".into()),
        is_unsubmitted: false,
        transmission: Arc::new(Transmission::default()),
        quota: Arc::new(Quota::new(permissions)),
        total_timeout: Duration::from_secs(30),
        request_count: Arc::default(),
        attachments: Arc::default(),
        memory: Arc::default(),
    }
}

/// Of a pack that may send a submit over `connection` through `egress`.
pub(in crate::egress) fn guest_over(
    egress: &Egress,
    connection: Arc<OpenConnection>,
    transmission: &Arc<Transmission>,
) -> GuestHttp {
    GuestHttp {
        egress: Some(egress.clone()),
        connection: Some(connection),
        transmission: Arc::clone(transmission),
        ..guest("https://api.example.com", Sends::OneSubmit)
    }
}

fn request(method: Method, url: &str, body: &'static str) -> Request<WasiBody> {
    let mut request = Request::new(whole(body));
    *request.method_mut() = method;
    *request.uri_mut() = url.parse().expect(url);
    if !body.is_empty() {
        request
            .headers_mut()
            .insert(CONTENT_LENGTH, body.len().into());
    }
    request
}

fn whole(text: &'static str) -> WasiBody {
    let body = Full::new(Bytes::from(text));
    body.map_err(|never| match never {}).boxed_unsync()
}

async fn send(guest: &GuestHttp, request: Request<WasiBody>) -> Result<(u16, Bytes), Error> {
    let sent = guest
        .clone()
        .send_request(request, None, Box::new(async { Ok(()) }));
    let (response, _): (Response<WasiBody>, _) = Box::into_pin(sent).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, body))
}

pub(in crate::egress) async fn post(guest: &GuestHttp, url: &str) -> Result<(u16, Bytes), Error> {
    send(guest, request(Method::POST, url, "{}")).await
}

/// Submits a body of so many bytes.
pub(in crate::egress) async fn post_long(
    guest: &GuestHttp,
    url: &str,
    length: usize,
) -> Result<(u16, Bytes), Error> {
    let body = Full::new(Bytes::from(vec![b'x'; length]));
    let mut request = Request::new(body.map_err(|never| match never {}).boxed_unsync());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url.parse().expect(url);
    request.headers_mut().insert(CONTENT_LENGTH, length.into());
    send(guest, request).await
}

#[tokio::test]
async fn submit_is_sent_with_the_credential_and_its_echo_is_redacted() {
    let server = Server::start([Act::ok("{\"echo\": \"sk-hunter2\"}")]).await;
    let guest = guest(&server.url(""), Sends::OneSubmit);
    let (status, body) = post(&guest, &server.url("/v1/jobs?x=1"))
        .await
        .expect("reply");
    assert_eq!(status, 200);
    assert_eq!(body, "{\"echo\": \"**********\"}");
    let answered = SubmitReply {
        status: 200,
        retry_after: false,
    };
    assert_eq!(guest.transmission.close(), Sent::Answered(answered));
    let [seen] = &server.seen()[..] else {
        panic!("one request")
    };
    assert!(seen.head.starts_with("post /v1/jobs?x=1 http/1.1\r\n"));
    assert!(seen.head.contains("authorization: bearer sk-hunter2\r\n"));
    assert!(seen.head.contains("accept-encoding: identity\r\n"));
    assert!(seen.head.contains(&format!("host: {}\r\n", server.address)));
    assert_eq!(seen.body, b"{}");
}

#[tokio::test]
async fn submit_to_a_closed_port_is_not_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    drop(listener);
    let guest = guest(&url, Sends::OneSubmit);
    let error = post(&guest, &format!("{url}/v1/jobs"))
        .await
        .expect_err("refused");
    assert!(matches!(error, Error::ConnectionRefused), "{error:?}");
    assert_eq!(guest.transmission.close(), Sent::Nothing);
}

#[tokio::test]
async fn submit_over_https_to_a_plain_server_is_not_sent() {
    let server = Server::start([Act::ok("")]).await;
    let base = format!("https://{}", server.address);
    // The server reads the handshake as if it were a request, and must get none.
    let egress = Egress::new(HttpLimits {
        connect: Duration::from_millis(200),
        ..HttpLimits::default()
    });
    let guest = GuestHttp {
        egress: Some(egress),
        ..guest(&base, Sends::OneSubmit)
    };
    let error = post(&guest, &format!("{base}/v1/jobs"))
        .await
        .expect_err("no TLS");
    assert!(
        matches!(error, Error::TlsCertificateError | Error::ConnectionTimeout),
        "{error:?}"
    );
    assert_eq!(guest.transmission.close(), Sent::Nothing);
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn submit_without_a_complete_reply_counts_as_sent() {
    let many_headers = "x: ".to_owned() + &"y".repeat(5000) + "\r\n";
    for (act, expected) in [
        (Act::close(), "ConnectionTerminated"),
        (Act::Silence, "HttpResponseTimeout"),
        (
            Act::Last(b"HTTP/1.1 200 OK\r\n".to_vec()),
            "ConnectionTerminated",
        ),
        (Act::Last(b"nonsense\r\n\r\n".to_vec()), "HttpProtocolError"),
        (
            Act::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec()),
            "ConnectionTerminated",
        ),
        (
            Act::Reply(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec()),
            "HttpResponseTimeout",
        ),
        (
            Act::Last(reply("200 OK", &many_headers, b"")),
            "HttpResponseHeaderSectionSize(Some(4096))",
        ),
        (
            Act::Last(reply("200 OK", "", &[b'x'; 1025])),
            "HttpResponseBodySize(Some(1024))",
        ),
        (
            Act::Last(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n800\r\n"
                    .iter()
                    .copied()
                    .chain([b'x'; 0x800])
                    .collect(),
            ),
            "HttpResponseBodySize(Some(1024))",
        ),
        (
            Act::Last(reply("200 OK", "content-encoding: gzip\r\n", b"\x1f\x8b")),
            "HttpResponseIncomplete",
        ),
        (
            Act::Last(reply("200 OK", "content-encoding: gzip\r\n", b"{}")),
            "HttpResponseContentCoding(None)",
        ),
        (
            Act::Last(reply("200 OK", "content-encoding: sdch\r\n", b"{}")),
            "HttpResponseContentCoding(None)",
        ),
    ] {
        let server = Server::start([act]).await;
        let mut guest = guest(&server.url(""), Sends::OneSubmit);
        if expected == "HttpResponseTimeout" {
            guest.egress = Some(impatient());
        }
        let error = post(&guest, &server.url("/v1/jobs"))
            .await
            .expect_err(expected);
        assert_eq!(format!("{error:?}"), expected);
        assert_ne!(guest.transmission.close(), Sent::Nothing);
        assert_eq!(server.seen().len(), 1, "{expected}");
    }
}

#[tokio::test]
async fn redirect_of_a_components_request_is_not_followed() {
    let server = Server::start([Act::redirect("http://127.0.0.1:1/elsewhere")]).await;
    let guest = guest(&server.url(""), Sends::OneSubmit);
    let (status, _) = post(&guest, &server.url("/v1/jobs")).await.expect("reply");
    assert_eq!(status, 302);
}

#[tokio::test]
async fn request_of_a_call_that_sends_nothing_is_denied() {
    let server = Server::start([Act::ok("")]).await;
    for (sends, offline) in [(Sends::Nothing, false), (Sends::OneSubmit, true)] {
        let mut guest = guest(&server.url(""), sends);
        if offline {
            guest.egress = None;
        }
        let error = post(&guest, &server.url("/v1/jobs"))
            .await
            .expect_err("denied");
        assert!(matches!(error, Error::HttpRequestDenied), "{error:?}");
        assert_eq!(guest.transmission.close(), Sent::Nothing);
    }
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn second_submit_of_a_start_is_denied() {
    let server = Server::start([Act::ok(""), Act::ok(""), Act::ok("")]).await;
    let guest = guest(&server.url(""), Sends::OneSubmit);
    let url = server.url("/v1/jobs");
    send(&guest, request(Method::GET, &url, ""))
        .await
        .expect("a read");
    assert!(!guest.transmission.is_claimed());
    post(&guest, &url).await.expect("a submit");
    let error = post(&guest, &url).await.expect_err("a second submit");
    assert!(matches!(error, Error::HttpRequestDenied), "{error:?}");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn submit_whose_body_ends_after_another_was_answered_is_denied() {
    let server = Server::start([Act::ok(""), Act::ok("")]).await;
    let guest = guest(&server.url(""), Sends::OneSubmit);
    let url = server.url("/v1/jobs");
    let (release, held) = tokio::sync::oneshot::channel::<()>();
    let body = StreamBody::new(futures::stream::once(async move {
        drop(held.await);
        Ok(Frame::data(Bytes::from_static(b"{}")))
    }));
    let mut late = request(Method::POST, &url, "{}");
    *late.body_mut() = body.boxed_unsync();
    let late = tokio::spawn({
        let guest = guest.clone();
        async move { send(&guest, late).await }
    });
    tokio::task::yield_now().await;
    post(&guest, &url).await.expect("a submit");
    release.send(()).expect("a held body");
    let error = late.await.expect("a task").expect_err("a second submit");
    assert!(matches!(error, Error::HttpRequestDenied), "{error:?}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn one_of_many_submits_at_the_same_time_is_sent() {
    let server = Server::start((0..8).map(|_| Act::ok(""))).await;
    let guest = guest(&server.url(""), Sends::OneSubmit);
    let url = server.url("/v1/jobs");
    let submits = (0..8).map(|_| post(&guest, &url));
    let replies = futures::future::join_all(submits).await;
    assert_eq!(replies.iter().filter(|reply| reply.is_ok()).count(), 1);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn request_to_another_origin_is_denied() {
    let elsewhere = Server::start([Act::ok("")]).await;
    let server = Server::start([]).await;
    let guest = guest(&server.url("/v1"), Sends::OneSubmit);
    for url in [elsewhere.url("/v1/jobs"), server.url("/v2/jobs")] {
        let error = post(&guest, &url).await.expect_err("denied");
        assert!(matches!(error, Error::HttpRequestDenied), "{error:?}");
    }
    assert_eq!(elsewhere.seen().len() + server.seen().len(), 0);
    assert_eq!(guest.transmission.close(), Sent::Nothing);
}

#[tokio::test]
async fn body_of_another_length_than_announced_is_not_sent() {
    let server = Server::start([]).await;
    let url = server.url("/v1/jobs");
    let broken = || {
        let frames = [
            Ok(Frame::data(Bytes::from_static(b"half"))),
            Err(Error::HttpProtocolError),
        ];
        StreamBody::new(futures::stream::iter(frames)).boxed_unsync()
    };
    let long: &'static str = "x".repeat(2000).leak();
    for (body, announced, expected) in [
        (whole("half"), Some("9"), "HttpRequestBodySize(Some(4))"),
        (whole("some"), None, "HttpRequestLengthRequired"),
        (whole(long), Some("2000"), "HttpRequestBodySize(Some(1024))"),
        (whole(long), None, "HttpRequestBodySize(Some(1024))"),
        (broken(), Some("4"), "HttpRequestBodySize(None)"),
    ] {
        let guest = guest(&server.url(""), Sends::OneSubmit);
        let mut request = request(Method::POST, &url, "").map(|_| body);
        if let Some(announced) = announced {
            let announced = announced.parse().expect("value");
            request.headers_mut().insert("content-length", announced);
        }
        let error = send(&guest, request).await.expect_err(expected);
        assert_eq!(format!("{error:?}"), expected);
        assert_eq!(guest.transmission.close(), Sent::Nothing);
    }
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn submit_reuses_a_connection_only_with_an_idempotency_key() {
    for (honours_keys, expected) in [(false, [0, 0, 0, 1]), (true, [0, 0, 0, 0])] {
        let server = Server::start((0..4).map(|_| Act::ok("{}"))).await;
        let mut guest = guest(&server.url(""), Sends::Reads);
        if honours_keys {
            guest.connection = Some(keyed_connection(&server.url("")));
        }
        let url = server.url("/v1/jobs");
        for method in [Method::POST, Method::GET, Method::GET, Method::POST] {
            let body = if method == Method::GET { "" } else { "{}" };
            send(&guest, request(method, &url, body))
                .await
                .expect("reply");
            // Lets the connection's task complete the exchange.
            tokio::task::yield_now().await;
        }
        let connections: Vec<_> = server.seen().iter().map(|seen| seen.connection).collect();
        assert_eq!(connections, expected);
    }
}

#[tokio::test]
async fn read_on_a_stale_connection_is_repeated_and_a_submit_opens_a_fresh_one() {
    let server = Server::start([
        Act::ok("1"),
        Act::close(),
        Act::ok("2"),
        Act::Last(reply("200 OK", "", b"3")),
        Act::ok("4"),
    ])
    .await;
    let guest = guest(&server.url(""), Sends::Reads);
    let url = server.url("/v1/jobs");
    for (method, expected) in [
        (Method::GET, "1"),
        // Over the pooled connection, which closes, then over a fresh one.
        (Method::GET, "2"),
        (Method::POST, "3"),
        (Method::POST, "4"),
    ] {
        let body = if method == Method::GET { "" } else { "{}" };
        let (_, body) = send(&guest, request(method, &url, body))
            .await
            .expect("reply");
        assert_eq!(body, expected);
        tokio::task::yield_now().await;
    }
    assert_eq!(server.seen().len(), 5);
}

#[tokio::test]
async fn timeouts_of_a_component_only_shorten_the_limits() {
    let server = Server::start([Act::Silence]).await;
    let mut guest = guest(&server.url(""), Sends::Reads);
    guest.egress = Some(Egress::default());
    let options = RequestOptions {
        connect_timeout: None,
        first_byte_timeout: Some(Duration::from_millis(20)),
        between_bytes_timeout: None,
    };
    let request = request(Method::POST, &server.url("/v1/jobs"), "{}");
    let sent = guest.send_request(request, Some(options), Box::new(async { Ok(()) }));
    let outcome = Box::into_pin(sent).await.map(drop);
    assert!(matches!(outcome, Err(Error::HttpResponseTimeout)));
}

#[tokio::test]
async fn headers_reserved_for_the_host_are_forbidden() {
    let mut guest = guest("https://api.example.com", Sends::Reads);
    for name in [
        "authorization",
        "cookie",
        "host",
        "transfer-encoding",
        "proxy-authorization",
        "traceparent",
        "tracestate",
        "user-agent",
        "referer",
        "x-forwarded-host",
        "x_http_method_override",
        "content-encoding",
        "content_type",
    ] {
        assert!(
            guest.is_forbidden_header(&name.parse().expect(name)),
            "{name}"
        );
    }
    for name in [
        "idempotency-key",
        "accept",
        "content-type",
        "content-length",
    ] {
        assert!(
            !guest.is_forbidden_header(&name.parse().expect(name)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn request_with_an_unclear_length_or_a_header_of_the_host_is_not_sent() {
    let server = Server::start([Act::ok("")]).await;
    let guest = guest(&server.url(""), Sends::Reads);
    for (name, value) in [
        // A second one beside the true one.
        ("content-length", "2"),
        ("content-length", "99"),
        ("content_length", "2"),
        ("content-encoding", "gzip"),
        ("x_http_method_override", "PUT"),
        ("user-agent", "sk"),
        ("referer", "https://evil.example"),
    ] {
        let mut request = request(Method::POST, &server.url("/v1/jobs"), "{}");
        request
            .headers_mut()
            .append(name, value.parse().expect(value));
        let refused = send(&guest, request).await;
        assert!(
            matches!(refused, Err(Error::HttpRequestDenied)),
            "{name}: {refused:?}"
        );
    }
    let mut signed = request(Method::POST, &server.url("/v1/jobs"), "{}");
    let length = signed
        .headers_mut()
        .insert(CONTENT_LENGTH, "+2".parse().expect("+2"));
    assert!(length.is_some());
    assert!(send(&guest, signed).await.is_err());
    assert!(server.seen().is_empty());
}
