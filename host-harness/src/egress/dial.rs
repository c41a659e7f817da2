//! Connects to checked addresses, and verifies the server's name by TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

/// How long one address is tried alone before the next one joins in (RFC 8305).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Opens TCP connections. [`SystemConnector`] uses the system's; tests count or divert them.
///
/// Called once for every address that is tried, after all addresses of the host were checked,
/// and not for a pooled connection. The next address is tried 250 ms after the previous one,
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

/// TLS with the platform's trust store. It is loaded at first use, so that a machine without
/// certificates can still use plain HTTP to itself.
#[derive(Default)]
pub(super) struct Tls(OnceLock<Result<Arc<rustls::ClientConfig>, rustls::Error>>);

impl Tls {
    /// A TLS stream to a server whose certificate is valid for `host`.
    pub(super) async fn connect(
        &self,
        stream: TcpStream,
        host: &Host<String>,
    ) -> io::Result<TlsStream<TcpStream>> {
        let config = match self.0.get_or_init(tls_config) {
            Ok(config) => Arc::clone(config),
            Err(error) => return Err(io::Error::other(error.clone())),
        };
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name.clone())
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?,
            Host::Ipv4(address) => ServerName::from(IpAddr::from(*address)),
            Host::Ipv6(address) => ServerName::from(IpAddr::from(*address)),
        };
        TlsConnector::from(config).connect(name, stream).await
    }
}

fn tls_config() -> Result<Arc<rustls::ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
