//! A scripted HTTP server on loopback that may answer before it has read a request.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::tls;

/// What the server does on a connection.
#[derive(Clone, Debug)]
pub(in crate::egress) enum Step {
    /// Reads the header of a request.
    Head,
    /// Reads until it has this many bytes of the body.
    Body(usize),
    /// Reads the rest of the body, or what comes of it.
    Rest,
    /// Sends these bytes.
    Say(&'static str),
    /// Lets the client read what was sent.
    Pause,
    /// Ends its bytes (FIN).
    Finish,
    /// Resets the connection (RST).
    Reset,
}

/// What the server got over one connection.
#[derive(Clone, Debug, Default)]
pub(in crate::egress) struct Got {
    /// Request line and header, lower case.
    pub(in crate::egress) head: String,
    pub(in crate::egress) body: Vec<u8>,
    /// Whether the server is done with it.
    pub(in crate::egress) is_over: bool,
}

pub(in crate::egress) struct EarlyServer {
    pub(in crate::egress) address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
}

impl EarlyServer {
    /// A server that follows one script for each connection. It closes a connection at the end of
    /// its script, and those for which it has none.
    pub(in crate::egress) async fn start(scripts: &[&[Step]]) -> Self {
        Self::start_with(scripts, false).await
    }

    /// The same with TLS, as `api.example.com`.
    pub(in crate::egress) async fn start_secure(scripts: &[&[Step]]) -> Self {
        Self::start_with(scripts, true).await
    }

    async fn start_with(scripts: &[&[Step]], secure: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        let got = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&got);
        let scripts: Vec<_> = scripts.iter().map(|script| script.to_vec()).collect();
        tokio::spawn(async move {
            let mut scripts = scripts.into_iter();
            for index in 0.. {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                let script = scripts.next().unwrap_or_default();
                all.lock().expect("lock").push(Got::default());
                let all = Arc::clone(&all);
                tokio::spawn(async move {
                    let got = if secure {
                        let stream = tls::accept(stream).await.expect("TLS");
                        follow(stream, script, |stream| stream.get_ref().0).await
                    } else {
                        follow(stream, script, |stream| stream).await
                    };
                    all.lock().expect("lock")[index] = got;
                });
            }
        });
        Self { address, got }
    }

    pub(in crate::egress) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What came over each connection, once the server is done with all of them.
    pub(in crate::egress) async fn got(&self) -> Vec<Got> {
        loop {
            let got = self.got.lock().expect("lock").clone();
            if got.iter().all(|got| got.is_over) {
                return got;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn follow<S>(mut stream: S, script: Vec<Step>, tcp: impl Fn(&S) -> &TcpStream) -> Got
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut head, mut body) = (String::new(), Vec::new());
    for step in script {
        match step {
            Step::Head => {
                while !body.windows(4).any(|four| four == b"\r\n\r\n") {
                    if !read(&mut stream, &mut body).await {
                        break;
                    }
                }
                let end = body.windows(4).position(|four| four == b"\r\n\r\n");
                let rest = body.split_off(end.map_or(body.len(), |end| end + 4));
                head = String::from_utf8_lossy(&body).to_ascii_lowercase();
                body = rest;
            }
            Step::Body(count) => while body.len() < count && read(&mut stream, &mut body).await {},
            Step::Rest => {
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |length| length.parse().expect("length"));
                while body.len() < length && read(&mut stream, &mut body).await {}
            }
            Step::Say(text) => {
                drop(stream.write_all(text.as_bytes()).await);
                drop(stream.flush().await);
            }
            Step::Pause => tokio::time::sleep(Duration::from_millis(5)).await,
            Step::Finish => drop(stream.shutdown().await),
            Step::Reset => tcp(&stream).set_zero_linger().expect("no linger"),
        }
    }
    drop(stream);
    Got {
        head,
        body,
        is_over: true,
    }
}

/// Reads more bytes. `false` at their end.
async fn read(stream: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> bool {
    matches!(stream.read_buf(bytes).await, Ok(1..))
}
