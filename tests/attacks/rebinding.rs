//! Names whose addresses change between two lookups. The dialled address is the checked one, every
//! new connection is checked, and a kept connection stays at its address.

use serde_json::json;
use zoetrope_host::component::CallContext;
use zoetrope_host::egress::{AddressRule, Egress, EgressError, FetchError, HttpLimits, NotSent};
use zoetrope_host::net::addresses::AddressKind;

use super::Family;
use super::addresses::{refusal, seen_by};
use super::fixture::connection;
use super::notations::Refusal;
use crate::support::network::{Network, PUBLIC, wait_for};
use crate::support::raw_http::{Answer, GOOD, Raw};

const NAME: &str = "rebound.example";

/// Another address on the internet, without a server.
const ELSEWHERE: &str = "198.41.0.4";

/// Forbidden addresses that a name resolves to.
const FORBIDDEN: [(&str, AddressKind); 9] = [
    ("127.0.0.1", AddressKind::Loopback),
    ("::1", AddressKind::Loopback),
    ("::ffff:127.0.0.1", AddressKind::Loopback),
    ("10.0.0.1", AddressKind::Private),
    ("fd12::1", AddressKind::Private),
    ("169.254.169.254", AddressKind::Metadata),
    ("64:ff9b::a9fe:a9fe", AddressKind::Metadata),
    ("0.0.0.0", AddressKind::Unspecified),
    ("2002:7f00:1::", AddressKind::Reserved),
];

pub(super) fn family() -> Family {
    let mut family = Family::new("rebinding");
    for (address, kind) in FORBIDDEN {
        let forbidden = Refusal::Address(kind);
        family.attack(format!("public, then {address}"), move || {
            let fixture = Fixture::new([last()]);
            fixture.answers(&[&[PUBLIC], &[address]]);
            assert_eq!(fixture.fetch(NAME), Ok(GOOD.into()));
            assert_eq!(fixture.fetch(NAME), Err(forbidden));
            fixture.asked_and_dialled(2, 1);
        });
        family.attack(format!("{address}, then public"), move || {
            let fixture = Fixture::new([]);
            fixture.answers(&[&[address], &[PUBLIC]]);
            assert_eq!(fixture.fetch(NAME), Err(forbidden));
            assert_eq!(fixture.fetch(NAME), Ok(GOOD.into()));
            fixture.asked_and_dialled(2, 1);
        });
        family.attack(format!("public and {address}"), move || {
            let fixture = Fixture::new([]);
            fixture.answers(&[&[PUBLIC, address], &[address, PUBLIC]]);
            assert_eq!(fixture.fetch(NAME), Err(forbidden));
            assert_eq!(fixture.fetch(NAME), Err(forbidden));
            fixture.asked_and_dialled(2, 0);
        });
        family.attack(
            format!("a redirect to itself, then at {address}"),
            move || {
                let fixture = Fixture::new([Answer::redirect(302, "/again")]);
                fixture.answers(&[&[PUBLIC], &[address]]);
                assert_eq!(fixture.fetch(NAME), Err(forbidden));
                fixture.asked_and_dialled(2, 1);
            },
        );
        family.attack(
            format!("a kept connection that ends, then {address}"),
            move || {
                let fixture =
                    Fixture::new([Answer::reply("200 OK", "", GOOD), Answer::Last(vec![])]);
                fixture.answers(&[&[PUBLIC], &[address]]);
                assert_eq!(fixture.fetch(NAME), Ok(GOOD.into()));
                assert_eq!(fixture.fetch(NAME), Err(forbidden));
                fixture.asked_and_dialled(2, 1);
            },
        );
    }
    family.attack("a name that moves while its connection is kept", kept);
    family.attack("another name at the same address", another_name);
    family.attack("another port of the same name", another_port);
    family.attack(
        "a kept connection under a stricter address rule",
        stricter_rule,
    );
    family.attack("the second of several addresses", second_address);
    family.attack("no address at all", no_address);
    family.attack("localhost on the internet", localhost_elsewhere);
    family
}

struct Fixture {
    network: Network,
    server: Raw,
    egress: Egress,
}

impl Fixture {
    /// With a server at [`PUBLIC`].
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let server = Raw::start(answers);
        let network = Network::default();
        network.detour(PUBLIC, server.address());
        let egress = network.egress(HttpLimits::default());
        Self {
            network,
            server,
            egress,
        }
    }

    fn answers(&self, answers: &[&[&str]]) {
        self.network.name(NAME, answers);
    }

    fn fetch(&self, authority: &str) -> Result<String, Refusal> {
        let url = format!("http://{authority}/");
        let fetched = self.egress.fetch_bytes(&url, AddressRule::PUBLIC, 1 << 10);
        match wait_for(fetched) {
            Ok(fetched) => Ok(String::from_utf8_lossy(&fetched.bytes).into_owned()),
            Err(error) => Err(refusal(&error)),
        }
    }

    /// Asserts the numbers of lookups and of dialled addresses; only [`PUBLIC`] was dialled.
    #[track_caller]
    fn asked_and_dialled(&self, asked: usize, dialled: usize) {
        let addresses = self.network.dialled();
        assert_eq!(
            (self.network.asked().len(), addresses.len()),
            (asked, dialled)
        );
        let checked = |address: &std::net::SocketAddr| address.ip().to_string() == PUBLIC;
        assert!(addresses.iter().all(checked), "{addresses:?}");
    }
}

fn last() -> Answer {
    let reply = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{GOOD}");
    Answer::Last(reply.into_bytes())
}

fn kept() {
    let fixture = Fixture::new([]);
    fixture.answers(&[&[PUBLIC], &["127.0.0.1"]]);
    assert_eq!(fixture.fetch(NAME), Ok(GOOD.into()));
    // Either the kept connection is used, or a new one is refused.
    match fixture.fetch(NAME) {
        Ok(_) => fixture.asked_and_dialled(1, 1),
        Err(refusal) => {
            assert_eq!(refusal, Refusal::Address(AddressKind::Loopback));
            fixture.asked_and_dialled(2, 1);
        }
    }
}

fn another_name() {
    let fixture = Fixture::new([]);
    fixture.answers(&[&[PUBLIC]]);
    fixture.network.name("other.example", &[&["127.0.0.1"]]);
    assert_eq!(fixture.fetch(NAME), Ok(GOOD.into()));
    let forbidden = Refusal::Address(AddressKind::Loopback);
    assert_eq!(fixture.fetch("other.example"), Err(forbidden));
    fixture.network.name("other.example", &[&[PUBLIC]]);
    assert_eq!(fixture.fetch("other.example"), Ok(GOOD.into()));
    fixture.asked_and_dialled(3, 2);
    let hosts = fixture.server.heard();
    assert_ne!(hosts[0].connection, hosts[1].connection);
}

fn another_port() {
    let fixture = Fixture::new([]);
    fixture.answers(&[&[PUBLIC], &["127.0.0.1"]]);
    assert_eq!(fixture.fetch(NAME), Ok(GOOD.into()));
    let forbidden = Refusal::Address(AddressKind::Loopback);
    assert_eq!(fixture.fetch(&format!("{NAME}:8080")), Err(forbidden));
    fixture.asked_and_dialled(2, 1);
}

fn stricter_rule() {
    let fixture = Fixture::new([]);
    let url = fixture.server.url("/");
    let own = connection(&fixture.server.url(""));
    let local = AddressRule::of_connection(own.base_url().origin());
    let fetched = wait_for(fixture.egress.fetch_bytes(&url, local, 1 << 10));
    assert!(fetched.is_ok(), "{fetched:?}");
    let stranger = wait_for(
        fixture
            .egress
            .fetch_bytes(&url, AddressRule::PUBLIC, 1 << 10),
    );
    let forbidden = Refusal::Address(AddressKind::Loopback);
    assert_eq!(refusal(&stranger.expect_err("a refusal")), forbidden);
    assert_eq!(fixture.server.heard().len(), 1);
}

fn second_address() {
    let fixture = Fixture::new([]);
    fixture.answers(&[&[ELSEWHERE, PUBLIC], &["127.0.0.1"]]);
    assert_eq!(fixture.fetch(NAME), Ok(GOOD.into()));
    assert_eq!(fixture.network.asked(), [NAME]);
    let dialled: Vec<_> = fixture
        .network
        .dialled()
        .iter()
        .map(|at| at.ip().to_string())
        .collect();
    assert_eq!(dialled, [ELSEWHERE, PUBLIC]);
}

fn no_address() {
    let fixture = Fixture::new([]);
    fixture.answers(&[&[]]);
    let url = format!("http://{NAME}/");
    let error = wait_for(fixture.egress.fetch_bytes(&url, AddressRule::PUBLIC, 1));
    let Err(FetchError::Egress { source, .. }) = error else {
        panic!("{error:?}")
    };
    let unresolved = matches!(source, EgressError::NotSent(NotSent::Resolve { .. }));
    assert!(unresolved, "{source:?}");
    fixture.asked_and_dialled(1, 0);
}

/// A component's requests over a connection to `localhost`: the credential stays on this machine.
fn localhost_elsewhere() {
    let fixture = Fixture::new([]);
    fixture.network.name(
        "localhost",
        &[&["127.0.0.1"], &[PUBLIC], &["127.0.0.1", PUBLIC]],
    );
    let base = format!("http://localhost:{}", fixture.server.address().port());
    // Reads by `POST`, each over a connection of its own.
    let context = CallContext::online(&fixture.egress, connection(&base));
    let context = context.with_submit_path(Some("/v1/submit"));
    let seen = seen_by(
        &context,
        &json!([{"request": {"times": 1}}, {"request": {}}, {"request": {}}]),
    );
    let [first, second, third] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert!(first.starts_with("answered 200"), "{first}");
    for refused in [second, third] {
        assert!(refused.contains("DestinationIpProhibited"), "{refused}");
    }
    assert_eq!(fixture.server.heard().len(), 1);
    assert_eq!(fixture.network.dialled().len(), 1);
}
