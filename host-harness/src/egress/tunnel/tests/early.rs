//! Large bodies and early replies through a proxy, over TLS, and by HTTP/2.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::egress::guest::tests::{guest_over, post_long};
use crate::egress::testing::early::{EarlyServer, Step};
use crate::egress::testing::tls;
use crate::egress::{Sent, SubmitReply, Transmission};
use Step::{Body, Finish, Head, Rest, Say};

const LONG: usize = 8 << 20;
const URL: &str = "https://api.example.com/v1/jobs";

const TOO_LARGE: Step = Say("HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nlarge");
const FAILED: Step = Say("HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n");
const ACCEPTED: Step = Say("HTTP/1.1 202 Accepted\r\ncontent-length: 5\r\n\r\ntaken");

fn answered(status: u16) -> Sent {
    Sent::Answered(SubmitReply {
        status,
        retry_after: false,
    })
}

#[tokio::test]
async fn large_body_waits_and_is_repeated_through_a_proxy() {
    let scripts: [&[Step]; 3] = [
        &[Head, TOO_LARGE, Rest],
        &[Head, FAILED, Rest],
        &[Head, Rest, ACCEPTED],
    ];
    let provider = EarlyServer::start_secure(&scripts).await;
    let behind = Behind::new(Answer::Connect(provider.address)).await;
    for status in [413, 202] {
        let transmission = Arc::new(Transmission::default());
        let guest = guest_over(&behind.egress, connection(API), &transmission);
        let reply = post_long(&guest, URL, LONG).await.expect("a reply");
        assert_eq!(reply.0, status);
        assert_eq!(transmission.close(), answered(status));
    }
    let got = provider.got().await;
    let bodies: Vec<_> = got.iter().map(|got| got.body.len()).collect();
    assert_eq!(bodies, [0, 0, LONG]);
    let asks: Vec<_> = got.iter().map(|got| got.head.contains("expect:")).collect();
    assert_eq!(asks, [true, true, false]);
}

/// An egress without a proxy, and with a server at `api.example.com`.
fn direct(server: std::net::SocketAddr) -> (Egress, tempfile::TempDir) {
    let names = Names::default();
    names.name("api.example.com", "93.184.216.34");
    names.detour("93.184.216.34", server);
    let folder = tempfile::tempdir().expect("a folder");
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, AUTHORITY).expect("a file");
    let network = Network {
        ca_file: Some(authority),
        ..Network::default()
    };
    let egress = Egress::builder()
        .limits(HttpLimits::default())
        .resolver(names.clone())
        .connector(names)
        .build(&network, &variables(&[]));
    (egress.expect("an egress"), folder)
}

#[tokio::test]
async fn refusal_that_comes_while_the_body_is_sent_is_read_over_tls() {
    for _ in 0..15 {
        let go_on = Say("HTTP/1.1 100 Continue\r\n\r\n");
        let script = [Head, go_on, Body(64 << 10), TOO_LARGE, Finish];
        let provider = EarlyServer::start_secure(&[&script]).await;
        let (egress, _folder) = direct(provider.address);
        let transmission = Arc::new(Transmission::default());
        let guest = guest_over(&egress, connection(API), &transmission);
        let reply = post_long(&guest, URL, LONG).await.expect("a reply");
        assert_eq!(reply, (413, Bytes::from("large")));
        assert_eq!(transmission.close(), answered(413));
    }
}

/// A frame of HTTP/2 on stream 1, or on the connection.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short frame");
    let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
    frame.extend_from_slice(payload);
    frame
}

/// Answers the first request with 413, and stops reading its body (RFC 9113, 8.1).
async fn refuse_by_http2(listener: TcpListener) {
    const HEADERS: u8 = 1;
    let (stream, _) = listener.accept().await.expect("a connection");
    let mut stream = tls::accept_for(stream, &["h2"]).await.expect("TLS");
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.expect("a preface");
    let settings = frame(4, 0, 0, &[]);
    stream.write_all(&settings).await.expect("a write");
    stream.flush().await.expect("a write");
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.expect("a frame");
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).expect("a length")];
        stream.read_exact(&mut payload).await.expect("a frame");
        if head[3] == HEADERS {
            break;
        }
    }
    // The status by the name at index 8 of the static table (RFC 7541).
    let reply = [
        frame(HEADERS, 4, 1, b"\x08\x03413"),
        frame(0, 1, 1, b"large"),
        // RST_STREAM with NO_ERROR.
        frame(3, 0, 1, &[0; 4]),
    ];
    stream.write_all(&reply.concat()).await.expect("a write");
    stream.flush().await.expect("a write");
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest).await);
}

#[tokio::test]
async fn refusal_by_http2_that_resets_the_stream_without_an_error_is_read() {
    for _ in 0..15 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let (egress, _folder) = direct(listener.local_addr().expect("an address"));
        tokio::spawn(refuse_by_http2(listener));
        let transmission = Arc::new(Transmission::default());
        let guest = guest_over(&egress, connection(API), &transmission);
        let reply = post_long(&guest, URL, LONG).await.expect("a reply");
        assert_eq!(reply, (413, Bytes::from("large")));
        assert_eq!(transmission.close(), answered(413));
    }
}
