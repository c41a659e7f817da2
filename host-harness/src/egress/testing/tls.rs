//! A TLS server's certificate for `api.example.com` and `proxy.example.com`, and the test
//! authority that signed it. Both are valid from 2020 to 2119. No one trusts the authority.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The authority, in PEM.
pub(in crate::egress) const AUTHORITY: &str = include_str!("authority.pem");

const CERTIFICATE: &[u8] = include_bytes!("server.pem");
const KEY: &[u8] = include_bytes!("server-key.pem");

/// Accepts TLS on `stream` with the test certificate.
pub(in crate::egress) async fn accept(stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
    accept_for(stream, &[]).await
}

/// The same, for one of these protocols (ALPN).
pub(in crate::egress) async fn accept_for(
    stream: TcpStream,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = CertificateDer::pem_slice_iter(CERTIFICATE);
    let chain = chain.map(|certificate| certificate.expect("a certificate"));
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain.collect(), key)
        .expect("a configuration");
    config.alpn_protocols = protocols.iter().map(|name| (*name).into()).collect();
    TlsAcceptor::from(Arc::new(config)).accept(stream).await
}
