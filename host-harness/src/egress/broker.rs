//! The egress: one HTTP client, its limits, and its connection pool.

use std::sync::Arc;

use super::budget::MemoryBudget;
use super::certificates;
use super::client::Client;
use super::dial::{Connect, SystemConnector};
use super::limits::HttpLimits;
use super::opener::Opener;
use super::proxy::Proxies;
use super::proxy_error::NetworkError;
use super::resolver::{Resolve, SystemResolver};
use super::tls::Tls;
use super::variables::NetworkVariables;
use crate::net::Network;

/// Sends every request of this process. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Egress(Arc<Inner>);

struct Inner {
    client: Client,
    limits: HttpLimits,
    /// The memory of the requests and replies of all components.
    budget: MemoryBudget,
}

impl Egress {
    /// A broker with these limits and the system's resolver. Like [`Egress::default`], it
    /// reads no environment variable and uses no proxy; [`Egress::builder`] can.
    #[must_use]
    pub fn new(limits: HttpLimits) -> Self {
        Self::with_resolver(limits, SystemResolver)
    }

    /// A broker that finds addresses through `resolver`.
    #[must_use]
    pub fn with_resolver(limits: HttpLimits, resolver: impl Resolve + 'static) -> Self {
        Self::with_parts(limits, resolver, SystemConnector)
    }

    /// A broker that finds addresses through `resolver` and dials them through
    /// `connector`.
    #[must_use]
    pub fn with_parts(
        limits: HttpLimits,
        resolver: impl Resolve + 'static,
        connector: impl Connect + 'static,
    ) -> Self {
        let builder = Self::builder().limits(limits);
        let builder = builder.resolver(resolver).connector(connector);
        builder.made(Proxies::default(), Tls::default())
    }

    /// A broker for these network settings and the environment variables of this process, with
    /// the default limits.
    ///
    /// # Errors
    ///
    /// When the settings cannot be used. Nothing was sent.
    pub fn for_network(network: &Network) -> Result<Self, NetworkError> {
        let variables = NetworkVariables::of_process();
        Self::builder().build(network, &variables)
    }

    /// A builder with the default limits, the system's resolver and its TCP.
    #[must_use]
    pub fn builder() -> EgressBuilder {
        EgressBuilder {
            limits: HttpLimits::default(),
            resolver: Box::new(SystemResolver),
            connector: Box::new(SystemConnector),
        }
    }

    /// The limits it was made with.
    #[must_use]
    pub fn limits(&self) -> &HttpLimits {
        &self.0.limits
    }

    pub(super) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(super) fn budget(&self) -> &MemoryBudget {
        &self.0.budget
    }
}

impl Default for Egress {
    fn default() -> Self {
        Self::new(HttpLimits::default())
    }
}

/// The parts of an [`Egress`].
///
/// # Example
///
/// ```
/// use zoetrope_host::egress::{Egress, NetworkVariables};
/// use zoetrope_host::net::Network;
///
/// let network = Network {
///     proxy: "http://proxy.example:3128".parse()?,
///     ..Network::default()
/// };
/// let egress = Egress::builder().build(&network, &NetworkVariables::of_process())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EgressBuilder {
    limits: HttpLimits,
    resolver: Box<dyn Resolve>,
    connector: Box<dyn Connect>,
}

impl EgressBuilder {
    /// Sets the limits.
    #[must_use]
    pub fn limits(self, limits: HttpLimits) -> Self {
        Self { limits, ..self }
    }

    /// Sets what finds addresses.
    #[must_use]
    pub fn resolver(self, resolver: impl Resolve + 'static) -> Self {
        let resolver = Box::new(resolver);
        Self { resolver, ..self }
    }

    /// Sets what dials addresses.
    #[must_use]
    pub fn connector(self, connector: impl Connect + 'static) -> Self {
        let connector = Box::new(connector);
        Self { connector, ..self }
    }

    /// A broker for these network settings and variables, which are read now and not again.
    ///
    /// # Errors
    ///
    /// When a proxy's URL or a file of certificate authorities cannot be used. Nothing was
    /// sent, and no request would be sent without the proxy instead.
    pub fn build(
        self,
        network: &Network,
        variables: &NetworkVariables,
    ) -> Result<Egress, NetworkError> {
        let proxies = Proxies::new(network, variables)?;
        let tls = Tls::trusting(certificates::additional(network, variables)?);
        Ok(self.made(proxies, tls))
    }

    fn made(self, proxies: Proxies, tls: Tls) -> Egress {
        let opener = Opener {
            resolver: self.resolver,
            connector: self.connector,
            proxies,
            tls,
            header_limit: self.limits.reply_header,
        };
        let limits = self.limits;
        let client = Client::new(opener, &limits);
        Egress(Arc::new(Inner {
            client,
            limits,
            budget: MemoryBudget::new(limits.pack_bytes, limits.process_bytes),
        }))
    }
}
