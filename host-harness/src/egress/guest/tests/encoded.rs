//! Replies in other encodings and charsets, and pictures and clips inside them.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::egress::guest::attachments::Attachments;
use crate::policy::PackLimit;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("write");
    encoder.finish().expect("gzip")
}

fn utf_16(text: &str) -> Vec<u8> {
    let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn clip(length: usize) -> Vec<u8> {
    let mut clip = b"\0\0\0\x18ftypisom\0\0\0\0isommp42".to_vec();
    clip.resize(length, 7);
    clip
}

/// A reply whose JSON text holds a clip of this length.
fn with_clip(length: usize) -> String {
    let base64 = STANDARD.encode(clip(length));
    format!("{{\"url\": \"data:video/mp4;base64,{base64}\", \"id\": \"attached:9\"}}")
}

async fn get(guest: &GuestHttp, url: &str) -> Result<(u16, Bytes), Error> {
    send(guest, request(Method::GET, url, "")).await
}

#[tokio::test]
async fn credential_in_an_encoded_reply_is_redacted() {
    let text = "{\"echo\": \"sk-hunter2\", \"word\": \"größe\"}";
    let redacted = text.replace("sk-hunter2", "**********");
    let zstd = zstd::encode_all(text.as_bytes(), 1).expect("zstd");
    for (headers, body) in [
        ("content-encoding: gzip\r\n", gzip(text.as_bytes())),
        ("content-encoding: zstd\r\n", zstd.clone()),
        ("content-encoding: zstd, gzip\r\n", gzip(&zstd)),
        ("content-type: application/json\r\n", utf_16(text)),
        ("content-type: image/png\r\n", utf_16(text)),
        (
            "content-type: text/plain\r\ncontent-encoding: gzip\r\n",
            gzip(&utf_16(text)),
        ),
        ("", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
    ] {
        for sends in [Sends::OneSubmit, Sends::Reads, Sends::OneChange] {
            let server = Server::start([Act::Reply(reply("200 OK", headers, &body))]).await;
            let guest = guest(&server.url(""), sends);
            let (_, body) = post(&guest, &server.url("/v1/jobs")).await.expect("reply");
            assert_eq!(body, redacted, "{headers}");
        }
    }
}

#[tokio::test]
async fn header_of_a_decoded_reply_is_that_of_its_text() {
    let headers = "content-type: application/json; charset=utf-16\r\ncontent-encoding: gzip\r\n";
    let body = gzip(&utf_16("{}"));
    let server = Server::start([Act::Reply(reply("200 OK", headers, &body))]).await;
    let guest = guest(&server.url(""), Sends::Reads);
    let request = request(Method::GET, &server.url("/"), "");
    let sent = guest
        .clone()
        .send_request(request, None, Box::new(async { Ok(()) }));
    let (response, _): (Response<WasiBody>, _) = Box::into_pin(sent).await.expect("reply");
    let headers = response.headers();
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    assert!(!headers.contains_key("content-encoding"));
    assert!(!headers.contains_key("content-length"));
}

#[tokio::test]
async fn bomb_in_a_reply_is_a_body_that_is_too_long() {
    let bomb = gzip(&vec![b' '; 10 << 20]);
    let member = gzip(&vec![b'['; 1 << 20]);
    for body in [bomb, member.repeat(4)] {
        for sends in [Sends::OneSubmit, Sends::OneChange] {
            let act = Act::Reply(reply("200 OK", "content-encoding: gzip\r\n", &body));
            let server = Server::start([act]).await;
            let guest = guest(&server.url(""), sends);
            let error = post(&guest, &server.url("/")).await.expect_err("too long");
            // Replies to a submit may hold a clip.
            let limit = if sends == Sends::OneSubmit {
                16 << 10
            } else {
                1024
            };
            assert!(
                matches!(error, Error::HttpResponseBodySize(Some(at)) if at == limit),
                "{error:?}"
            );
        }
    }
}

#[tokio::test]
async fn encoded_reply_that_decodes_to_nothing_is_no_longer_than_usual() {
    let body = gzip(b"").repeat(200);
    let act = Act::Reply(reply("200 OK", "content-encoding: gzip\r\n", &body));
    let server = Server::start([act]).await;
    let guest = guest(&server.url(""), Sends::Reads);
    let error = get(&guest, &server.url("/")).await.expect_err("too long");
    assert!(
        matches!(error, Error::HttpResponseBodySize(Some(1024))),
        "{error:?}"
    );
}

#[tokio::test]
async fn clip_inside_a_reply_is_kept_by_the_call() {
    let body = with_clip(10_000);
    let encoded = reply(
        "200 OK",
        "content-encoding: gzip\r\n",
        &gzip(body.as_bytes()),
    );
    let acts = [Act::ok(&body), Act::Reply(encoded), Act::ok("{}")];
    let server = Server::start(acts).await;
    let mut guest = guest(&server.url(""), Sends::Reads);
    guest.egress = Some(Egress::new(HttpLimits {
        clip_body: 20_000,
        ..*narrow().limits()
    }));
    for number in 0..2 {
        let (_, text) = get(&guest, &server.url("/")).await.expect("reply");
        let expected = format!("{{\"url\": \"attached:{number}\", \"id\": \"not-attached:9\"}}");
        assert_eq!(text, expected);
    }
    let (_, text) = get(&guest, &server.url("/")).await.expect("reply");
    assert_eq!(text, "{}");
    let attachments: &Attachments = &guest.attachments;
    for number in 0..2 {
        let attachment = attachments.take(number).expect("an attachment");
        assert_eq!(attachment.media_type.as_deref(), Some("video/mp4"));
        assert_eq!(attachment.bytes, clip(10_000));
    }
    assert!(attachments.take(2).is_none());
}

#[tokio::test]
async fn clip_inside_the_reply_to_a_cancellation_stays_there() {
    let body = with_clip(700);
    let server = Server::start([Act::ok(&body), Act::ok(&with_clip(10_000))]).await;
    let guest = guest(&server.url(""), Sends::OneChange);
    let (_, text) = get(&guest, &server.url("/")).await.expect("reply");
    assert_eq!(text, body);
    let error = get(&guest, &server.url("/")).await.expect_err("too long");
    assert!(
        matches!(error, Error::HttpResponseBodySize(Some(1024))),
        "{error:?}"
    );
}

#[tokio::test]
async fn clips_of_a_call_beyond_its_limit_are_an_error() {
    let body = with_clip(9_000);
    let server = Server::start([Act::ok(&body), Act::ok(&body)]).await;
    let limits = PackLimits::default().with(PackLimit::ClipBytes, 17_000);
    let guest = bounded_guest(&server.url(""), Sends::Reads, limits);
    let limit = 16 << 10;
    get(&guest, &server.url("/")).await.expect("reply");
    let error = get(&guest, &server.url("/")).await.expect_err("too long");
    assert!(
        matches!(error, Error::HttpResponseBodySize(Some(at)) if at == limit),
        "{error:?}"
    );
}

/// Answers with a `data:` URL that does not end.
#[tokio::test]
async fn data_url_of_a_gigabyte_stops_at_the_limit() {
    let length = 1 << 30;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    let unannounced = "HTTP/1.1 200 OK\r\n\r\n".to_owned();
    for head in [head, unannounced] {
        let begin = format!("{head}{{\"url\": \"data:video/mp4;base64,");
        let some = [begin.into_bytes(), vec![b'A'; 100 << 10]].concat();
        let server = Server::start([Act::Reply(some)]).await;
        let guest = guest(&server.url(""), Sends::Reads);
        let error = get(&guest, &server.url("/")).await.expect_err("too long");
        let limit = 16 << 10;
        assert!(
            matches!(error, Error::HttpResponseBodySize(Some(at)) if at == limit),
            "{error:?}"
        );
        assert_eq!(guest.attachments.totals(), (0, 0));
    }
}

#[tokio::test]
async fn text_that_is_not_json_is_no_longer_than_usual() {
    let long = "x".repeat(1025);
    let document = format!("[\"{}\"]", "x".repeat(1021));
    for (body, is_read) in [
        (&document[..], false),
        (&document[1..], true),
        (&long, false),
    ] {
        let server = Server::start([Act::ok(body)]).await;
        let guest = guest(&server.url(""), Sends::Reads);
        let outcome = get(&guest, &server.url("/")).await;
        assert_eq!(outcome.is_ok(), is_read, "{outcome:?}");
    }
}
