//! A raw TCP client that records the received bytes and the end of the connection.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Api;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was closed.
    Closed,
    /// It was reset.
    Reset,
}

/// The bytes received from a socket.
pub(crate) struct Received {
    /// The bytes of each read.
    pub(crate) pieces: Vec<Vec<u8>>,
    pub(crate) end: End,
}

impl Received {
    /// The head of the reply and the received part of its body.
    pub(crate) fn answer(&self) -> (String, Vec<u8>) {
        let all = self.pieces.concat();
        let edge = all
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("a whole head");
        let head = String::from_utf8(all[..edge].to_vec()).expect("text");
        (head.to_ascii_lowercase(), all[edge + 4..].to_vec())
    }

    /// The body's length in the head.
    pub(crate) fn announced(&self) -> usize {
        let (head, _) = self.answer();
        let line = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        line.expect("a length").parse().expect("a number")
    }
}

/// Sends one request with the key on a new connection, and reads until it ends.
pub(crate) async fn exchange(api: &Api, method: &str, path: &str, body: &str) -> Received {
    let authority = api.base_url.strip_prefix("http://").expect("a URL");
    let mut stream = TcpStream::connect(authority).await.expect("a connection");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {}\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        api.key,
        body.len()
    );
    stream
        .write_all(request.as_bytes())
        .await
        .expect("a request");
    let mut pieces = Vec::new();
    loop {
        let mut piece = vec![0; 64 << 10];
        match stream.read(&mut piece).await {
            Ok(0) => {
                let end = End::Closed;
                return Received { pieces, end };
            }
            Ok(length) => {
                piece.truncate(length);
                pieces.push(piece);
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
                let end = End::Reset;
                return Received { pieces, end };
            }
        }
    }
}
