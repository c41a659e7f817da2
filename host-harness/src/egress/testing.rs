//! A scripted HTTP server on loopback.
//!
//! - [`early`]: a server that answers before it has the whole request
//! - [`network`]: names and addresses that lead to this machine
//! - [`proxy`]: a scripted proxy
//! - [`tls`]: a certificate

pub(super) mod early;
pub(super) mod network;
pub(super) mod proxy;
pub(super) mod tls;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{Egress, HttpLimits};
use crate::connections::{
    Connection, Credential, CredentialPlacement, OpenConnection, SecretSource,
};
use crate::digest::Sha256Digest;
use crate::policy::{Grant, Manifest, Policy, Quota};

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Answers with these bytes and waits for the next request.
    Reply(Vec<u8>),
    /// Answers with these bytes and closes the connection.
    Last(Vec<u8>),
    /// Never answers.
    Silence,
    /// Computes the act from the request.
    Answer(Answer),
}

/// Computes an act from a request.
pub(crate) type Answer = Arc<dyn Fn(&Seen) -> Act + Send + Sync>;

impl Act {
    /// A 200 with this body.
    pub(crate) fn ok(body: &str) -> Self {
        Self::Reply(reply("200 OK", "", body.as_bytes()))
    }

    /// A redirect to `location`.
    pub(crate) fn redirect(location: &str) -> Self {
        Self::Reply(reply(
            "302 Found",
            &format!("location: {location}\r\n"),
            b"",
        ))
    }

    /// Closes the connection without a reply.
    pub(crate) fn close() -> Self {
        Self::Last(Vec::new())
    }
}

pub(crate) fn reply(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut reply = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    )
    .into_bytes();
    reply.extend_from_slice(body);
    reply
}

/// A request as the server received it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Index of the server's connection that it came over.
    pub(crate) connection: usize,
    /// Request line and header, lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    acts: Arc<Mutex<VecDeque<Act>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// A server that performs these acts in order, over any number of connections.
    pub(crate) async fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        Self::start_with(acts, false).await
    }

    /// The same with TLS, as `api.example.com`.
    pub(crate) async fn start_secure(acts: impl IntoIterator<Item = Act>) -> Self {
        Self::start_with(acts, true).await
    }

    async fn start_with(acts: impl IntoIterator<Item = Act>, secure: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        let acts: Arc<Mutex<VecDeque<Act>>> = Arc::new(Mutex::new(acts.into_iter().collect()));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (all_acts, all_seen) = (Arc::clone(&acts), Arc::clone(&seen));
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                let (acts, seen) = (Arc::clone(&all_acts), Arc::clone(&all_seen));
                tokio::spawn(async move {
                    if !secure {
                        serve(stream, connection, acts, seen).await;
                    } else if let Ok(stream) = tls::accept(stream).await {
                        serve(stream, connection, acts, seen).await;
                    }
                });
            }
        });
        Self {
            address,
            acts,
            seen,
        }
    }

    /// Adds acts to do.
    pub(crate) fn then(&self, acts: impl IntoIterator<Item = Act>) {
        self.acts.lock().expect("lock").extend(acts);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("lock").clone()
    }
}

async fn serve<S>(
    mut stream: S,
    connection: usize,
    acts: Arc<Mutex<VecDeque<Act>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some((head, body)) = request(&mut stream).await {
        let request = Seen {
            connection,
            head,
            body,
        };
        seen.lock().expect("lock").push(request.clone());
        let mut act = acts.lock().expect("lock").pop_front();
        while let Some(Act::Answer(answer)) = act {
            act = Some(answer(&request));
        }
        match act {
            Some(Act::Answer(_)) => unreachable!("it was asked"),
            Some(Act::Reply(bytes)) => {
                if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
            Some(Act::Last(bytes)) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Some(Act::Silence) | None => std::future::pending().await,
        }
    }
}

/// Reads a request: its line and header in lower case, and its body.
async fn request<S>(stream: &mut S) -> Option<(String, Vec<u8>)>
where
    S: AsyncRead + Unpin,
{
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut body = bytes.split_off(end);
    let head = String::from_utf8(bytes).ok()?.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().expect("length"));
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, body))
}

/// As [`narrow`], with short timeouts for a silent server.
pub(crate) fn impatient() -> Egress {
    Egress::new(HttpLimits {
        first_byte: Duration::from_millis(50),
        idle: Duration::from_millis(50),
        ..NARROW
    })
}

/// An egress with small size limits and long timeouts.
pub(crate) fn narrow() -> Egress {
    Egress::new(NARROW)
}

const NARROW: HttpLimits = HttpLimits {
    connect: Duration::from_secs(10),
    first_byte: Duration::from_secs(30),
    idle: Duration::from_secs(30),
    total: Duration::from_secs(30),
    request_body: 1 << 10,
    reply_header: 4 << 10,
    reply_body: 1 << 10,
    clip_body: 16 << 10,
    call_bytes: 64 << 10,
    pack_bytes: 256 << 10,
    process_bytes: 512 << 10,
};

/// A connection to `base` with the credential `sk-hunter2` as a bearer token.
pub(crate) fn connection(base: &str) -> Arc<OpenConnection> {
    opened(base, |connection| connection)
}

/// The same to a provider that honours idempotency keys.
pub(crate) fn keyed_connection(base: &str) -> Arc<OpenConnection> {
    opened(base, |connection| {
        connection.with_idempotency(Duration::from_hours(24))
    })
}

fn opened(base: &str, adapt: impl Fn(Connection) -> Connection) -> Arc<OpenConnection> {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("key");
    std::fs::write(&file, "sk-hunter2").expect("write");
    let connection = Connection::new(
        "test".parse().expect("id"),
        "pixelml",
        base.parse().expect(base),
    )
    .with_credential(Credential {
        source: SecretSource::File(file),
        header: None,
        prefix: None,
    });
    let connection = Arc::new(adapt(connection));
    let open = connection.open(&CredentialPlacement::default());
    Arc::new(open.expect("open"))
}

/// The quota of a pack that is granted these uploads and so many requests a minute.
pub(crate) fn uploading(uploads: &[&str], requests: u64) -> Quota {
    let manifest = serde_json::json!({
        "format": 1, "name": "p", "version": "1", "connections": ["pixelml"],
        "uploads": uploads, "limits": {"requests_per_minute": requests},
    });
    let manifest = Manifest::parse(manifest.to_string().as_bytes()).expect("a manifest");
    let digest = Sha256Digest::from([1; 32]);
    let policy = Policy::default().with(digest, Grant::as_asked(&manifest));
    Quota::new(policy.permissions(digest, manifest).expect("allowed"))
}
