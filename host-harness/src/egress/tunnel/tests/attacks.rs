//! Proxies that answer wrongly. After each, nothing was sent to the provider.

use super::*;
use crate::egress::guest::tests::{guest_over, post};
use crate::egress::{Sent, Transmission};

/// The fault for a proxy that answers like this, after a fetch, an upload and a submit.
async fn fault_of(answer: Answer) -> (ProxyFault, String) {
    let behind = Behind::new(answer).await;
    let (fault, text) = behind.fault().await;
    assert!(
        text.starts_with("nothing was sent to `api.example.com`"),
        "{text}"
    );
    assert!(text.contains("`http://proxy.corp:3128`"), "{text}");

    let folder = tempfile::tempdir().expect("a folder");
    let (connection, plan, path) = upload(folder.path());
    let quota = uploading(&["POST /files"], 600);
    let uploaded = behind
        .egress
        .upload(&connection, &quota, &plan, part(&path), ready(true));
    let uploaded = uploaded.await;
    assert!(uploaded.is_err_and(|error| error.is_not_sent()));

    let transmission = Arc::new(Transmission::default());
    let guest = guest_over(&behind.egress, connection, &transmission);
    let refused = post(&guest, &format!("{API}/v1/jobs")).await;
    let error = refused.expect_err("no connection");
    assert!(
        matches!(error, wasmtime_wasi_http::Error::ConnectionRefused),
        "{error:?}"
    );
    assert_eq!(transmission.close(), Sent::Nothing);

    // The proxy alone is dialled, and gets no request but `CONNECT`.
    assert!(
        behind
            .names
            .dialled()
            .iter()
            .all(|to| to == "10.0.0.1:3128")
    );
    let heads = behind.proxy.heads();
    assert_eq!(heads.len(), 3);
    assert!(
        heads
            .iter()
            .all(|head| head.starts_with("connect api.example.com:443 "))
    );
    assert!(heads.iter().all(|head| !head.contains("sk-hunter2")));
    (fault, text)
}

#[tokio::test]
async fn proxy_that_answers_connect_with_200_and_closes_sends_nothing() {
    let (fault, text) = fault_of(Answer::Last(ESTABLISHED.to_vec())).await;
    assert!(matches!(fault, ProxyFault::Closed), "{text}");
    let (fault, text) = fault_of(Answer::Last(Vec::new())).await;
    assert!(matches!(fault, ProxyFault::Closed), "{text}");
}

#[tokio::test]
async fn proxy_that_redirects_is_not_followed() {
    let location = "location: http://169.254.169.254/\r\n";
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect"] {
        let (fault, text) = fault_of(Answer::Wait(reply(status, location, b""))).await;
        assert!(matches!(fault, ProxyFault::Redirect(_)), "{text}");
        assert!(
            text.contains(&status[..3]) && !text.contains("169.254"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn proxy_that_requires_authentication_is_an_error_with_its_status() {
    let headers = "proxy-authenticate: Basic realm=\"user:hunter2\"\r\n";
    let answer = reply(
        "407 Proxy Authentication Required",
        headers,
        b"<html>hunter2",
    );
    let (fault, text) = fault_of(Answer::Wait(answer)).await;
    assert!(matches!(fault, ProxyFault::Authentication), "{text}");
    assert!(text.contains("407"), "{text}");
}

#[tokio::test]
async fn proxy_that_refuses_is_an_error_with_its_status() {
    for status in [
        "403 Forbidden",
        "502 Bad Gateway",
        "101 Switching Protocols",
    ] {
        let (fault, text) = fault_of(Answer::Last(reply(status, "", b"<html>no</html>"))).await;
        match fault {
            ProxyFault::Refused(_) => assert!(text.contains(&status[..3]), "{text}"),
            // Not a switch that was asked for.
            ProxyFault::Protocol(_) | ProxyFault::Closed => assert!(status.starts_with("101")),
            _ => panic!("{text}"),
        }
    }
}

#[tokio::test]
async fn proxy_with_an_endless_header_is_cut_off() {
    for answer in [
        [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'a'; 1 << 12]].concat(),
        b"HTTP/1.1 200 OK\r\na: b\r\n".to_vec(),
        b"x-more: of the same\r\n".to_vec(),
    ] {
        let (fault, text) = fault_of(Answer::Endless(answer)).await;
        let is_bounded = matches!(
            fault,
            ProxyFault::HeaderTooLong(_) | ProxyFault::Protocol(_)
        );
        assert!(is_bounded, "{text}");
    }
    let one = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(HEADER_LIMIT));
    let (fault, text) = fault_of(Answer::Wait(one.into_bytes())).await;
    assert!(matches!(fault, ProxyFault::HeaderTooLong(_)), "{text}");
}

#[tokio::test]
async fn proxy_that_sends_bytes_after_its_reply_is_refused() {
    let more = [ESTABLISHED, b"HTTP/1.1 200 OK\r\n\r\n"].concat();
    let (fault, text) = fault_of(Answer::Wait(more)).await;
    assert!(matches!(fault, ProxyFault::EarlyBytes), "{text}");
}

#[tokio::test]
async fn proxy_that_answers_with_a_web_page_is_refused() {
    let page = reply(
        "200 OK",
        "content-type: text/html\r\n",
        b"<html>log in</html>",
    );
    let (fault, text) = fault_of(Answer::Wait(page)).await;
    assert!(matches!(fault, ProxyFault::Page), "{text}");
    let bare = b"<html><title>log in</title></html>\r\n\r\n".to_vec();
    let (fault, text) = fault_of(Answer::Last(bare)).await;
    assert!(matches!(fault, ProxyFault::Protocol(_)), "{text}");
}

#[tokio::test]
async fn silent_proxy_ends_at_the_time_limit_for_connections() {
    let behind = Behind::new(Answer::Wait(Vec::new())).await;
    let destination = crate::egress::destination::Destination {
        origin: origin(API),
        rule: AddressRule::PUBLIC,
    };
    let client = behind.egress.client();
    let limit = Duration::from_millis(50);
    let opened = client
        .open(&destination, crate::egress::client::Reuse::Fresh, limit)
        .await;
    let Err(NotSent::Proxy { source, .. }) = opened.map(drop) else {
        panic!("no connection")
    };
    assert!(matches!(source, ProxyFault::Timeout(_)));
}
