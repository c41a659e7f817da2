//! Components that set headers reserved for the host, or malformed ones.

use serde_json::json;

use super::Family;
use super::fixture::Fixture;
use super::submits::submit;
use crate::support::sandbox::CANARY_KEY;

pub(super) fn family() -> Family {
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
        "X_Canary",
        "user-agent",
        "referer",
        "content-encoding",
        "content_type",
        "x-forwarded-host",
        "x-original-url",
        "x_http_method_override",
    ] {
        for as_a_list in [false, true] {
            let how = if as_a_list { "in a list" } else { "alone" };
            family.attack(format!("{name}, {how}"), move || {
                is_kept_out(name, "smuggled", as_a_list, "forbidden");
            });
        }
    }
    broken_lines(&mut family);
    too_much(&mut family);
    family
}

/// Names and values with line breaks or invalid characters.
fn broken_lines(family: &mut Family) {
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
}

/// Headers beyond the limits, and trailers.
fn too_much(family: &mut Family) {
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
            let fixture = Fixture::new();
            let report = fixture.start(&json!({"do": [submit(&json!({"headers": headers}))]}));
            drop(report);
            let arrived = fixture.provider.arrived().concat();
            assert!(arrived.len() < 200 << 10, "{} bytes", arrived.len());
            Fixture::is_unharmed();
        });
    }
    family.attack("trailers", || {
        let fixture = Fixture::new();
        let trailers =
            json!({"trailers": [["x-smuggled", "smuggled"], ["authorization", "smuggled"]]});
        let _report = fixture.start(&json!({"do": [submit(&trailers)]}));
        assert!(!fixture.provider.arrived().concat().contains("smuggled"));
    });
}

#[track_caller]
fn is_kept_out(name: &str, value: &str, as_a_list: bool, why: &str) {
    let fixture = Fixture::new();
    let more = json!({"headers": [[name, value]], "as_a_list": as_a_list});
    let seen = fixture.seen(&json!([submit(&more)]));
    assert!(seen[0].ends_with(why), "{seen:?}");
    let arrived = fixture.provider.arrived().concat();
    assert!(!arrived.contains("smuggled"), "{arrived}");
    // A list is refused as a whole; a single refused header leaves the request without it.
    assert_eq!(
        arrived.matches(CANARY_KEY).count(),
        usize::from(!as_a_list),
        "{arrived}"
    );
}
