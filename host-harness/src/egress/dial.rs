//! Connects to checked addresses.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long one address is tried alone before the next one joins in (RFC 8305).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Opens TCP connections. [`SystemConnector`] uses the system's; tests count or divert them.
///
/// Called once for every address that is tried, after all addresses of the host were checked,
/// and not for a pooled connection. Of a destination behind a proxy, the proxy's addresses are
/// tried. The next address is tried 250 ms after the previous one,
/// so several calls may wait at the same time; when one succeeds, the futures of the others
/// are dropped.
pub trait Connect: Send + Sync {
    /// A stream to `address`, which has been checked.
    ///
    /// Must connect to this address and to no other, and must not write to the stream: TLS and
    /// HTTP begin afterwards.
    ///
    /// # Errors
    ///
    /// When the address cannot be reached. The next one is tried; when there is none, the
    /// request fails with [`NotSent::Connect`](super::NotSent::Connect), and nothing was sent.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>>;
}

/// The system's own TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemConnector;

impl Connect for SystemConnector {
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        Box::pin(TcpStream::connect(address))
    }
}

/// Connects to the first address that answers; see [`ATTEMPT_DELAY`].
pub(super) async fn dial(
    connector: &dyn Connect,
    addresses: &[IpAddr],
    port: u16,
) -> io::Result<TcpStream> {
    let mut untried = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    loop {
        if let Some(address) = untried.next() {
            attempts.push(connector.connect(SocketAddr::new(*address, port)));
        } else if attempts.is_empty() {
            return Err(last);
        }
        let answered = if untried.len() == 0 {
            attempts.next().await
        } else {
            match timeout(ATTEMPT_DELAY, attempts.next()).await {
                Ok(answered) => answered,
                Err(_) => continue,
            }
        };
        match answered {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => last = error,
            None => {}
        }
    }
}
