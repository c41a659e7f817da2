//! The `jobs` wire, without faults.

use std::sync::Arc;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::{BoxFuture, join_all};
use serde_json::{Value, json};
use tempfile::tempdir;
use zoetrope_emulator::{FetchPicture, Settings};

use crate::support::frames::decode;
use crate::support::mp4::Clip;
use crate::support::{id, idle, png, quick, settings, start};

#[tokio::test]
async fn picture_becomes_a_clip() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(settings(&folder)).await;
    let picture = api.picture(&png()).await;
    let body = json!({"action": "image_to_video", "input": {
        "prompt": "pan left", "image": picture, "negative_prompt": null, "model": "Pixel M",
        "size": "Portrait HD (3:4)", "prompt_optimizer": true,
    }});
    let submitted = api.submit(&body, None).await;
    assert_eq!(submitted.status, StatusCode::CREATED);
    assert_eq!(submitted.header("x-practice-render"), "true");
    assert_eq!(submitted.json()["charged"], Value::Null);
    assert!(submitted.json()["poll_after_ms"].is_u64());

    let job = api.until(&id(&submitted), "succeeded").await;
    assert_eq!(
        (&job["progress"], &job["charged"]),
        (&json!(1.0), &json!(true))
    );
    assert!(
        job["message"]
            .as_str()
            .is_some_and(|text| text.contains("not an AI model"))
    );
    let url = job["output"]["video"].as_str().expect("a URL");
    let file = api.get(url, &[]).await;
    assert_eq!(file.header("content-type"), "video/mp4");
    assert_eq!(file.header("content-length"), file.body.len().to_string());
    let clip = Clip::read(&file.body);
    assert_eq!((clip.size, clip.samples.len()), ((720, 960), 96));
    assert_eq!(decode(&clip, &file.body).len(), 96);
    practice.shutdown().await;
}

#[tokio::test]
async fn same_input_gives_the_same_bytes() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(settings(&folder)).await;
    let inline = format!("data:image/png;base64,{}", STANDARD.encode(png()));
    let uploaded = api.picture(&png()).await;
    let one = api.job(&quick(&inline)).await;
    let other = api.job(&quick(&uploaded)).await;
    assert_ne!(one, other);
    assert!(api.clip(&one).await == api.clip(&other).await);
}

#[tokio::test]
async fn one_key_makes_one_job() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(idle(&folder)).await;
    let body = quick("https://example.com/a.png");
    // Concurrently, as a client retries after a lost reply.
    let answers = join_all((0..8).map(|_| api.submit(&body, Some("key")))).await;
    let created = |status| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!(
        (created(StatusCode::CREATED), created(StatusCode::OK)),
        (1, 7)
    );
    assert!(answers.iter().all(|answer| id(answer) == id(&answers[0])));

    let other = api
        .submit(&quick("https://example.com/b.png"), Some("key"))
        .await;
    assert_eq!(
        (other.status, other.code()),
        (StatusCode::CONFLICT, "idempotency_key_reused".into())
    );
    assert_ne!(
        api.job(&body).await,
        id(&answers[0]),
        "without a key every submission is its own"
    );
    let long = "k".repeat(256);
    assert_eq!(
        api.submit(&body, Some(&long)).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn job_can_be_cancelled() {
    let folder = tempdir().expect("a folder");
    let queued = tempdir().expect("a folder");
    let (_idle, api) = start(idle(&queued)).await;
    let job = api.job(&quick("https://example.com/a.png")).await;
    assert_eq!(api.poll(&job).await["status"], "queued");
    let answer = api.cancel(&job).await;
    assert_eq!(
        (answer.status, &answer.json()["charged"]),
        (StatusCode::OK, &json!(false))
    );
    assert_eq!(api.poll(&job).await["status"], "cancelled");
    assert_eq!(
        api.cancel(&job).await.status,
        StatusCode::OK,
        "a second cancellation succeeds"
    );
    assert_eq!(api.cancel("unknown").await.status, StatusCode::NOT_FOUND);

    let fetcher: Option<Arc<dyn FetchPicture>> = Some(Arc::new(PendingFetch));
    let (_practice, api) = start(Settings {
        fetcher,
        ..settings(&folder)
    })
    .await;
    let job = api.job(&quick("https://example.com/a.png")).await;
    api.until(&job, "running").await;
    assert_eq!(api.cancel(&job).await.json()["status"], "cancelled");

    // The renderer is free again, and the ended job stays unchanged.
    let picture = api.picture(&png()).await;
    let done = api.job(&quick(&picture)).await;
    api.until(&done, "succeeded").await;
    let answer = api.cancel(&done).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::CONFLICT, "already_ended".into())
    );
}

/// A fetch that never ends.
struct PendingFetch;

impl FetchPicture for PendingFetch {
    fn fetch(&self, _: String, _: usize) -> BoxFuture<'_, Result<Bytes, String>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn jobs_and_uploads_need_the_key() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(idle(&folder)).await;
    let picture = api.picture(&png()).await;
    let job = api.job(&quick(&picture)).await;
    let cancel = format!("/v1/jobs/{job}/cancel");
    let poll = format!("/v1/jobs/{job}");
    let calls = [
        ("POST", "/v1/jobs"),
        ("GET", &poll),
        ("POST", &cancel),
        ("POST", "/v1/files"),
    ];
    let keys = [
        None,
        Some("Bearer wrong".to_owned()),
        Some(format!("Basic {}", api.key)),
    ];
    for (method, path) in calls {
        for key in &keys {
            let headers: Vec<_> = key
                .iter()
                .map(|key| ("authorization", key.as_str()))
                .collect();
            let answer = api.send(method, path, &headers, "{}").await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(answer.code(), "unauthorized");
        }
    }
    assert_eq!(api.poll(&job).await["status"], "queued");
    // Pictures and the start page need no key.
    let answer = api.get(&picture, &[]).await;
    assert_eq!(answer.header("content-type"), "image/png");
    assert_eq!(answer.body, png());
    let about = api.get("/", &[]).await;
    assert!(String::from_utf8_lossy(&about.body).contains("not made by an AI model"));
}

#[tokio::test]
async fn clip_is_read_in_ranges() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(settings(&folder)).await;
    let picture = api.picture(&png()).await;
    let job = api.job(&quick(&picture)).await;
    let clip = api.clip(&job).await;
    let path = format!("/v1/clips/{job}.mp4");
    let whole = api.get(&path, &[]).await;
    let tag = whole.header("etag").to_owned();
    assert_eq!(whole.header("accept-ranges"), "bytes");

    let part = api.get(&path, &[("range", "bytes=10-19")]).await;
    assert_eq!(
        (part.status, &part.body[..]),
        (StatusCode::PARTIAL_CONTENT, &clip[10..20])
    );
    assert_eq!(
        part.header("content-range"),
        format!("bytes 10-19/{}", clip.len())
    );
    let end = api
        .get(&path, &[("range", "bytes=-5"), ("if-range", &tag)])
        .await;
    assert_eq!(end.body, clip[clip.len() - 5..]);
    let other = api
        .get(&path, &[("range", "bytes=-5"), ("if-range", "\"other\"")])
        .await;
    assert_eq!(
        (other.status, other.body.len()),
        (StatusCode::OK, clip.len())
    );
    let beyond = api.get(&path, &[("range", "bytes=99999999-")]).await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(
        beyond.header("content-range"),
        format!("bytes */{}", clip.len())
    );
    let known = api.get(&path, &[("if-none-match", &tag)]).await;
    assert_eq!(
        (known.status, known.body.len()),
        (StatusCode::NOT_MODIFIED, 0)
    );
    let head = api.send("HEAD", &path, &[], "").await;
    assert_eq!(
        (head.body.len(), head.header("content-length")),
        (0, &*clip.len().to_string())
    );
}

#[tokio::test]
async fn invalid_request_is_refused_in_json() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(idle(&folder)).await;
    let big = "a".repeat(46 << 20);
    let unknown = json!({"action": "text_to_video", "input": {}}).to_string();
    let no_prompt = json!({"action": "image_to_video", "input": {"image": "a"}}).to_string();
    let cases = [
        ("POST", "/v1/jobs", "[]", 400, "invalid_request"),
        ("POST", "/v1/jobs", "{", 400, "invalid_json"),
        ("POST", "/v1/jobs", &unknown, 422, "unknown_action"),
        ("POST", "/v1/jobs", &no_prompt, 422, "invalid_input"),
        ("POST", "/v1/jobs", &big, 413, "too_large"),
        ("POST", "/v1/files", "no form", 400, "invalid_request"),
        ("GET", "/v1/jobs", "", 405, "method_not_allowed"),
        ("GET", "/v1/jobs/unknown", "", 404, "unknown_job"),
        ("GET", "/v1/clips/unknown.mp4", "", 404, "not_found"),
        ("GET", "/v1/files/..%2Fkey", "", 404, "not_found"),
        ("GET", "/v2", "", 404, "not_found"),
    ];
    for (method, path, body, status, code) in cases {
        let answer = api.call(method, path, body.to_owned()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (status, code),
            "{path}"
        );
        assert_eq!(answer.header("x-practice-render"), "true");
    }
    for (part, file, status) in [
        (
            "file",
            b"GIF89a".to_vec(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        ("picture", png(), StatusCode::BAD_REQUEST),
        (
            "file",
            [png(), vec![0; 32 << 20]].concat(),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
    ] {
        assert_eq!(api.upload(part, &file).await.status, status);
    }
}

#[tokio::test]
async fn full_queue_replies_with_retry_after() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(Settings {
        max_queued: 2,
        ..idle(&folder)
    })
    .await;
    let body = quick("https://example.com/a.png");
    let first = api.submit(&body, Some("key")).await;
    api.job(&body).await;
    let full = api.submit(&body, None).await;
    assert_eq!(
        (full.status, full.header("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, "1")
    );
    assert_eq!(full.code(), "too_many_jobs");
    assert_eq!(api.submit(&body, Some("key")).await.status, StatusCode::OK);
    api.cancel(&id(&first)).await;
    api.job(&body).await;
}
