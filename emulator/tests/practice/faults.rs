//! Faults in the content of a reply.

use std::io::Read as _;
use std::time::Duration;

use axum::http::StatusCode;
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use tokio::time::sleep;
use zoetrope_emulator::Practice;

use crate::instant::instant;
use crate::support::{Answer, Api, faulty, id, idle, quick, settings, start};

async fn with(folder: &TempDir, rules: &Value) -> (Practice, Api) {
    start(faulty(idle(folder), rules)).await
}

async fn submit(api: &Api) -> Answer {
    api.submit(&quick("https://example.com/a.png"), None).await
}

async fn ask(api: &Api, job: &str) -> Answer {
    api.call("GET", &format!("/v1/jobs/{job}"), "").await
}

#[tokio::test]
async fn reply_is_replaced_before_or_after_the_work() {
    for (is_after, created) in [(false, 0), (true, 1)] {
        let folder = tempdir().expect("a folder");
        let rules = json!([{
            "method": "POST", "path": "/v1/jobs", "after": is_after, "times": 1, "delay_ms": 1,
            "status": 503, "headers": {"Retry-After": "7"}, "body": {"error": "busy"},
        }]);
        let (practice, api) = with(&folder, &rules).await;
        let answer = submit(&api).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header("retry-after"), "7");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("x-practice-render"), "true");
        assert_eq!(answer.json(), json!({"error": "busy"}));
        assert_eq!(practice.billing().totals.created, created);
        assert_eq!(submit(&api).await.status, StatusCode::CREATED);
    }
}

#[tokio::test]
async fn first_due_rule_applies_and_every_rule_counts_the_request() {
    let folder = tempdir().expect("a folder");
    let rules = json!([
        {"method": "POST", "status": 500},
        {"path": "/v1/jobs/{id}", "from": 2, "times": 1, "status": 501},
        {"path": "/v1/jobs/{id}", "every": 2, "status": 502, "body": "not\u{20}JSON"},
        {"path": "/v1/jobs/{id}", "count_by": "path", "from": 3, "times": 1, "status": 503},
    ]);
    let (_practice, api) = with(&folder, &rules).await;
    assert_eq!(submit(&api).await.status.as_u16(), 500);
    let mut seen = Vec::new();
    for job in ["a", "a", "a", "a", "b", "b", "b", "b"] {
        seen.push(ask(&api, job).await.status.as_u16());
    }
    assert_eq!(seen, [404, 501, 503, 502, 404, 502, 503, 502]);
    let answer = ask(&api, "a").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let answer = ask(&api, "a").await;
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.body, "not JSON");
}

#[tokio::test]
async fn reply_fields_and_headers_are_changed_by_rules() {
    let folder = tempdir().expect("a folder");
    let rules = json!([
        {"method": "GET", "times": 1, "status_word": "archived"},
        {"method": "GET", "from": 2, "times": 1, "patch": {
            "progress": 0.123, "message": null, "more": {"a": [1]},
        }},
        {"method": "GET", "from": 3, "times": 1, "content_type": "text/html", "headers": {"x-a": "b"}},
        {"method": "GET", "from": 4, "times": 1, "nest": 5000, "pad_bytes": 300_000},
    ]);
    let (_practice, api) = with(&folder, &rules).await;
    let job = id(&submit(&api).await);
    assert_eq!(ask(&api, &job).await.json()["status"], "archived");
    let patched = ask(&api, &job).await.json();
    assert_eq!(
        (&patched["status"], &patched["progress"]),
        (&json!("queued"), &json!(0.123))
    );
    assert_eq!(
        (patched.get("message"), &patched["more"]),
        (None, &json!({"a": [1]}))
    );
    let other = ask(&api, &job).await;
    assert_eq!(
        (other.header("content-type"), other.header("x-a")),
        ("text/html", "b")
    );
    assert_eq!(other.json()["status"], "queued");
    let large = ask(&api, &job).await.body;
    assert!(large.len() > 310_000);
    assert!(large.ends_with(b"]]}") && large.starts_with(b"{"));
    assert_eq!(ask(&api, &job).await.json()["status"], "queued");
}

#[tokio::test]
async fn reply_is_gzipped_without_accept_encoding() {
    let folder = tempdir().expect("a folder");
    let rules = json!([{"gzip": true}]);
    let (_practice, api) = with(&folder, &rules).await;
    let answer = submit(&api).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    let mut text = String::new();
    GzDecoder::new(&answer.body[..])
        .read_to_string(&mut text)
        .expect("gzip");
    assert!(text.contains("\"queued\""), "{text}");
}

#[tokio::test]
async fn job_exists_when_client_disconnects_before_the_reply() {
    let folder = tempdir().expect("a folder");
    let rules = json!([{"method": "POST", "times": 1, "after": true, "delay_ms": 3_600_000}]);
    let (practice, api) = with(&folder, &rules).await;
    let leaving = async {
        while practice.billing().totals.created == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        answer = submit(&api) => panic!("{}", answer.status),
        () = leaving => {}
    }
}

#[tokio::test]
async fn expired_url_is_replaced_after_the_next_poll() {
    let cases = [
        (json!({"expired": true}), 403),
        (json!({"expired": true, "status": 410}), 410),
        (json!({"moved": "gone"}), 404),
        (json!({"moved": "redirect"}), 302),
        (json!({"moved": "redirect", "status": 308}), 308),
    ];
    for (fault, status) in cases {
        let folder = tempdir().expect("a folder");
        let mut rule = fault.clone();
        rule["path"] = json!("/v1/clips/*");
        rule["times"] = json!(1);
        let (_practice, api) = start(instant(faulty(settings(&folder), &json!([rule])))).await;
        let job = id(&submit(&api).await);
        let video = |job: &Value| job["output"]["video"].as_str().expect("a URL").to_owned();
        let first = video(&api.until(&job, "succeeded").await);
        let answer = api.get(&first, &[]).await;
        assert_eq!(answer.status.as_u16(), status, "{fault}");
        let location = answer.header("location").to_owned();
        let again = api.get(&first, &[]).await.status.as_u16();
        if fault["moved"] == "redirect" {
            assert_eq!(again, 404);
            assert_eq!(api.get(&location, &[]).await.status, StatusCode::OK);
        } else {
            assert_eq!(again, status, "it stays expired: {fault}");
        }
        let fresh = video(&api.poll(&job).await);
        assert_ne!(fresh, first);
        assert!(fresh.ends_with(&location), "{fresh}");
        assert_eq!(api.get(&fresh, &[]).await.status, StatusCode::OK);
        assert_eq!(video(&api.poll(&job).await), fresh);
    }
}
