//! Components whose submits are not permitted: repeated, in other calls, or disguised as reads.

use std::time::Duration;

use serde_json::{Value, json};
use zoetrope_host::egress::Sent;

use super::Family;
use super::fixture::Fixture;
use crate::support::hostile::hostile_listing;

/// A submit with these fields changed.
pub(super) fn submit(more: &Value) -> Value {
    let mut request = json!({"body": {"text": "{}"}});
    for (name, value) in more.as_object().into_iter().flatten() {
        request[name] = value.clone();
    }
    json!({ "request": request })
}

/// The number of requests that arrived, complete or not.
fn requests(fixture: &Fixture) -> usize {
    let arrived = fixture.provider.arrived().concat();
    arrived.matches(" HTTP/1.1\r\n").count()
}

pub(super) fn family() -> Family {
    let mut family = Family::new("submits");
    more_than_one(&mut family);
    bodies(&mut family);
    hidden(&mut family);
    unasked(&mut family);
    family
}

fn more_than_one(family: &mut Family) {
    let usual = json!({});
    for (what, actions) in [
        ("two submits", json!([submit(&usual), submit(&usual)])),
        (
            "ten submits at once, all awaited",
            json!([submit(&json!({"times": 10}))]),
        ),
        (
            "submits by every method",
            json!(
                ["POST", "PUT", "PATCH", "DELETE", "post", "get", "BUY"]
                    .map(|method| submit(&json!({ "method": method })))
            ),
        ),
        (
            "a submit whose reply is never read",
            json!([submit(&json!({"unread": true})), submit(&usual)]),
        ),
    ] {
        family.attack(what, move || {
            let fixture = Fixture::new();
            let report = fixture.start(&json!({"do": actions}));
            assert_ne!(report.sent, Sent::Nothing);
            Fixture::is_unharmed();
            assert_eq!(requests(&fixture), 1);
        });
    }
    family.attack("ten submits at once, the first awaited", || {
        let fixture = Fixture::new();
        let actions = json!([submit(&json!({"times": 10, "awaited": 1}))]);
        let report = fixture.start(&json!({ "do": actions }));
        Fixture::is_unharmed();
        // The one that is sent may be another than the first, and is cut off, or not sent, when the
        // call ends.
        let most = usize::from(report.sent != Sent::Nothing);
        assert!(requests(&fixture) <= most, "{:?}", report.sent);
    });
    family.attack("a submit whose reply is not awaited", || {
        let fixture = Fixture::new();
        let report = fixture.start(&json!({"do": [submit(&json!({"awaited": 0}))]}));
        Fixture::is_unharmed();
        // A request that was not sent when the call ends is never sent.
        let most = usize::from(report.sent != Sent::Nothing);
        assert!(requests(&fixture) <= most, "{:?}", report.sent);
    });
}

/// Bodies that contradict their headers.
fn bodies(family: &mut Family) {
    for (what, more) in [
        ("a body that never ends", json!({"unfinished": true})),
        (
            "a body that is longer than announced",
            json!({"length": "1"}),
        ),
        (
            "a body that is shorter than announced",
            json!({"length": "99"}),
        ),
        ("a body without a length", json!({"length": ""})),
        ("a length that is no number", json!({"length": "two"})),
        ("a length with a sign", json!({"length": "+2"})),
        ("a negative length", json!({"length": "-2"})),
        ("two lengths in one", json!({"length": "2, 2"})),
        ("two lengths", json!({"headers": [["content-length", "0"]]})),
        ("a body of 1 GB", json!({"body": {"bytes": 1_000_000_000}})),
        (
            "a body of 1 GB that is announced as none",
            json!({"body": {"bytes": 1_000_000_000}, "length": "0"}),
        ),
    ] {
        family.attack(what, move || {
            let fixture = Fixture::new().with_exchanges_of(Duration::from_millis(500));
            let report = fixture.start(&json!({"do": [submit(&more)]}));
            assert_eq!(report.sent, Sent::Nothing);
            assert_eq!(requests(&fixture), 0);
            Fixture::is_unharmed();
        });
    }
    for (what, more) in [
        (
            "one length twice",
            json!({"headers": [["content-length", "2"]]}),
        ),
        (
            "a second length in another case",
            json!({"headers": [["Content-Length", "2"]]}),
        ),
        (
            "a length that is no number beside the true one",
            json!({"headers": [["content-length", "many"]]}),
        ),
    ] {
        family.attack(what, move || {
            let fixture = Fixture::new();
            let _report = fixture.start(&json!({"do": [submit(&more)]}));
            let arrived = fixture.provider.arrived().concat();
            assert_eq!(
                arrived.matches("content-length: 2\r\n").count(),
                1,
                "{arrived}"
            );
            assert_eq!(
                arrived.to_lowercase().matches("content-length").count(),
                1,
                "{arrived}"
            );
        });
    }
}

/// Submits disguised as reads.
fn hidden(family: &mut Family) {
    for method in ["GET", "HEAD", "OPTIONS"] {
        family.attack(
            format!("another request in the body of a {method}"),
            move || {
                let fixture = Fixture::new();
                let hidden = "POST /v1/jobs HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
                let more = json!({"method": method, "body": {"text": hidden}});
                let report = fixture.start(&json!({"do": [submit(&more), submit(&more)]}));
                assert_eq!(report.sent, Sent::Nothing);
                fixture.nothing_arrived();
            },
        );
    }
    for name in [
        "X-HTTP-Method-Override",
        "x-http-method",
        "x-method-override",
    ] {
        family.attack(format!("a read that {name} makes a submit"), move || {
            let fixture = Fixture::new();
            let read = json!({"request": {"method": "GET", "headers": [[name, "POST"]]}});
            let seen = fixture.seen(&json!([read]));
            assert_eq!(seen[0], "header: forbidden");
            assert!(
                !fixture
                    .provider
                    .arrived()
                    .concat()
                    .to_lowercase()
                    .contains("override")
            );
        });
    }
}

/// Submits in calls that may send nothing.
fn unasked(family: &mut Family) {
    for function in ["check", "plan-upload", "node-types"] {
        family.attack(format!("a submit in {function}"), move || {
            let mut fixture = Fixture::new();
            let instruction = json!({"do": [submit(&json!({}))]});
            match function {
                "check" => drop(fixture.check(&instruction)),
                "plan-upload" => drop(fixture.plan_upload(&instruction)),
                _ => {
                    // The listing follows the attempt.
                    fixture = fixture.with_component(&hostile_listing(&instruction));
                    assert_eq!(fixture.node_types().expect("a list"), 1);
                }
            }
            fixture.nothing_arrived();
        });
    }
}
