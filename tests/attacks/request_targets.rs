//! Components whose requests have forbidden methods or targets.

use serde_json::{Value, json};

use super::Family;
use super::fixture::Fixture;
use super::submits::submit;

pub(super) fn family() -> Family {
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
        let fixture = Fixture::new();
        let _report = fixture.start(&json!({"do": [submit(&json!({"url": "{base}/a#b"}))]}));
        let arrived = fixture.provider.arrived().concat();
        assert!(
            arrived.is_empty() || arrived.starts_with("POST /a HTTP/1.1\r\n"),
            "{arrived}"
        );
    });
    family
}

/// A request that the host refuses to build or to send.
fn nothing_leaves(family: &mut Family, what: String, more: Value) {
    family.attack(what, move || {
        let fixture = Fixture::new();
        let report = fixture.start(&json!({"do": [submit(&more)]}));
        let arrived = fixture.provider.arrived().concat();
        // A refused part of the target keeps its previous value.
        let is_whole = arrived.starts_with("POST / HTTP/1.1\r\n")
            || arrived.starts_with("GET /v1/jobs HTTP/1.1\r\n");
        assert!(arrived.is_empty() || is_whole, "{arrived}");
        assert!(arrived.matches(" HTTP/1.1\r\n").count() <= 1, "{arrived}");
        drop(report);
    });
}
