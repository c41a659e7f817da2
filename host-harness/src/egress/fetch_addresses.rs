//! Where the host's own downloads may go, for each hop of a download anew.

use super::error::NotSent;
use super::resolver::AddressRule;
use crate::connections::{Connection, ConnectionId};
use crate::net::Origin;
use crate::net::addresses::AddressKind;
use crate::net::hostnames::NameKind;

/// The addresses that the URLs of a download may have.
///
/// - At the host and port of the connection: those of its requests.
/// - At an origin that the connection names as a place of results: public and private ones, and
///   those of this machine.
/// - At any other origin: those of one rule, which is [`AddressRule::PUBLIC`] for a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FetchAddresses<'a> {
    connection: Option<&'a ConnectionId>,
    own: Option<&'a Origin>,
    named: &'a [Origin],
    others: AddressRule,
}

impl<'a> FetchAddresses<'a> {
    /// That of the results of a connection.
    pub(crate) fn of_connection(connection: &'a Connection) -> Self {
        Self {
            connection: Some(connection.id()),
            own: Some(connection.base_url().origin()),
            named: connection.result_origins(),
            others: AddressRule::PUBLIC,
        }
    }

    /// That of one rule for all origins.
    pub(crate) fn of_rule(rule: AddressRule) -> Self {
        Self {
            connection: None,
            own: None,
            named: &[],
            others: rule,
        }
    }

    /// The rule for one hop.
    pub(super) fn rule_at(&self, origin: &Origin) -> AddressRule {
        match self.own {
            Some(own) if own.host() == origin.host() && own.port() == origin.port() => {
                AddressRule::of_connection(own)
            }
            _ if self.named.contains(origin) => AddressRule::NAMED,
            _ => self.others,
        }
    }

    /// The line of the connection's table that would permit this origin, with the connection's id.
    /// `None` if no line can, or if this is not why nothing was sent.
    pub(super) fn missing(
        &self,
        origin: &Origin,
        error: &NotSent,
    ) -> Option<(ConnectionId, String)> {
        let is_permissible = match error {
            NotSent::Address { kind, .. } => {
                matches!(kind, AddressKind::Loopback | AddressKind::Private)
            }
            NotSent::Name { kind, .. } => matches!(kind, NameKind::Loopback | NameKind::Local),
            _ => false,
        };
        let connection = self.connection?;
        if !is_permissible || self.rule_at(origin) != self.others {
            return None;
        }
        let all = self.named.iter().chain([origin]);
        let all: Vec<_> = all.map(|origin| format!("\"{origin}\"")).collect();
        let line = format!("result_origins = [{}]", all.join(", "));
        Some((connection.clone(), line))
    }
}

#[cfg(test)]
mod tests {
    use url::{Host, Url};

    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::of(&Url::parse(url).expect(url)).expect(url)
    }

    fn connection(base: &str, named: &[&str]) -> Connection {
        let base = base.parse().expect("a base");
        let named = named.iter().map(|url| origin(url)).collect();
        Connection::new("mine".parse().expect("an id"), "pixelml", base).with_result_origins(named)
    }

    /// The kinds of address that are permitted, of public, loopback, private and link-local.
    fn kinds(connection: &Connection, url: &str) -> [bool; 4] {
        let rule = FetchAddresses::of_connection(connection).rule_at(&origin(url));
        [
            AddressKind::Public,
            AddressKind::Loopback,
            AddressKind::Private,
            AddressKind::LinkLocal,
        ]
        .map(|kind| rule.permits(kind))
    }

    #[test]
    fn addresses_that_are_not_public_are_those_of_the_connection_and_of_named_origins_alone() {
        let public_alone = [true, false, false, false];
        let local = connection(
            "http://127.0.0.1:9",
            &["http://127.0.0.1:9000", "http://media.internal"],
        );
        for (url, expected) in [
            ("http://127.0.0.1:9/a", [false, true, false, false]),
            ("https://127.0.0.1:9/a", [false, true, false, false]),
            ("http://127.0.0.1:10/a", public_alone),
            ("http://127.0.0.2:9/a", public_alone),
            ("http://localhost:9/a", public_alone),
            ("http://127.0.0.1:9000/a", [true, true, true, false]),
            ("https://127.0.0.1:9000/a", public_alone),
            ("http://media.internal/a", [true, true, true, false]),
            ("http://media.internal:81/a", public_alone),
            ("http://10.0.0.1/a", public_alone),
        ] {
            assert_eq!(kinds(&local, url), expected, "{url}");
        }
        let private = connection("https://192.168.1.5", &[]);
        assert_eq!(
            kinds(&private, "https://192.168.1.5/x"),
            [false, false, true, false]
        );
        for url in [
            "https://192.168.1.6/",
            "https://192.168.1.5:8443/",
            "https://10.0.0.1/",
        ] {
            assert_eq!(kinds(&private, url), public_alone, "{url}");
        }
        let public = connection("https://api.example.com", &[]);
        assert_eq!(kinds(&public, "https://api.example.com/a"), public_alone);
    }

    #[test]
    fn line_that_would_permit_an_origin_keeps_the_named_ones() {
        let own = connection("http://127.0.0.1:9", &["http://media.internal"]);
        let addresses = FetchAddresses::of_connection(&own);
        let at = |kind| NotSent::address(&Host::Domain("x".into()), kind);
        let there = origin("http://127.0.0.1:9000/a");
        let (id, line) = addresses
            .missing(&there, &at(AddressKind::Loopback))
            .expect("a line");
        assert_eq!(id.as_str(), "mine");
        assert_eq!(
            line,
            "result_origins = [\"http://media.internal\", \"http://127.0.0.1:9000\"]"
        );
        for kind in [AddressKind::Metadata, AddressKind::LinkLocal] {
            assert!(addresses.missing(&there, &at(kind)).is_none(), "{kind:?}");
        }
        // A named origin that has a forbidden address is not named again.
        let named = origin("http://media.internal");
        assert!(
            addresses
                .missing(&named, &at(AddressKind::Private))
                .is_none()
        );
        let rule = FetchAddresses::of_rule(AddressRule::PUBLIC);
        assert!(rule.missing(&there, &at(AddressKind::Loopback)).is_none());
    }
}
