//! Faults that a raw TCP client sees: closed, reset, truncated, dripped.

use serde_json::json;
use tempfile::tempdir;

use crate::support::raw::{End, Received, exchange};
use crate::support::{Api, faulty, idle, quick, settings, start};

async fn submit(api: &Api) -> Received {
    let body = quick("https://example.com/a.png").to_string();
    exchange(api, "POST", "/v1/jobs", &body).await
}

#[tokio::test]
async fn connection_is_closed_or_reset_before_or_after_the_handler() {
    let cases = [
        (json!({"close": "before"}), End::Closed, 0),
        (json!({"close": "after"}), End::Closed, 1),
        (json!({"close": "after", "delay_ms": 1}), End::Closed, 1),
        (json!({"reset": true}), End::Reset, 0),
        (json!({"reset": "before"}), End::Reset, 0),
        (json!({"reset": "after"}), End::Reset, 1),
    ];
    for (fault, end, created) in cases {
        let folder = tempdir().expect("a folder");
        let mut rule = fault.clone();
        rule["times"] = json!(1);
        let (practice, api) = start(faulty(idle(&folder), &json!([rule]))).await;
        let received = submit(&api).await;
        assert!(received.pieces.is_empty(), "{fault}");
        assert_eq!(received.end, end, "{fault}");
        assert_eq!(practice.billing().totals.created, created, "{fault}");
        let later = submit(&api).await;
        assert!(later.answer().0.starts_with("http/1.1 201"), "{fault}");
        practice.shutdown().await;
    }
}

#[tokio::test]
async fn truncated_reply_has_the_content_length_of_the_whole() {
    let cases = [
        (json!({"truncate": 0}), 0, End::Closed),
        (json!({"truncate": 10}), 10, End::Closed),
        (json!({"truncate": 10, "close": "after"}), 10, End::Closed),
        (json!({"truncate": 10, "reset": "after"}), 10, End::Reset),
        (
            json!({"truncate": 10, "drip_ms": 1, "drip_bytes": 4}),
            10,
            End::Closed,
        ),
        // More than the buffers of the sockets hold.
        (
            json!({"truncate": 20_000_000, "pad_bytes": 30_000_000}),
            20_000_000,
            End::Closed,
        ),
    ];
    for (fault, length, end) in cases {
        let folder = tempdir().expect("a folder");
        let (practice, api) = start(faulty(idle(&folder), &json!([fault]))).await;
        let received = submit(&api).await;
        let (top, body) = received.answer();
        assert!(top.starts_with("http/1.1 201"), "{top}");
        assert_eq!((body.len(), received.end), (length, end), "{fault}");
        assert!(received.announced() > length, "{fault}");
        assert_eq!(practice.billing().totals.created, 1, "{fault}");
        practice.shutdown().await;
    }
}

#[tokio::test]
async fn reply_shorter_than_its_truncation_is_whole() {
    let folder = tempdir().expect("a folder");
    let rules = json!([{"truncate": 1_000_000}]);
    let (_practice, api) = start(faulty(idle(&folder), &rules)).await;
    let received = submit(&api).await;
    assert_eq!(received.answer().1.len(), received.announced());
}

#[tokio::test]
async fn dripped_reply_comes_in_pieces() {
    let folder = tempdir().expect("a folder");
    let rules = json!([{"drip_ms": 50, "drip_bytes": 40, "body": "x".repeat(200)}]);
    let (_practice, api) = start(faulty(idle(&folder), &rules)).await;
    let received = submit(&api).await;
    let (_, body) = received.answer();
    assert_eq!((body.len(), received.announced()), (200, 200));
    // A slow reader may merge some pieces, but not all of them.
    assert!(received.pieces.len() > 1, "{}", received.pieces.len());
}

#[tokio::test]
async fn clip_is_fetched_in_parts_when_its_connection_ends() {
    let folder = tempdir().expect("a folder");
    let rules = json!([{"path": "/v1/clips/*", "times": 1, "truncate": 1000}]);
    let (_practice, api) = start(crate::instant::instant(faulty(settings(&folder), &rules))).await;
    let job = api.job(&quick("https://example.com/a.png")).await;
    api.until(&job, "succeeded").await;
    let path = format!("/v1/clips/{job}.mp4");
    let received = exchange(&api, "GET", &path, "").await;
    let (_, mut clip) = received.answer();
    assert_eq!(clip.len(), 1000);
    let rest = api.get(&path, &[("range", "bytes=1000-")]).await;
    clip.extend_from_slice(&rest.body);
    assert_eq!(clip.len(), received.announced());
    assert_eq!(clip, api.clip(&job).await);
}
