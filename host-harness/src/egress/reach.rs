//! Whether an origin can be reached, for a diagnosis: a connection is opened and nothing is requested.

use super::broker::Egress;
use super::destination::Destination;
use super::error::NotSent;
use super::resolver::AddressRule;
use crate::net::Origin;

impl Egress {
    /// Opens a connection to the origin of a configured connection, with all checks of a request,
    /// and closes it: a TLS handshake, or a TCP connection alone for `http`. No request and no
    /// credential is sent, so this costs nothing.
    ///
    /// # Errors
    ///
    /// Why no connection could be opened.
    pub async fn reach(&self, origin: &Origin) -> Result<(), NotSent> {
        let destination = Destination {
            origin: origin.clone(),
            rule: AddressRule::of_connection(origin),
        };
        let opener = self.client().opener();
        opener
            .open(&destination, self.limits().connect)
            .await
            .map(drop)
    }

    /// The origin of the proxy that requests to `origin` pass, without user and password; `None`
    /// if they pass none.
    #[must_use]
    pub fn proxy_of(&self, origin: &Origin) -> Option<String> {
        let proxy = self.client().opener().proxies.of(origin)?;
        Some(proxy.to_string())
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::net::BaseUrl;

    #[tokio::test]
    async fn origin_is_reached_without_a_request_and_a_closed_port_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let base: BaseUrl = format!("http://{address}").parse().expect("a URL");
        let egress = Egress::default();
        egress.reach(base.origin()).await.expect("reached");
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut bytes = [0; 64];
        loop {
            stream.readable().await.expect("readable");
            match stream.try_read(&mut bytes) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                read => break assert_eq!(read.ok(), Some(0), "nothing was requested"),
            }
        }
        assert_eq!(egress.proxy_of(base.origin()), None);
        drop((stream, listener));
        assert!(egress.reach(base.origin()).await.is_err());
    }
}
