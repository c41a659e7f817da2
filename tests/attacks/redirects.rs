//! Servers that redirect: to forbidden addresses, in circles, and to another origin that must not
//! get the credential.

use serde_json::json;
use zoetrope_host::component::CallContext;
use zoetrope_host::download;
use zoetrope_host::egress::{AddressRule, FetchError, HttpLimits};
use zoetrope_host::net::Origin;
use zoetrope_host::net::addresses::AddressKind;
use zoetrope_host::net::hostnames::NameKind;

use super::Family;
use super::addresses::{refusal, seen_by};
use super::fixture::{clip, connection, connection_naming};
use super::notations::Refusal;
use crate::support::mp4;
use crate::support::network::{Network, wait_for};
use crate::support::raw_http::{Answer, Heard, Raw};
use crate::support::sandbox::CANARY_KEY;

/// The statuses that redirect.
const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

const METADATA: Refusal = Refusal::Address(AddressKind::Metadata);

/// Forbidden targets of a redirect from this machine, and their refusals.
const FORBIDDEN: [(&str, Refusal); 12] = [
    ("http://169.254.169.254/latest/meta-data/", METADATA),
    ("//169.254.169.254/", METADATA),
    ("/\\169.254.169.254/", METADATA),
    ("\\\\169.254.169.254\\", METADATA),
    ("http:\\\\169.254.169.254/", METADATA),
    (
        "//metadata.google.internal/",
        Refusal::Name(NameKind::Metadata),
    ),
    ("https://10.0.0.1/", Refusal::Address(AddressKind::Private)),
    (
        "http://[fe80::1]/",
        Refusal::Address(AddressKind::LinkLocal),
    ),
    ("http:///router/", Refusal::Name(NameKind::Local)),
    ("//user@127.0.0.1/", Refusal::Userinfo),
    ("file:///etc/passwd", Refusal::Place),
    ("data:video/mp4,x", Refusal::Place),
];

/// Targets that are not URLs.
const NOWHERE: [&str; 5] = [
    "//",
    "http://",
    "http://[",
    "https://:80/",
    "//256.256.256.256/",
];

pub(super) fn family() -> Family {
    let mut family = Family::new("redirects");
    for (location, expected) in FORBIDDEN {
        family.attack(format!("from this machine to {location}"), move || {
            let (error, server, network) = led_to([Answer::redirect(302, location)]);
            assert_eq!(refusal(&error), expected);
            assert_eq!((server.heard().len(), network.dialled().len()), (1, 1));
        });
    }
    for status in STATUSES {
        family.attack(format!("{status} to a metadata service"), move || {
            let (error, _, network) = led_to([Answer::redirect(status, FORBIDDEN[0].0)]);
            assert_eq!(refusal(&error), METADATA);
            assert_eq!(network.dialled().len(), 1);
        });
        for method in ["GET", "POST"] {
            family.attack(format!("{status} to a component's {method}"), move || {
                handed_to_the_component(status, method);
            });
        }
    }
    unfollowed(&mut family);
    chains(&mut family);
    family
}

/// Redirects without a valid target, and statuses that are not followed.
fn unfollowed(family: &mut Family) {
    for location in NOWHERE {
        family.attack(format!("to an invalid URL: {location}"), move || {
            let (error, server, _) = led_to([Answer::redirect(302, location)]);
            assert!(matches!(error, FetchError::Redirect { .. }), "{error:?}");
            assert_eq!(server.heard().len(), 1);
        });
    }
    for status in [300, 304, 305, 306] {
        family.attack(format!("{status}, which is not followed"), move || {
            let (error, server, _) = led_to([Answer::redirect(status, "/there")]);
            let FetchError::Status { status: said, .. } = error else {
                panic!("{error:?}")
            };
            assert_eq!((said, server.heard().len()), (status, 1));
        });
    }
    family.attack("no location", || {
        let (error, ..) = led_to([Answer::reply("302 Found", "", "")]);
        assert!(matches!(error, FetchError::Redirect { .. }), "{error:?}");
    });
}

/// Redirects to further redirects.
fn chains(family: &mut Family) {
    family.attack("in a circle", || {
        let (error, server, _) = led_to((0..9).map(|_| Answer::redirect(302, "/a")));
        assert!(matches!(error, FetchError::Redirect { .. }), "{error:?}");
        assert_eq!(server.heard().len(), 6);
    });
    family.attack("between two servers without end", between_two);
    family.attack("six hops", || {
        let hops = |count| (0..count).map(|hop| Answer::redirect(302, &format!("/{hop}")));
        let (error, server, _) = led_to(hops(6));
        assert!(matches!(error, FetchError::Redirect { .. }), "{error:?}");
        assert_eq!(server.heard().len(), 6);
        let server = Raw::start(hops(5));
        assert!(fetched(&Network::default(), &server).is_ok());
    });
    family.attack(
        "to another origin, with the credential of the first",
        to_another_origin,
    );
    family.attack(
        "to another origin and back, with the credential",
        there_and_back,
    );
    family.attack(
        "media at another origin, marked as needing the credential",
        elsewhere,
    );
    family.attack("a redirect that sets a cookie", cookie);
}

fn fetched(network: &Network, server: &Raw) -> Result<(), FetchError> {
    let egress = network.egress(HttpLimits::default());
    let url = server.url("/a");
    let origin = url.parse().ok().and_then(|url| Origin::of(&url));
    let rule = AddressRule::of_connection(&origin.expect("an origin"));
    wait_for(egress.fetch_bytes(&url, rule, 1 << 10)).map(drop)
}

/// The error of fetching a picture from a server on this machine that sends these answers.
fn led_to(answers: impl IntoIterator<Item = Answer>) -> (FetchError, Raw, Network) {
    let (server, network) = (Raw::start(answers), Network::default());
    let error = fetched(&network, &server).expect_err("a refusal");
    (error, server, network)
}

fn handed_to_the_component(status: u16, method: &str) {
    let target = Raw::start([]);
    let provider = Raw::start([Answer::redirect(status, &target.url("/there"))]);
    let egress = Network::default().egress(HttpLimits::default());
    let context = CallContext::online(&egress, connection(&provider.url("")));
    let seen = seen_by(&context, &json!([{"request": {"method": method}}]));
    let [answer] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert!(
        answer.starts_with(&format!("answered {status} ")),
        "{answer}"
    );
    assert_eq!((provider.heard().len(), target.heard().len()), (1, 0));
}

fn between_two() {
    let (one, other) = (Raw::start([]), Raw::start([]));
    one.then((0..9).map(|_| Answer::redirect(302, &other.url("/b"))));
    other.then((0..9).map(|_| Answer::redirect(302, &one.url("/a"))));
    let outcome = fetched(&Network::default(), &one);
    assert!(
        matches!(outcome, Err(FetchError::Redirect { .. })),
        "{outcome:?}"
    );
    assert_eq!(one.heard().len() + other.heard().len(), 6);
}

/// Resumes a download from `url` with the credential of a connection to `own`, which names the
/// stranger as an origin of results.
#[track_caller]
fn downloaded(own: &Raw, stranger: &Raw, url: &str) {
    let connection = connection_naming(&own.url(""), &[stranger.url("")]);
    let folder = tempfile::tempdir().expect("a folder");
    let part = folder.path().join("part");
    std::fs::write(&part, mp4::short_clip()).expect("a file");
    let egress = Network::default().egress(HttpLimits::default());
    let wanted = clip(url, &connection, &part);
    // No server has a clip; the caller compares the requests.
    assert!(wait_for(download::fetch(&egress, &wanted, |_| {})).is_err());
}

fn has_credential(heard: &Heard) -> bool {
    heard.head.contains(CANARY_KEY) || heard.head.contains("x-canary")
}

fn to_another_origin() {
    let stranger = Raw::start([]);
    let own = Raw::start([
        Answer::redirect(302, "/closer"),
        Answer::redirect(307, &stranger.url("/b?signature=1")),
    ]);
    downloaded(&own, &stranger, &own.url("/a"));
    let heard = own.heard();
    assert!(
        heard.len() >= 2 && heard[..2].iter().all(has_credential),
        "{heard:?}"
    );
    let there = &stranger.heard()[0];
    assert_eq!(
        names(there),
        ["accept-encoding", "host", "user-agent"],
        "nothing else is for strangers"
    );
}

fn there_and_back() {
    let own = Raw::start([]);
    let stranger = Raw::start([Answer::redirect(302, &own.url("/account/delete"))]);
    own.then([Answer::redirect(302, &stranger.url("/b"))]);
    downloaded(&own, &stranger, &own.url("/a"));
    let heard = own.heard();
    let back = heard
        .iter()
        .find(|heard| heard.head.contains("/account/delete"));
    assert!(!has_credential(back.expect("the way back")));
}

fn elsewhere() {
    let (own, stranger) = (Raw::start([]), Raw::start([]));
    // Another port, another address of the same server, and the own host as a user name.
    let port = own.address().port();
    for url in [
        stranger.url("/a"),
        format!("http://127.0.0.2:{port}/a"),
        own.url("@127.0.0.1/a"),
    ] {
        downloaded(&own, &stranger, &url);
    }
    let heard = [own.heard(), stranger.heard()].concat();
    assert!(!heard.iter().any(has_credential), "{heard:?}");
    assert!(!stranger.heard().is_empty());
}

fn cookie() {
    let stranger = Raw::start([]);
    let header = format!(
        "location: {}\r\nset-cookie: a=b; path=/\r\n",
        stranger.url("/b")
    );
    let own = Raw::start([Answer::reply("302 Found", &header, "")]);
    assert!(fetched(&Network::default(), &own).is_ok());
    assert_eq!(
        names(&stranger.heard()[0]),
        ["accept-encoding", "host", "user-agent"]
    );
}

/// The names of a request's headers.
fn names(heard: &Heard) -> Vec<&str> {
    let fields = heard.head.lines().skip(1);
    let mut names: Vec<_> = fields
        .filter_map(|field| Some(field.split_once(':')?.0))
        .collect();
    names.sort_unstable();
    names
}
