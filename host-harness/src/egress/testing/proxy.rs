//! A scripted proxy on loopback.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::{request, tls};

/// What the proxy does after a request for a connection.
#[derive(Clone)]
pub(in crate::egress) enum Answer {
    /// Connects to this server.
    Connect(SocketAddr),
    /// Sends these bytes and closes.
    Last(Vec<u8>),
    /// Sends these bytes, then waits.
    Wait(Vec<u8>),
    /// Sends these bytes again and again.
    Endless(Vec<u8>),
}

/// The reply that opens a connection.
pub(in crate::egress) const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

pub(in crate::egress) struct Proxy {
    pub(in crate::egress) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// A proxy that answers every request in this way; over TLS if `secure`.
    pub(in crate::egress) async fn start(answer: Answer, secure: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let all_heads = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, heads) = (answer.clone(), Arc::clone(&all_heads));
                tokio::spawn(async move {
                    if !secure {
                        serve(stream, answer, &heads).await;
                    } else if let Ok(stream) = tls::accept(stream).await {
                        serve(stream, answer, &heads).await;
                    }
                });
            }
        });
        Self { address, heads }
    }

    /// Request line and header of each request, in lower case.
    pub(in crate::egress) fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("lock").clone()
    }
}

async fn serve<S>(mut stream: S, answer: Answer, heads: &Mutex<Vec<String>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some((head, _)) = request(&mut stream).await else {
        return;
    };
    heads.lock().expect("lock").push(head);
    match answer {
        Answer::Connect(server) => {
            let mut server = TcpStream::connect(server).await.expect("a server");
            let _ = stream.write_all(ESTABLISHED).await;
            let _ = stream.flush().await;
            let _ = copy_bidirectional(&mut stream, &mut server).await;
        }
        Answer::Last(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Answer::Wait(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.flush().await;
            std::future::pending::<()>().await;
        }
        Answer::Endless(bytes) => while stream.write_all(&bytes).await.is_ok() {},
    }
}
