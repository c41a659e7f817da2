use std::time::Duration;

use axum::http::{HeaderName, Method, StatusCode};
use serde_json::{Value, json};

use super::super::clips::{ClipForm, InlineClip, RelativeUrl};
use super::super::distortion::{IdInHeader, SlowBody};
use super::super::edits::PlaceEdit;
use super::super::encoding::{Charset, Encoding};
use super::super::fault::Fault;
use super::super::written::DRIP_BYTES;
use super::*;
use crate::connection::Disconnect;

fn rule(text: &str) -> Result<Rule, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// The first JSON block of the documentation.
fn documented() -> &'static str {
    let page = include_str!("../../../docs/reference/practice-faults.md");
    let (_, rest) = page.split_once("```json\n").expect("an example");
    rest.split_once("```").expect("its end").0
}

#[test]
fn script_without_rules_has_no_faults() {
    for text in ["{}", r#"{"rules": []}"#, r#"{"idempotency": "honoured"}"#] {
        let script: FaultScript = text.parse().expect("a script");
        assert_eq!(script.idempotency, KeyPolicy::Honoured);
        assert!(script.rules.is_empty());
    }
    assert_eq!(FaultScript::default().idempotency, KeyPolicy::Honoured);
}

#[test]
fn documented_example_has_every_key() {
    let script: FaultScript = documented().parse().expect("a script");
    assert_eq!(script.idempotency, KeyPolicy::Ignored);
    let written: Value = serde_json::from_str(documented()).expect("JSON");
    let page = include_str!("../../../docs/reference/practice-faults.md");
    let rules = written["rules"].as_array().expect("rules");
    let unknown = rule(r#"{"what": 1}"#).expect_err("an unknown key");
    let keys: Vec<_> = unknown.split('`').skip(3).step_by(2).collect();
    assert_eq!(keys.len(), 37, "{unknown}");
    for key in keys {
        assert!(
            page.contains(&format!("| `{key}")),
            "`{key}` is not explained"
        );
        assert!(
            rules.iter().any(|rule| rule.get(key).is_some()),
            "`{key}` is not in the example"
        );
    }
}

#[test]
fn rule_with_all_groups_of_keys_is_read() {
    let rule = rule(
        r#"{"method": "POST", "path": "/v1/jobs", "from": 2, "times": 3, "after": true,
            "delay_ms": 5, "status": 429, "headers": {"Retry-After": "3"}, "body": {"a": 1},
            "content_type": "text/html", "status_word": "archived", "patch": {"b": null},
            "truncate": 7, "drip_ms": 9}"#,
    )
    .expect("a rule");
    assert!(rule.matching.matches(&Method::POST, "/v1/jobs"));
    assert!(!rule.matching.matches(&Method::GET, "/v1/jobs"));
    assert_eq!((rule.schedule.from, rule.schedule.times), (2, Some(3)));
    let Fault {
        is_after,
        delay,
        disconnect,
        canned,
        distortion,
        ..
    } = rule.fault;
    assert!(is_after);
    assert_eq!((delay, disconnect), (Duration::from_millis(5), None));
    let canned = canned.expect("an answer");
    assert_eq!(
        (canned.status.as_u16(), &canned.body[..]),
        (429, &b"{\"a\":1}"[..])
    );
    assert_eq!(distortion.headers["retry-after"], "3");
    assert_eq!(distortion.media_type.expect("a type"), "text/html");
    assert_eq!(
        distortion.edits.patch,
        Some(json!({"status": "archived", "b": null}))
    );
    assert_eq!(distortion.cut, Some((7, Disconnect::Close)));
    let pause = Duration::from_millis(9);
    assert_eq!(
        distortion.drip,
        Some(SlowBody {
            pause,
            bytes: DRIP_BYTES
        })
    );
}

#[test]
fn keys_for_other_forms_of_a_reply_are_read() {
    let distortion = |text: &str| rule(text).expect(text).fault.distortion;
    let canned = rule(r#"{"body_base64": "77u/e30="}"#)
        .expect("a rule")
        .fault
        .canned;
    let canned = canned.expect("an answer");
    assert_eq!(
        (canned.status, &canned.body[..]),
        (StatusCode::OK, &b"\xef\xbb\xbf{}"[..])
    );
    assert_eq!(
        canned.media_type.expect("a type"),
        "application/octet-stream"
    );
    for (text, expected) in [
        (r#"{"gzip": true}"#, vec![Encoding::Gzip]),
        (r#"{"encode": "raw_deflate"}"#, vec![Encoding::RawDeflate]),
        (
            r#"{"encode": ["deflate", "br", "zstd"]}"#,
            vec![Encoding::Deflate, Encoding::Br, Encoding::Zstd],
        ),
    ] {
        assert_eq!(distortion(text).encodings, expected, "{text}");
    }
}

#[test]
fn keys_for_other_places_in_a_reply_are_read() {
    let distortion = |text: &str| rule(text).expect(text).fault.distortion;
    let charset = distortion(r#"{"charset": "utf-16be-bom"}"#).charset;
    assert_eq!(charset, Some(Charset::Utf16BeBom));
    for (text, expected) in [
        (
            r#"{"relative_urls": "name"}"#,
            ClipForm::Relative(RelativeUrl::Name),
        ),
        (
            r#"{"inline_clip": "data_url"}"#,
            ClipForm::Inline(InlineClip::DataUrl),
        ),
        (r#"{"several_clips": 2}"#, ClipForm::Several(2)),
    ] {
        assert_eq!(distortion(text).edits.clip, Some(expected), "{text}");
    }
    let places = distortion(
        r#"{"set": {"/s": 1}, "remove": ["/r"], "copy": {"/c": "/d"}, "move": {"/m": "/n"}}"#,
    );
    let text = str::to_owned;
    assert_eq!(
        places.edits.places,
        [
            PlaceEdit::Move {
                from: text("/m"),
                to: text("/n")
            },
            PlaceEdit::Copy {
                from: text("/c"),
                to: text("/d")
            },
            PlaceEdit::Remove(text("/r")),
            PlaceEdit::Set(text("/s"), json!(1)),
        ]
    );
    let named = r#"{"id_in_header": {"header": "X-Job-Id", "value": "{id}"}}"#;
    assert_eq!(
        distortion(named).id_in_header,
        Some(IdInHeader {
            header: HeaderName::from_static("x-job-id"),
            value: "{id}".to_owned(),
            status: StatusCode::CREATED,
        })
    );
    let words = distortion(r#"{"status_words": {"queued": "QUEUED"}}"#);
    assert_eq!(words.edits.status_words["queued"], "QUEUED");
}

#[test]
fn rule_with_several_paths_matches_each() {
    let rule = rule(r#"{"path": ["/v1/jobs", "/v1/workflow_runs/"]}"#).expect("a rule");
    for path in ["/v1/jobs", "/v1/workflow_runs/"] {
        assert!(rule.matching.matches(&Method::GET, path));
    }
    for path in ["/", "/v1/workflow_runs"] {
        assert!(!rule.matching.matches(&Method::GET, path));
    }
}

#[test]
fn close_and_reset_become_disconnects() {
    let cases = [
        (
            r#"{"close": "before"}"#,
            false,
            Some(Disconnect::Close),
            None,
        ),
        (r#"{"close": "after"}"#, true, Some(Disconnect::Close), None),
        (r#"{"reset": true}"#, false, Some(Disconnect::Reset), None),
        (r#"{"reset": false}"#, false, None, None),
        (r#"{"reset": "after"}"#, true, Some(Disconnect::Reset), None),
        (
            r#"{"truncate": 3}"#,
            false,
            None,
            Some((3, Disconnect::Close)),
        ),
        (
            r#"{"truncate": 3, "reset": "after"}"#,
            true,
            None,
            Some((3, Disconnect::Reset)),
        ),
    ];
    for (text, is_after, disconnect, cut) in cases {
        let fault = rule(text).expect(text).fault;
        let read = (fault.is_after, fault.disconnect, fault.distortion.cut);
        assert_eq!(read, (is_after, disconnect, cut), "{text}");
    }
}

#[test]
fn contradictory_rule_is_refused() {
    let refused = [
        r#"{"close": "before", "reset": true}"#,
        r#"{"close": "before", "after": true}"#,
        r#"{"close": "before", "truncate": 1}"#,
        r#"{"close": "after", "status": 500}"#,
        r#"{"reset": "after", "gzip": true}"#,
        r#"{"drip_bytes": 1}"#,
        r#"{"expired": true, "moved": "gone"}"#,
        r#"{"expired": true, "body": "gone"}"#,
        r#"{"status": 100}"#,
        r#"{"status": 600}"#,
        r#"{"from": 0}"#,
        r#"{"every": 0}"#,
        r#"{"times": 0}"#,
        r#"{"drip_ms": 1, "drip_bytes": 0}"#,
        r#"{"method": "post"}"#,
        r#"{"method": "a b"}"#,
        r#"{"path": "v1/jobs"}"#,
        r#"{"path": "/v1/jobs?a"}"#,
        r#"{"headers": {"a b": "c"}}"#,
        r#"{"headers": {"a": "\n"}}"#,
        r#"{"headers": {"Content-Length": "3"}}"#,
        r#"{"content_type": "\n"}"#,
        r#"{"reset": "never"}"#,
        r#"{"reset": 1}"#,
        r#"{"moved": true}"#,
        r#"{"count_by": "moon"}"#,
        r#"{"patch": 3}"#,
        r#"{"unwrap": "data"}"#,
        r#"{"close": "after", "unwrap": "/data"}"#,
    ];
    for text in refused {
        assert!(rule(text).is_err(), "{text}");
    }
}

#[test]
fn contradictory_form_of_a_reply_is_refused() {
    let refused = [
        r#"{"body": "a", "body_base64": "YQ=="}"#,
        r#"{"body_base64": "YQ"}"#,
        r#"{"body_base64": "%"}"#,
        r#"{"expired": true, "body_base64": "YQ=="}"#,
        r#"{"close": "after", "body_base64": "YQ=="}"#,
        r#"{"close": "after", "charset": "utf-8-bom"}"#,
        r#"{"close": "after", "set": {"/a": 1}}"#,
        r#"{"gzip": true, "encode": "br"}"#,
        r#"{"encode": "lz4"}"#,
        r#"{"encode": []}"#,
        r#"{"encode": 1}"#,
        r#"{"charset": "latin-1"}"#,
        r#"{"relative_urls": "path", "inline_clip": "base64"}"#,
        r#"{"relative_urls": "absolute"}"#,
        r#"{"several_clips": 2, "inline_clip": "base64"}"#,
        r#"{"several_clips": 0}"#,
        r#"{"several_clips": 101}"#,
        r#"{"path": []}"#,
        r#"{"path": ["/a", "b"]}"#,
        r#"{"inline_clip": true}"#,
        r#"{"status_word": "a", "status_words": {"b": "c"}}"#,
        r#"{"move": {"a": "/b"}}"#,
        r#"{"move": {"/a": ""}}"#,
        r#"{"copy": {"/a": "b"}}"#,
        r#"{"remove": ["a"]}"#,
        r#"{"remove": "/a"}"#,
        r#"{"set": {"a": 1}}"#,
        r#"{"id_in_header": "Location"}"#,
        r#"{"id_in_header": {"header": "Location"}}"#,
        r#"{"id_in_header": {"header": "Location", "value": "/v1/jobs"}}"#,
        r#"{"id_in_header": {"header": "a b", "value": "{id}"}}"#,
        r#"{"id_in_header": {"header": "Content-Length", "value": "{id}"}}"#,
        r#"{"id_in_header": {"header": "a", "value": "{id}", "status": 404}}"#,
        r#"{"id_in_header": {"header": "a", "value": "{id}"}, "status": 202}"#,
        r#"{"id_in_header": {"header": "a", "value": "{id}"}, "patch": {}}"#,
    ];
    for text in refused {
        assert!(rule(text).is_err(), "{text}");
    }
}

#[test]
fn script_error_gives_its_position_outside_its_message() {
    let text = "{\n  \"rules\": [\n    {\"staus\": 500}\n  ]\n}";
    let error = text.parse::<FaultScript>().expect_err("a wrong key");
    assert_eq!((error.line(), error.column()), (3, 12));
    assert!(error.to_string().starts_with("unknown field `staus`"));
    assert!(!error.to_string().contains(" at line "));
    // A contradiction has the position of its rule's end.
    let text = "{\"rules\": [\n  {\"drip_bytes\": 1}\n]}";
    let error = text.parse::<FaultScript>().expect_err("a contradiction");
    assert_eq!(error.line(), 2);
    assert_eq!(error.to_string(), "`drip_bytes` needs `drip_ms`");
    let error = "".parse::<FaultScript>().expect_err("nothing");
    assert_eq!((error.line(), error.column()), (1, 0));
}
