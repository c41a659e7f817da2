//! Components that exceed their manifest or the operator's grant.

use std::time::Duration;

use serde_json::{Value, json};
use zoetrope_host::component::TrapKind;
use zoetrope_host::egress::HttpLimits;
use zoetrope_host::policy::PackLimit;

use super::Family;
use super::fixture::{Fixture, stopped};
use crate::support::network::{Network, PUBLIC};
use crate::support::recorder::Recorder;
use crate::support::sandbox::CANARY_KEY;

/// A host rule in both the manifest and the grant of the hostile component.
const MEDIA: &str = "GET http://cdn.example/media";

pub(super) fn family() -> Family {
    let mut family = Family::new("permissions");
    pack_limits(&mut family);
    hosts(&mut family);
    submits(&mut family);
    family
}

fn get(url: &str) -> Value {
    json!({"request": {"method": "GET", "url": url}})
}

/// The number of requests that arrived.
fn requests(provider: &Recorder) -> usize {
    provider.arrived().concat().matches(" HTTP/1.1\r\n").count()
}

fn pack_limits(family: &mut Family) {
    family.attack("more memory than granted", || {
        let fixture = Fixture::new().with_pack_limit(PackLimit::MemoryBytes, 8 << 20);
        let instruction = json!({"do": [{"take": 16 << 20}]});
        assert_eq!(stopped(fixture.poll(&instruction)), TrapKind::OutOfMemory);
        fixture.poll(&json!({})).expect("little memory is enough");
        Fixture::is_unharmed();
    });
    family.attack("more time than granted", || {
        let fixture = Fixture::new().with_pack_limit(PackLimit::CallSeconds, 1);
        let instruction = json!({"do": [{"sleep_ms": 3_600_000}]});
        assert_eq!(stopped(fixture.poll(&instruction)), TrapKind::TimedOut);
        let instruction = json!({"do": ["loop"]});
        let kind = stopped(fixture.poll(&instruction));
        assert!(matches!(kind, TrapKind::OutOfTime | TrapKind::TimedOut));
        Fixture::is_unharmed();
    });
    family.attack("more requests in a call than granted", || {
        let fixture = Fixture::new().with_pack_limit(PackLimit::RequestsPerCall, 3);
        let many = json!([{"request": {"method": "GET", "url": "{base}/", "times": 10}}]);
        let seen = fixture.seen(&many).join("\n");
        assert_eq!(seen.matches("HttpRequestDenied").count(), 7, "{seen}");
        assert_eq!(requests(&fixture.provider), 3);
        Fixture::is_unharmed();
    });
    family.attack("more requests in a minute than granted", || {
        // A next request would be permitted only after the minute.
        let fixture = Fixture::new().with_pack_limit(PackLimit::RequestsPerMinute, 1);
        let seen: Vec<_> = (0..4)
            .map(|_| fixture.seen(&json!([get("{base}/")])).join("\n"))
            .collect();
        let put_off = seen
            .iter()
            .filter(|seen| seen.contains("ConnectionLimitReached"));
        assert!(
            put_off.count() >= 3 - requests(&fixture.provider).saturating_sub(1),
            "{seen:?}"
        );
        Fixture::is_unharmed();
    });
    lengths(family);
}

/// Requests and replies longer than granted.
fn lengths(family: &mut Family) {
    for (what, limit, request) in [
        (
            "a longer body than granted",
            PackLimit::RequestBytes,
            json!({"body": {"text": "0123456789abcdef"}}),
        ),
        (
            "a longer header than granted",
            PackLimit::HeaderBytes,
            json!({"headers": [["x-wide", "0123456789abcdef"]], "body": {"text": "{}"}}),
        ),
    ] {
        family.attack(what, move || {
            let fixture = Fixture::new().with_pack_limit(limit, 15);
            let instruction = json!({"do": [{ "request": request }]});
            drop(fixture.start(&instruction).judged());
            Fixture::is_unharmed();
            fixture.nothing_arrived();
        });
    }
    family.attack("a longer reply than granted", || {
        let fixture =
            Fixture::answering("", "0123456789abcdef").with_pack_limit(PackLimit::ReplyBytes, 15);
        let seen = fixture.seen(&json!([get("{base}/")])).join("\n");
        assert!(seen.contains("HttpResponseBodySize"), "{seen}");
        Fixture::is_unharmed();
    });
}

/// A network in which `cdn.example` is a server on the internet, and that server's recorder.
fn network() -> (Network, Recorder) {
    let elsewhere = Recorder::start("", "elsewhere");
    let network = Network::default();
    for name in ["cdn.example", "a.cdn.example", "evil.example"] {
        network.name(name, &[&[PUBLIC]]);
    }
    let address = elsewhere.url();
    let address = address.strip_prefix("http://").expect("a URL");
    network.detour(PUBLIC, address.parse().expect("an address"));
    (network, elsewhere)
}

fn limits() -> HttpLimits {
    HttpLimits {
        total: Duration::from_secs(20),
        ..HttpLimits::default()
    }
}

fn hosts(family: &mut Family) {
    family.attack(
        "the credential to an additional host that is granted",
        || {
            let (network, elsewhere) = network();
            let fixture = Fixture::new().with_hosts(&[MEDIA], &[MEDIA]);
            let fixture = fixture.with_egress(&network.egress(limits()));
            let seen = fixture
                .seen(&json!([get("http://cdn.example/media/1?x=1")]))
                .join("\n");
            assert!(seen.contains("elsewhere"), "{seen}");
            let arrived = elsewhere.arrived().concat();
            assert!(
                arrived.starts_with("GET /media/1?x=1 HTTP/1.1\r\n"),
                "{arrived}"
            );
            for hidden in [CANARY_KEY, "x-canary", "traceparent"] {
                assert!(!arrived.contains(hidden), "{arrived}");
            }
        },
    );
    beside_the_granted(family);
    half_granted(family);
}

/// URLs outside of the granted rule.
fn beside_the_granted(family: &mut Family) {
    for (method, url) in [
        ("GET", "http://cdn.example/"),
        ("GET", "http://cdn.example/mediaeval"),
        ("GET", "http://cdn.example/media/../admin"),
        ("GET", "http://cdn.example/media/%2e%2e/admin"),
        ("GET", "http://cdn.example/media/..%2fadmin"),
        ("GET", "http://cdn.example/media/..;/admin"),
        ("GET", "http://cdn.example/evil/../media/x"),
        ("GET", "http://cdn.example/evil/%2e%2e/media/x"),
        ("GET", "http://cdn.example/evil/%2E./media/x"),
        ("GET", "http://cdn.example/evil/%252e%252e/media/x"),
        ("GET", "http://cdn.example\\..\\media\\x"),
        ("GET", "http://cdn.example/evil\\..\\..\\media"),
        ("GET", "http://cdn.example/evil/..\\media/x"),
        ("GET", "http://cdn.example/./media/x"),
        ("GET", "http://cdn.example//media/x"),
        ("GET", "http://cdn.example/media\\..\\admin"),
        ("GET", "http://cdn.example/media/%5c..%5cadmin"),
        ("GET", "http://cdn.example/media/%25252e%25252e/admin"),
        ("GET", "http://cdn.example/media/%zz"),
        ("GET", "http://cdn.example/media/{x}"),
        ("GET", "http://cdn.example/media/\u{fc}"),
        ("GET", "http://cdn.example/media/x%0d%0ay"),
        ("GET", "http://cdn%2eexample/media/x"),
        ("GET", "http://cdn.example:8080/media"),
        ("GET", "https://cdn.example/media"),
        ("GET", "http://a.cdn.example/media"),
        ("GET", "http://evil.example/media"),
        ("GET", "http://cdn.example@evil.example/media"),
        ("GET", "http://evil.example/http://cdn.example/media"),
        ("HEAD", "http://cdn.example/media"),
        ("POST", "http://cdn.example/media"),
        ("GET", "http://93.184.216.34/media"),
    ] {
        family.attack(format!("{method} {url}"), move || {
            let (network, elsewhere) = network();
            let fixture = Fixture::new().with_hosts(&[MEDIA], &[MEDIA]);
            let fixture = fixture.with_egress(&network.egress(limits()));
            fixture.seen(&json!([{"request": {"method": method, "url": url}}]));
            assert_eq!(network.dialled().len(), 0);
            assert_eq!(elsewhere.arrived().len(), 0);
        });
    }
}

/// Hosts that manifest and grant do not both name, and names that resolve into the local network.
fn half_granted(family: &mut Family) {
    for (what, asked, granted) in [
        (
            "a host that is asked for and not granted",
            &[MEDIA][..],
            &[][..],
        ),
        ("a host that is granted and not asked for", &[], &[MEDIA]),
        ("a host of neither", &[], &[]),
    ] {
        family.attack(what, move || {
            let (network, elsewhere) = network();
            let fixture = Fixture::new().with_hosts(asked, granted);
            let fixture = fixture.with_egress(&network.egress(limits()));
            let seen = fixture
                .seen(&json!([get("http://cdn.example/media")]))
                .join("\n");
            assert!(seen.contains("HttpRequestDenied"), "{seen}");
            assert_eq!(network.dialled().len(), 0);
            assert_eq!(elsewhere.arrived().len(), 0);
        });
    }
    for answers in [
        &["127.0.0.1"][..],
        &[PUBLIC, "10.0.0.1"],
        &["169.254.169.254"],
    ] {
        family.attack(
            format!("a granted name at {}", answers.join(" and ")),
            move || {
                let (network, _elsewhere) = network();
                network.name("cdn.example", &[answers]);
                let fixture = Fixture::new().with_hosts(&[MEDIA], &[MEDIA]);
                let fixture = fixture.with_egress(&network.egress(limits()));
                let seen = fixture
                    .seen(&json!([get("http://cdn.example/media")]))
                    .join("\n");
                assert!(seen.contains("DestinationIpProhibited"), "{seen}");
                assert_eq!(network.dialled().len(), 0);
            },
        );
    }
}

/// Submits where only reads are permitted.
fn submits(family: &mut Family) {
    for method in ["POST", "PUT", "PATCH", "DELETE", "get", "BUY"] {
        family.attack(format!("a submit by {method} in a poll"), move || {
            let fixture = Fixture::new().with_hosts(&[], &[]);
            let request = json!({"method": method, "body": {"text": "{}"}, "times": 3});
            let seen = fixture.seen(&json!([{ "request": request }])).join("\n");
            assert_eq!(seen.matches("HttpRequestDenied").count(), 3, "{seen}");
            Fixture::is_unharmed();
            fixture.nothing_arrived();
        });
    }
    family.attack(
        "a submit to a granted host other than the provider's",
        || {
            let orders = "POST http://cdn.example/orders";
            let (network, elsewhere) = network();
            let fixture = Fixture::new().with_hosts(&[orders], &[orders]);
            let fixture = fixture.with_egress(&network.egress(limits()));
            let there =
                json!({"request": {"url": "http://cdn.example/orders", "body": {"text": "{}"}}});
            let here = json!({"request": {"body": {"text": "{}"}}});
            drop(fixture.start(&json!({"do": [there, here]})).judged());
            Fixture::is_unharmed();
            assert_eq!(requests(&elsewhere) + requests(&fixture.provider), 1);
        },
    );
}
