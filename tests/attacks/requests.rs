//! Components that send what they may not: twice, unasked, elsewhere, or as something else.

use std::time::Duration;

use serde_json::{Value, json};
use zoetrope_host::testimony::Sent;

use super::Family;
use super::stage::Stage;
use crate::support::desk::CANARY_KEY;
use crate::support::hostile::hostile_listing;

/// A submit with this changed.
fn submit(more: &Value) -> Value {
    let mut request = json!({"body": {"text": "{}"}});
    for (name, value) in more.as_object().into_iter().flatten() {
        request[name] = value.clone();
    }
    json!({ "request": request })
}

/// The requests that arrived, whole or not.
fn requests(stage: &Stage) -> usize {
    let arrived = stage.provider.arrived().concat();
    arrived.matches(" HTTP/1.1\r\n").count()
}

pub(super) fn submits() -> Family {
    let mut family = Family::new("submits");
    let usual = json!({});
    for (what, deeds) in [
        ("two submits", json!([submit(&usual), submit(&usual)])),
        (
            "ten submits at once, the first awaited",
            json!([submit(&json!({"times": 10, "awaited": 1}))]),
        ),
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
            let stage = Stage::new();
            let report = stage.start(&json!({"do": deeds}));
            assert_eq!(report.sent, Sent::Something);
            Stage::is_unharmed();
            assert_eq!(requests(&stage), 1);
        });
    }
    family.attack("a submit that nobody waits for", || {
        let stage = Stage::new();
        let report = stage.start(&json!({"do": [submit(&json!({"awaited": 0}))]}));
        Stage::is_unharmed();
        // What has not left when the call ends never leaves.
        let most = usize::from(report.sent == Sent::Something);
        assert!(requests(&stage) <= most, "{:?}", report.sent);
    });
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
            let stage = Stage::new().with_exchanges_of(Duration::from_millis(500));
            let report = stage.start(&json!({"do": [submit(&more)]}));
            assert_eq!(report.sent, Sent::Nothing);
            assert_eq!(requests(&stage), 0);
            Stage::is_unharmed();
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
            let stage = Stage::new();
            let _report = stage.start(&json!({"do": [submit(&more)]}));
            let arrived = stage.provider.arrived().concat();
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
    for method in ["GET", "HEAD", "OPTIONS"] {
        family.attack(
            format!("another request in the body of a {method}"),
            move || {
                let stage = Stage::new();
                let hidden = "POST /v1/jobs HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
                let more = json!({"method": method, "body": {"text": hidden}});
                let report = stage.start(&json!({"do": [submit(&more), submit(&more)]}));
                assert_eq!(report.sent, Sent::Nothing);
                stage.nothing_arrived();
            },
        );
    }
    for name in [
        "X-HTTP-Method-Override",
        "x-http-method",
        "x-method-override",
    ] {
        family.attack(format!("a read that {name} makes a submit"), move || {
            let stage = Stage::new();
            let read = json!({"request": {"method": "GET", "headers": [[name, "POST"]]}});
            let seen = stage.seen(&json!([read]));
            assert_eq!(seen[0], "header: forbidden");
            assert!(
                !stage
                    .provider
                    .arrived()
                    .concat()
                    .to_lowercase()
                    .contains("override")
            );
        });
    }
    for function in ["check", "plan-upload", "node-types"] {
        family.attack(format!("a submit in {function}"), move || {
            let mut stage = Stage::new();
            let order = json!({"do": [submit(&json!({}))]});
            match function {
                "check" => drop(stage.check(&order)),
                "plan-upload" => drop(stage.plan_upload(&order)),
                _ => {
                    // It lists once it has tried.
                    stage = stage.with_component(&hostile_listing(&order));
                    assert_eq!(stage.node_types().expect("a list"), 1);
                }
            }
            stage.nothing_arrived();
        });
    }
    family
}

pub(super) fn headers() -> Family {
    let mut family = Family::new("headers");
    for name in [
        "authorization",
        "AUTHORIZATION",
        "proxy-authorization",
        "Cookie",
        "set-cookie",
        "host",
        "HOST",
        "transfer-encoding",
        "Transfer-Encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
        "http2-settings",
        "expect",
        "x-canary",
        "X-Canary",
    ] {
        for as_a_list in [false, true] {
            let how = if as_a_list { "in a list" } else { "alone" };
            family.attack(format!("{name}, {how}"), move || {
                is_kept_out(name, "smuggled", as_a_list, "forbidden");
            });
        }
    }
    for (what, name, value) in [
        ("a line end in a value", "x-a", "smuggled\r\nx-b: smuggled"),
        (
            "a lone line feed in a value",
            "x-a",
            "smuggled\nx-b: smuggled",
        ),
        ("a lone return in a value", "x-a", "smuggled\rx-b: smuggled"),
        ("a folded value", "x-a", "a\r\n smuggled"),
        ("a NUL in a value", "x-a", "smuggled\0"),
        (
            "a whole request in a value",
            "x-a",
            "a\r\n\r\nPOST /smuggled HTTP/1.1\r\n\r\n",
        ),
        ("a line end in a name", "x-a: smuggled\r\nx-b", "b"),
        ("a colon in a name", "smuggled:x", "b"),
        ("a space in a name", "smuggled ", "b"),
        ("a tab in a name", "smuggled\t", "b"),
        ("a NUL in a name", "smuggled\0", "b"),
        ("a name that is not ASCII", "smuggled-ä", "b"),
        ("an empty name", "", "smuggled"),
        ("a pseudo-header", ":path", "/smuggled"),
    ] {
        for as_a_list in [false, true] {
            let how = if as_a_list { "in a list" } else { "alone" };
            family.attack(format!("{what}, {how}"), move || {
                is_kept_out(name, value, as_a_list, "invalid");
            });
        }
    }
    for (what, headers) in [
        (
            "1 MB in one value",
            json!([["x-a", {"repeat": "smuggled", "times": 131_072}]]),
        ),
        (
            "ten thousand of them",
            json!(vec![["x-a", "smuggled-smuggled-smuggled"]; 10_000]),
        ),
    ] {
        family.attack(what, move || {
            let stage = Stage::new();
            let report = stage.start(&json!({"do": [submit(&json!({"headers": headers}))]}));
            drop(report);
            let arrived = stage.provider.arrived().concat();
            assert!(arrived.len() < 200 << 10, "{} bytes", arrived.len());
            Stage::is_unharmed();
        });
    }
    family.attack("trailers", || {
        let stage = Stage::new();
        let trailers =
            json!({"trailers": [["x-smuggled", "smuggled"], ["authorization", "smuggled"]]});
        let _report = stage.start(&json!({"do": [submit(&trailers)]}));
        assert!(!stage.provider.arrived().concat().contains("smuggled"));
    });
    family
}

#[track_caller]
fn is_kept_out(name: &str, value: &str, as_a_list: bool, why: &str) {
    let stage = Stage::new();
    let more = json!({"headers": [[name, value]], "as_a_list": as_a_list});
    let seen = stage.seen(&json!([submit(&more)]));
    assert!(seen[0].ends_with(why), "{seen:?}");
    let arrived = stage.provider.arrived().concat();
    assert!(!arrived.contains("smuggled"), "{arrived}");
    // A list is refused as a whole; one by one, the request leaves without it.
    assert_eq!(
        arrived.matches(CANARY_KEY).count(),
        usize::from(!as_a_list),
        "{arrived}"
    );
}

pub(super) fn lines() -> Family {
    let mut family = Family::new("request lines");
    for method in [
        "CONNECT",
        "TRACE",
        "GET / HTTP/1.1\r\nx: y\r\n\r\nGET",
        "GET /admin",
        "PO\nST",
        "PO\0ST",
        "",
        " ",
        "POST:",
        "P\u{f6}ST",
    ] {
        let what = format!("method {}", method.escape_debug());
        nothing_leaves(&mut family, what, json!({ "method": method }));
    }
    for url in [
        "{base}/v1/jobs HTTP/1.1\r\nx: y\r\n\r\nGET /",
        "{base}/v1/jobs\r\nx: y",
        "{base}/a b",
        "{base}/a\tb",
        "{base}/\0",
        "{base}/../admin",
        "{base}/v1/%2e%2e/admin",
        "{base}/v1/..%2fadmin",
        "{base}/v1/..\\admin",
        "http://evil.example/{base}",
        "http://127.0.0.1:1/v1/jobs",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/v1/jobs",
        "http://user@127.0.0.1/v1/jobs",
        "http://user:secret@127.0.0.1/",
        "http://127.0.0.1\r\nx: y/",
        "http://127.0.0.1 /",
        "http:///v1/jobs",
        "{base}@evil.example/",
        "{base}.evil.example/",
        "https://{base}/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/_POST",
        "/v1/jobs",
        "//evil.example/v1/jobs",
    ] {
        let what = format!("to {}", url.escape_debug());
        nothing_leaves(&mut family, what, json!({ "url": url }));
    }
    family.attack("to a fragment", || {
        let stage = Stage::new();
        let _report = stage.start(&json!({"do": [submit(&json!({"url": "{base}/a#b"}))]}));
        let arrived = stage.provider.arrived().concat();
        assert!(
            arrived.is_empty() || arrived.starts_with("POST /a HTTP/1.1\r\n"),
            "{arrived}"
        );
    });
    family
}

/// A request that the host refuses, or that is not even taken.
fn nothing_leaves(family: &mut Family, what: String, more: Value) {
    family.attack(what, move || {
        let stage = Stage::new();
        let report = stage.start(&json!({"do": [submit(&more)]}));
        let arrived = stage.provider.arrived().concat();
        // A part that is not taken leaves the one that was there before.
        let is_whole = arrived.starts_with("POST / HTTP/1.1\r\n")
            || arrived.starts_with("GET /v1/jobs HTTP/1.1\r\n");
        assert!(arrived.is_empty() || is_whole, "{arrived}");
        assert!(arrived.matches(" HTTP/1.1\r\n").count() <= 1, "{arrived}");
        drop(report);
    });
}
