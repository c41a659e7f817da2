//! TLS, with the name of the server verified.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

/// TLS with the platform's trust store and further authorities. The store is loaded at first
/// use, so that a machine without certificates can still use plain HTTP to itself.
#[derive(Default)]
pub(super) struct Tls {
    additional: Vec<CertificateDer<'static>>,
    configs: OnceLock<Result<Configs, rustls::Error>>,
}

struct Configs {
    server: Arc<ClientConfig>,
    proxy: Arc<ClientConfig>,
}

impl Tls {
    /// Also trusts `additional` authorities.
    pub(super) fn trusting(additional: Vec<CertificateDer<'static>>) -> Self {
        Self {
            additional,
            configs: OnceLock::new(),
        }
    }

    /// A TLS stream to a server whose certificate is valid for `host`.
    pub(super) async fn connect<S>(
        &self,
        stream: S,
        host: &Host<String>,
    ) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        handshake(&self.configs()?.server, stream, host).await
    }

    /// The same to a proxy, over which HTTP/1.1 is spoken.
    pub(super) async fn connect_to_proxy<S>(
        &self,
        stream: S,
        host: &Host<String>,
    ) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        handshake(&self.configs()?.proxy, stream, host).await
    }

    fn configs(&self) -> io::Result<&Configs> {
        let configs = self.configs.get_or_init(|| Configs::new(&self.additional));
        configs
            .as_ref()
            .map_err(|error| io::Error::other(error.clone()))
    }
}

async fn handshake<S>(
    config: &Arc<ClientConfig>,
    stream: S,
    host: &Host<String>,
) -> io::Result<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = match host {
        Host::Domain(name) => ServerName::try_from(name.clone())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?,
        Host::Ipv4(address) => ServerName::from(IpAddr::from(*address)),
        Host::Ipv6(address) => ServerName::from(IpAddr::from(*address)),
    };
    TlsConnector::from(Arc::clone(config))
        .connect(name, stream)
        .await
}

impl Configs {
    fn new(additional: &[CertificateDer<'static>]) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = if additional.is_empty() {
            Verifier::new(Arc::clone(&provider))?
        } else {
            // Every platform but Android has it.
            Verifier::new_with_extra_roots(additional.to_vec(), Arc::clone(&provider))?
        };
        let mut server = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        let mut proxy = server.clone();
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        proxy.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            server: Arc::new(server),
            proxy: Arc::new(proxy),
        })
    }
}
