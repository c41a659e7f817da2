//! Opens connections: checks the destination, dials it or a proxy, verifies the name by TLS.

use std::io;
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use super::destination::Destination;
use super::dial::{Connect, dial};
use super::error::NotSent;
use super::pool::Sender;
use super::proxy::{Proxies, Proxy};
use super::proxy_error::ProxyFault;
use super::read_on::ReadOn;
use super::resolver::{Resolve, addresses_of};
use super::tls::Tls;
use super::tunnel;
use super::yielding::Yielding;
use crate::awake::timeout;
use crate::net::Origin;

/// How long the lookup of a name may take that a proxy can resolve too. Without a reachable
/// DNS server, the system's resolver waits longer than a connection may take.
const LOOKUP: Duration = Duration::from_secs(3);

pub(super) struct Opener {
    pub(super) resolver: Box<dyn Resolve>,
    pub(super) connector: Box<dyn Connect>,
    pub(super) proxies: Proxies,
    pub(super) tls: Tls,
    pub(super) header_limit: u64,
}

impl Opener {
    /// A connection to `destination` within `time_limit`.
    pub(super) async fn open(
        &self,
        destination: &Destination,
        time_limit: Duration,
    ) -> Result<Sender, NotSent> {
        let origin = &destination.origin;
        let proxy = self.proxies.of(origin);
        let connected = timeout(time_limit, async {
            match proxy {
                Some(proxy) => self.open_through(proxy, destination).await,
                None => self.open_directly(destination).await,
            }
        });
        connected.await.unwrap_or_else(|_| {
            Err(match proxy {
                Some(proxy) => NotSent::proxy(origin, proxy, ProxyFault::Timeout(time_limit)),
                None => NotSent::ConnectTimeout {
                    host: origin.host().to_string(),
                    after: time_limit,
                },
            })
        })
    }

    async fn open_directly(&self, destination: &Destination) -> Result<Sender, NotSent> {
        let origin = &destination.origin;
        let host = || origin.host().to_string();
        let found = addresses_of(self.resolver.as_ref(), origin.host(), destination.rule).await?;
        let stream = dial(self.connector.as_ref(), &found, origin.port()).await;
        let stream = stream.map_err(|source| NotSent::Connect {
            host: host(),
            source,
        })?;
        // Sends small requests without delay; a failure here only makes them slower.
        let _ = stream.set_nodelay(true);
        self.begin(stream, origin, |source| NotSent::Tls {
            host: host(),
            source,
        })
        .await
    }

    async fn open_through(
        &self,
        proxy: &Proxy,
        destination: &Destination,
    ) -> Result<Sender, NotSent> {
        self.check(destination).await?;
        let origin = &destination.origin;
        let parts = (self.resolver.as_ref(), self.connector.as_ref(), &self.tls);
        let stream = tunnel::open(proxy, origin, parts).await;
        let stream = stream.map_err(|fault| NotSent::proxy(origin, proxy, fault))?;
        self.begin(stream, origin, |source| match source.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => NotSent::proxy(origin, proxy, ProxyFault::Closed),
            _ => NotSent::Tls {
                host: origin.host().to_string(),
                source,
            },
        })
        .await
    }

    /// Checks a destination that a proxy will resolve again. A name without an address here
    /// passes only if the user has configured it, or lets the proxy resolve all names.
    async fn check(&self, destination: &Destination) -> Result<(), NotSent> {
        let host = destination.origin.host();
        let lookup = addresses_of(self.resolver.as_ref(), host, destination.rule);
        let unresolved = match timeout(LOOKUP, lookup).await {
            Ok(Err(NotSent::Resolve { source, .. })) => source,
            Ok(checked) => return checked.map(drop),
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
        if self.proxies.resolve || destination.rule.is_of_connection() {
            tracing::debug!("the proxy resolves a name that has no address here");
            return Ok(());
        }
        Err(NotSent::ResolvedByProxyAlone {
            host: host.to_string(),
            source: unresolved,
        })
    }

    /// TLS if the origin needs it, then HTTP.
    async fn begin<S>(
        &self,
        stream: S,
        origin: &Origin,
        untrusted: impl FnOnce(io::Error) -> NotSent,
    ) -> Result<Sender, NotSent>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let spoken = if origin.is_secure() {
            let stream = self.tls.connect(stream, origin.host()).await;
            let stream = stream.map_err(untrusted)?;
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            self.speak(stream, http2).await
        } else {
            self.speak(stream, false).await
        };
        spoken.map_err(|source| NotSent::Closed {
            host: origin.host().to_string(),
            source,
        })
    }

    async fn speak<S>(&self, stream: S, http2: bool) -> hyper::Result<Sender>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream = TokioIo::new(ReadOn::new(Yielding::new(stream)));
        if http2 {
            let limit = u32::try_from(self.header_limit).unwrap_or(u32::MAX);
            let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
                .max_header_list_size(limit)
                .handshake(stream)
                .await?;
            drive(connection);
            sender.ready().await?;
            Ok(Sender::Http2(sender))
        } else {
            let limit = usize::try_from(self.header_limit).unwrap_or(usize::MAX);
            let (mut sender, connection) = http1::Builder::new()
                .max_header_size(limit)
                .handshake(stream)
                .await?;
            drive(connection);
            sender.ready().await?;
            Ok(Sender::Http1(sender))
        }
    }
}

/// Runs a connection's task. Its end is reported to the request that waits for a reply.
fn drive(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended");
        }
    });
}
