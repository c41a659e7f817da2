//! Every [notation](super::notations) of a forbidden address, as the URL of a picture, a redirect's
//! target, a resolver's answer, the media of a job and a component's request. Nothing is dialled:
//! the broker's connector counts its calls, and listeners on this machine notice connections.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use url::{Host, Url};
use zoetrope_host::component::CallContext;
use zoetrope_host::download::{self, DownloadError};
use zoetrope_host::egress::{
    AddressRule, Denial, Egress, EgressError, FetchError, HttpLimits, NotSent,
};
use zoetrope_host::net::addresses::AddressKind;

use super::Family;
use super::fixture::{self, clip, connection, pack};
use super::notations::{self, Refusal};
use crate::support::network::{Listeners, Network, PUBLIC, wait_for};
use crate::support::raw_http::{Answer, Raw};

/// A name on the internet.
const NAME: &str = "public.example";

/// Requests a URL and compares the refusal.
type Way = fn(&Network, &str, Refusal);

pub(super) fn families() -> Vec<Family> {
    let listeners = Arc::new(Listeners::start());
    let places: Vec<_> = notations::all()
        .into_iter()
        .map(|(url, refusal)| {
            (
                url.replace("{port}", &listeners.port().to_string()),
                refusal,
            )
        })
        .collect();
    let mut pictures = Family::new("pictures");
    let mut targets = Family::new("redirect targets");
    let mut media = Family::new("media");
    let mut requests = Family::new("component's requests");
    for (url, refusal) in &places {
        let ways: [(&mut Family, Way); 4] = [
            (&mut pictures, picture),
            (&mut targets, redirect_target),
            (&mut media, medium),
            (&mut requests, request),
        ];
        for (family, way) in ways {
            let (url, refusal, listeners) = (url.clone(), *refusal, Arc::clone(&listeners));
            family.attack(url.escape_debug().to_string(), move || {
                way(&Network::default(), &url, refusal);
                assert!(listeners.got_no_connection(), "a listener got a connection");
            });
        }
    }
    let mut answers = Family::new("resolvers' answers");
    for (address, kind) in distinct_addresses(&places) {
        let listeners = Arc::clone(&listeners);
        answers.attack(address.to_string(), move || {
            answer(&Network::default(), address, kind, listeners.port());
            assert!(listeners.got_no_connection(), "a listener got a connection");
        });
    }
    vec![pictures, targets, media, requests, answers]
}

fn picture(network: &Network, url: &str, expected: Refusal) {
    assert_eq!(refusal(&fetched(network, url)), expected);
    assert_eq!(network.dialled(), []);
    assert_eq!(network.asked(), [""; 0]);
}

fn redirect_target(network: &Network, url: &str, expected: Refusal) {
    let server = Raw::start([Answer::redirect(302, url)]);
    network.name(NAME, &[&[PUBLIC]]);
    network.detour(PUBLIC, server.address());
    let error = fetched(network, &format!("http://{NAME}/a"));
    if expected == Refusal::Unreadable {
        // What no URL can be leads nowhere.
        assert!(matches!(error, FetchError::Redirect { .. }), "{error:?}");
    } else {
        assert_eq!(refusal(&error), expected);
    }
    assert_eq!(network.dialled().len(), 1, "the first hop alone");
    assert_eq!(network.asked(), [NAME]);
}

fn medium(network: &Network, url: &str, expected: Refusal) {
    let connection = connection(&format!("https://{NAME}"));
    let folder = tempfile::tempdir().expect("a folder");
    let part = folder.path().join("part");
    let egress = network.egress(HttpLimits::default());
    let wanted = clip(url, &connection, &part);
    match wait_for(download::fetch(&egress, &wanted, |_| {})) {
        Err(DownloadError::Fetch(error)) => assert_eq!(refusal(&error), expected),
        other => panic!("{other:?}"),
    }
    assert_eq!(network.dialled(), []);
    assert_eq!(network.asked(), [""; 0]);
    assert!(!part.exists());
}

/// No such URL is below the connection's base URL, and nothing else is permitted.
fn request(network: &Network, url: &str, _: Refusal) {
    let egress = network.egress(HttpLimits::default());
    let context = CallContext::online(&egress, connection("http://127.0.0.1:1/v1"));
    let seen = seen_by(
        &context,
        &json!([{"request": {"method": "GET", "url": url}}]),
    );
    assert!(!seen.is_empty(), "it was tried");
    assert!(
        !seen.iter().any(|line| line.starts_with("answered")),
        "{seen:?}"
    );
    assert_eq!(network.dialled(), []);
    assert_eq!(network.asked(), [""; 0]);
}

fn answer(network: &Network, address: IpAddr, expected: AddressKind, port: u16) {
    network.name(NAME, &[&[&address.to_string()]]);
    let error = fetched(network, &format!("http://{NAME}:{port}/"));
    assert_eq!(refusal(&error), Refusal::Address(expected));
    assert_eq!(network.dialled(), []);
    assert_eq!(network.asked(), [NAME]);
}

fn fetched(network: &Network, url: &str) -> FetchError {
    let egress = network.egress(HttpLimits::default());
    wait_for(egress.fetch_bytes(url, AddressRule::PUBLIC, 1 << 20)).expect_err("a refusal")
}

/// The observations of these actions in the hostile component's `poll`.
#[track_caller]
pub(super) fn seen_by(context: &CallContext, actions: &Value) -> Vec<String> {
    fixture::seen_by(pack(), context, actions)
}

/// The refusal behind an error. Panics on any other error.
#[track_caller]
pub(super) fn refusal(error: &FetchError) -> Refusal {
    let source = match error {
        FetchError::Url => return Refusal::Unreadable,
        FetchError::Egress { source, .. } => source,
        FetchError::ResultOrigin { cause, .. } => cause.as_ref(),
        other => panic!("{other:?}"),
    };
    match source {
        EgressError::NotSent(NotSent::Denied(Denial::Userinfo)) => Refusal::Userinfo,
        EgressError::NotSent(NotSent::Denied(Denial::Url)) => Refusal::Place,
        EgressError::NotSent(NotSent::Name { kind, .. }) => Refusal::Name(*kind),
        EgressError::NotSent(NotSent::Address { kind, .. }) => Refusal::Address(*kind),
        other => panic!("{other:?}"),
    }
}

/// The distinct IP addresses among the hosts.
fn distinct_addresses(places: &[(String, Refusal)]) -> BTreeMap<IpAddr, AddressKind> {
    let of_place = |(url, refusal): &(String, Refusal)| {
        let Refusal::Address(kind) = refusal else {
            return None;
        };
        match Url::parse(url).ok()?.host()? {
            Host::Ipv4(address) => Some((address.into(), *kind)),
            Host::Ipv6(address) => Some((address.into(), *kind)),
            Host::Domain(_) => None,
        }
    };
    places.iter().filter_map(of_place).collect()
}

/// Shows that the counter and the listeners notice a connection, so that their silence counts.
#[test]
fn dialled_address_is_counted_and_seen_by_its_listener() {
    let listeners = Listeners::start();
    let network = Network::default();
    let egress: Egress = network.egress(HttpLimits {
        first_byte: std::time::Duration::from_millis(100),
        ..HttpLimits::default()
    });
    let base = format!("http://127.0.0.1:{}", listeners.port());
    let local = AddressRule::of_connection(connection(&base).base_url().origin());
    assert!(wait_for(egress.fetch_bytes(&base, local, 1)).is_err());
    assert_eq!(network.dialled().len(), 1);
    assert!(!listeners.got_no_connection());
}
