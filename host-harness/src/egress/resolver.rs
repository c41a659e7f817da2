//! Resolves a host to the addresses that may be dialled.

use std::io;
use std::net::IpAddr;

use futures::future::BoxFuture;
use url::Host;

use super::error::NotSent;
use crate::net::Origin;
use crate::net::addresses::{self, AddressKind};
use crate::net::hostnames::{self, NameKind};

/// Finds the addresses of a name. [`SystemResolver`] uses the system's; tests inject answers.
///
/// Called once for every new connection to a name that is not denied by itself
/// ([`hostnames`](crate::net::hostnames)), before any address is dialled; also if a proxy is
/// used, whose own name is looked up too.
pub trait Resolve: Send + Sync {
    /// The addresses of `name`, best first. `name` has no trailing dot and is no
    /// address itself.
    ///
    /// Must return every address, without choosing: the caller checks each of them and refuses
    /// the name if one is forbidden. Must not dial any of them.
    ///
    /// # Errors
    ///
    /// When the name has no address or cannot be looked up; no address at all counts as the
    /// same. The request fails with [`NotSent::Resolve`](super::NotSent::Resolve), and nothing
    /// was sent.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// The kinds of address that a request may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "three kinds of address, names of the local network, and whose origin it is"
)]
pub struct AddressRule {
    public: bool,
    loopback: bool,
    private: bool,
    /// Whether a name of the local network is looked up.
    local_names: bool,
    /// Whether it is for an origin that the user has configured: that of a connection, or one of
    /// its results.
    of_connection: bool,
}

impl AddressRule {
    /// Public addresses only.
    pub const PUBLIC: Self = Self {
        public: true,
        loopback: false,
        private: false,
        local_names: false,
        of_connection: false,
    };

    /// For an origin that a connection names as a place of its results: public and private
    /// addresses, and those of this machine, under any name but a metadata service's.
    pub(super) const NAMED: Self = Self {
        public: true,
        loopback: true,
        private: true,
        local_names: true,
        of_connection: true,
    };

    /// Loopback addresses only.
    const LOOPBACK: Self = Self {
        public: false,
        loopback: true,
        private: false,
        local_names: false,
        of_connection: false,
    };

    /// The rule for a connection's own origin: the kind of address that its base URL names.
    /// A name other than `localhost` may have public addresses only.
    #[must_use]
    pub fn of_connection(origin: &Origin) -> Self {
        let named = match origin.host() {
            Host::Domain(_) if origin.is_loopback() => AddressKind::Loopback,
            Host::Domain(_) => AddressKind::Public,
            Host::Ipv4(address) => addresses::classify((*address).into()),
            Host::Ipv6(address) => addresses::classify((*address).into()),
        };
        Self {
            public: named == AddressKind::Public,
            loopback: named == AddressKind::Loopback,
            private: named == AddressKind::Private,
            local_names: false,
            of_connection: true,
        }
    }

    /// Whether it is for an origin that the user has configured. Behind a proxy, the name of such
    /// an origin needs no address here.
    pub(super) fn is_of_connection(self) -> bool {
        self.of_connection
    }

    /// Whether an address of this kind may be dialled.
    #[must_use]
    pub fn permits(self, kind: AddressKind) -> bool {
        match kind {
            AddressKind::Public => self.public,
            AddressKind::Loopback => self.loopback,
            AddressKind::Private => self.private,
            _ => false,
        }
    }

    /// The rule for the addresses of a name of this kind; `None` if the name itself is denied.
    /// A name for this machine may have loopback addresses only.
    fn named(self, kind: NameKind) -> Option<Self> {
        match kind {
            NameKind::Loopback => self.loopback.then_some(Self::LOOPBACK),
            NameKind::Local => self.local_names.then_some(self),
            NameKind::Metadata => None,
        }
    }
}

/// The addresses of `host`, all of them checked. One forbidden address denies the whole host:
/// a name with permitted and forbidden addresses is a mistake or an attack.
pub(crate) async fn addresses_of(
    resolver: &dyn Resolve,
    host: &Host<String>,
    rule: AddressRule,
) -> Result<Vec<IpAddr>, NotSent> {
    let (found, rule) = match host {
        Host::Ipv4(address) => (vec![IpAddr::from(*address)], rule),
        Host::Ipv6(address) => (vec![IpAddr::from(*address)], rule),
        Host::Domain(name) => {
            let rule = match hostnames::classify(name) {
                Some(kind) => rule.named(kind).ok_or_else(|| NotSent::Name {
                    host: name.clone(),
                    kind,
                })?,
                None => rule,
            };
            let unresolved = |source| NotSent::Resolve {
                host: name.clone(),
                source,
            };
            let found = resolver.resolve(name).await.map_err(unresolved)?;
            if found.is_empty() {
                return Err(unresolved(io::ErrorKind::NotFound.into()));
            }
            (found, rule)
        }
    };
    for address in &found {
        let kind = addresses::classify(*address);
        if !rule.permits(kind) {
            return Err(NotSent::address(host, kind));
        }
    }
    Ok(found)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use url::Url;

    /// Answers every name with the same addresses.
    pub(crate) struct Fixed(pub(crate) Vec<IpAddr>);

    impl Resolve for Fixed {
        fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
            Box::pin(async { Ok(self.0.clone()) })
        }
    }

    fn origin(url: &str) -> Origin {
        Origin::of(&Url::parse(url).expect(url)).expect(url)
    }

    async fn verdict(
        url: &str,
        rule: AddressRule,
        answers: &[&str],
    ) -> Result<usize, Option<AddressKind>> {
        let answers = answers
            .iter()
            .map(|a| a.parse().expect("address"))
            .collect();
        match addresses_of(&Fixed(answers), origin(url).host(), rule).await {
            Ok(found) => Ok(found.len()),
            Err(NotSent::Address { kind, .. }) => Err(Some(kind)),
            Err(_) => Err(None),
        }
    }

    #[tokio::test]
    async fn name_with_a_forbidden_address_is_denied() {
        let public = AddressRule::PUBLIC;
        let name = "https://api.example.com";
        assert_eq!(
            verdict(name, public, &["93.184.216.34", "2606:2800::1"]).await,
            Ok(2)
        );
        for (answers, kind) in [
            (&["10.0.0.1"][..], AddressKind::Private),
            (&["93.184.216.34", "127.0.0.1"], AddressKind::Loopback),
            (&["::ffff:169.254.169.254"], AddressKind::Metadata),
            (&["fe80::1"], AddressKind::LinkLocal),
        ] {
            assert_eq!(verdict(name, public, answers).await, Err(Some(kind)));
        }
        assert_eq!(verdict(name, public, &[]).await, Err(None));
    }

    #[tokio::test]
    async fn literal_address_is_classified_without_a_resolver() {
        for (url, kind) in [
            ("https://0x7f000001", AddressKind::Loopback),
            ("https://2130706433", AddressKind::Loopback),
            ("https://127.1.", AddressKind::Loopback),
            ("https://[::ffff:127.0.0.1]", AddressKind::Loopback),
            ("https://0", AddressKind::Unspecified),
        ] {
            let verdict = verdict(url, AddressRule::PUBLIC, &["93.184.216.34"]).await;
            assert_eq!(verdict, Err(Some(kind)), "{url}");
        }
    }

    #[tokio::test]
    async fn connection_may_use_only_the_kind_of_address_of_its_base_url() {
        let rule = |url| AddressRule::of_connection(&origin(url));
        let local = "http://localhost:8080";
        assert_eq!(
            verdict(local, rule(local), &["127.0.0.1", "::1"]).await,
            Ok(2)
        );
        // A credential for this machine is not sent to another one, even if the resolver
        // returns a public address.
        assert_eq!(
            verdict(local, rule(local), &["93.184.216.34"]).await,
            Err(Some(AddressKind::Public))
        );
        let literal = "https://192.168.1.5";
        assert_eq!(verdict(literal, rule(literal), &[]).await, Ok(1));
        let metadata = "https://169.254.169.254";
        assert_eq!(
            verdict(metadata, rule(metadata), &[]).await,
            Err(Some(AddressKind::Metadata))
        );
        let name = "https://gpu.corp.example";
        assert_eq!(
            verdict(name, rule(name), &["10.1.2.3"]).await,
            Err(Some(AddressKind::Private))
        );
    }

    #[tokio::test]
    async fn reserved_name_is_denied_without_a_lookup() {
        let own = AddressRule::of_connection(&origin("http://127.0.0.1:9"));
        let loopback = &["127.0.0.1"];
        for (url, rule, answers) in [
            ("http://localhost", AddressRule::PUBLIC, &["93.184.216.34"]),
            ("http://metadata.goog", own, loopback),
            ("http://vault.internal", own, loopback),
            ("http://router", AddressRule::PUBLIC, &["93.184.216.34"]),
            ("http://metadata.goog", AddressRule::NAMED, loopback),
        ] {
            let resolver = Fixed(
                answers
                    .map(|answer| answer.parse().expect("address"))
                    .into(),
            );
            let refused = addresses_of(&resolver, origin(url).host(), rule).await;
            assert!(matches!(refused, Err(NotSent::Name { .. })), "{url}");
        }
        let local = "http://a.localhost";
        assert_eq!(verdict(local, own, loopback).await, Ok(1));
        // A named origin may have public addresses, but not under a name for this machine.
        assert_eq!(
            verdict(local, AddressRule::NAMED, &["93.184.216.34"]).await,
            Err(Some(AddressKind::Public))
        );
    }

    #[tokio::test]
    async fn named_origin_of_results_may_be_private_but_never_link_local() {
        let name = "http://media.internal:8080";
        for (answers, expected) in [
            (&["10.0.0.1"][..], Ok(1)),
            (&["127.0.0.1", "93.184.216.34"], Ok(2)),
            (&["169.254.1.1"], Err(Some(AddressKind::LinkLocal))),
            (
                &["10.0.0.1", "169.254.169.254"],
                Err(Some(AddressKind::Metadata)),
            ),
        ] {
            assert_eq!(verdict(name, AddressRule::NAMED, answers).await, expected);
        }
    }
}
