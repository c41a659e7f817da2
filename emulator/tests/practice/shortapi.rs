//! The wire of `ShortAPI`, without faults.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join;
use serde_json::{Value, json};
use tempfile::tempdir;
use zoetrope_emulator::Settings;

use crate::instant::instant;
use crate::support::frames::decode;
use crate::support::mp4::Clip;
use crate::support::{Answer, Api, DEADLINE, faulty, idle, png, quick, restart, settings, start};

const CREATE: &str = "/api/v1/job/create";

fn body(image: &str, aspect_ratio: Option<&str>) -> Value {
    let mut args = json!({"prompt": "pan left", "image": image});
    if let Some(aspect_ratio) = aspect_ratio {
        args["aspect_ratio"] = json!(aspect_ratio);
    }
    json!({
        "model": "shortapi/poppy-v1.0/image-to-video",
        "args": args,
        "callback_url": "CALLBACK_URL",
    })
}

async fn create(api: &Api, body: &Value) -> String {
    let answer = api.call("POST", CREATE, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let reply = answer.json();
    assert_eq!(
        (&reply["code"], &reply["data"]["amount"]),
        (&json!(0), &json!("0.192"))
    );
    reply["data"]["job_id"].as_str().expect("an id").to_owned()
}

async fn ask(api: &Api, job: &str) -> Answer {
    let path = format!("/api/v1/job/query?id={job}");
    api.call("GET", &path, "").await
}

/// Polls until the job has ended; what its last reply holds.
async fn end(api: &Api, job: &str) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let reply = ask(api, job).await.json();
        assert_eq!(reply["code"], 0, "{reply}");
        if reply["data"]["status"].as_u64() >= Some(2) {
            return reply["data"].clone();
        }
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn video(job: &Value) -> String {
    let url = job["result"]["videos"][0]["url"].as_str();
    url.expect("a URL").to_owned()
}

#[tokio::test]
async fn base64_picture_becomes_a_clip_of_the_requested_aspect() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(settings(&folder)).await;
    let job = create(&api, &body(&STANDARD.encode(png()), Some("2:3"))).await;
    let ended = end(&api, &job).await;
    assert_eq!(
        (&ended["status"], &ended["amount"], &ended["job_id"]),
        (&json!(2), &json!("0.192"), &json!(job))
    );
    let file = api.get(&video(&ended), &[]).await;
    assert_eq!(file.header("x-practice-render"), "true");
    let clip = Clip::read(&file.body);
    assert_eq!((clip.size, clip.samples.len()), ((720, 1080), 96));
    assert_eq!(decode(&clip, &file.body).len(), 96);
    assert_eq!(clip.durations.iter().sum::<u32>(), 4 * clip.timescale);
}

#[tokio::test]
async fn errors_come_with_http_200_but_for_a_wrong_key() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(Settings {
        max_queued: 1,
        ..idle(&folder)
    })
    .await;
    let prefixed = format!("data:image/png;base64,{}", STANDARD.encode(png()));
    let mut unknown = body("https://example.com/a.png", None);
    unknown["model"] = json!("shortapi/poppy-v2.0/image-to-video");
    let cases = [
        ("{".to_owned(), 400),
        ("{}".to_owned(), 400),
        (unknown.to_string(), 400),
        (body(&prefixed, None).to_string(), 400),
        (
            body("https://example.com/a.png", Some("3:4")).to_string(),
            400,
        ),
        ("a".repeat(46 << 20), 413),
    ];
    let expect = |answer: &Answer, code: u16| {
        assert_eq!(answer.status, StatusCode::OK);
        let reply = answer.json();
        assert_eq!(reply["code"], code, "{reply}");
        assert!(reply["info"].is_string() && reply.get("data").is_none());
        assert_eq!(answer.header("content-type"), "application/json");
    };
    for (body, code) in cases {
        expect(&api.call("POST", CREATE, body).await, code);
    }
    expect(&ask(&api, "unknown").await, 404);
    expect(&api.call("GET", "/api/v1/job/query", "").await, 404);

    let good = body("https://example.com/a.png", None);
    create(&api, &good).await;
    let full = api.call("POST", CREATE, good.to_string()).await;
    expect(&full, 429);
    assert_eq!(full.header("retry-after"), "1");

    let answer = api.get("/api/v1/job/query?id=unknown", &[]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json()["code"], 401);
}

#[tokio::test]
async fn idempotency_key_is_ignored() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(idle(&folder)).await;
    let body = body("https://example.com/a.png", None).to_string();
    let key = format!("Bearer {}", api.key);
    let headers = [("authorization", key.as_str()), ("idempotency-key", "one")];
    for _ in 0..2 {
        let answer = api.send("POST", CREATE, &headers, body.clone()).await;
        assert_eq!(answer.json()["code"], 0);
    }
    let billing = practice.billing();
    assert_eq!((billing.totals.created, billing.totals.replayed), (2, 0));
    assert!(billing.jobs.iter().all(|job| job.key.is_none()));
}

#[tokio::test]
async fn failed_job_is_refunded() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(settings(&folder)).await;
    let job = create(&api, &body("https://example.com/a.png", None)).await;
    let failed = end(&api, &job).await;
    assert_eq!(
        (&failed["status"], &failed["refunded"]),
        (&json!(3), &json!(true))
    );
    assert!(failed["error"].is_string() && failed.get("result").is_none());
    assert_eq!(practice.billing().totals.charged, 0);
}

#[tokio::test]
async fn killed_job_is_rendered_after_restart() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(idle(&folder)).await;
    let job = create(&api, &body(&STANDARD.encode(png()), Some("1:1"))).await;
    assert_eq!(ask(&api, &job).await.json()["data"]["status"], 0);
    drop(practice);
    let (practice, api) = restart(settings(&folder)).await;
    let clip = api.get(&video(&end(&api, &job).await), &[]).await;
    assert_eq!(Clip::read(&clip.body).size, (720, 720));
    assert_eq!(practice.billing().totals.created, 1);
}

#[tokio::test]
async fn job_of_another_protocol_is_unknown() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(idle(&folder)).await;
    let here = create(&api, &body("https://example.com/a.png", None)).await;
    let there = api.job(&quick("https://example.com/a.png")).await;
    assert_eq!(ask(&api, &there).await.json()["code"], 404);
    assert_eq!(api.cancel(&here).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(&api, &here).await.json()["data"]["status"], 0);
}

#[tokio::test]
async fn expired_url_is_replaced_after_the_next_query() {
    let folder = tempdir().expect("a folder");
    let rules = json!([{"path": "/v1/clips/*", "times": 1, "expired": true}]);
    let (_practice, api) = start(instant(faulty(settings(&folder), &rules))).await;
    let job = create(&api, &body("https://example.com/a.png", None)).await;
    let first = video(&end(&api, &job).await);
    let dead = api.get(&first, &[]).await;
    assert_eq!(dead.status, StatusCode::FORBIDDEN);
    let fresh = video(&end(&api, &job).await);
    assert_ne!(fresh, first);
    assert_eq!(api.get(&fresh, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn queries_are_counted_for_each_job() {
    let folder = tempdir().expect("a folder");
    // Each job's queries are slow from the second on, so that they overlap.
    let rules = json!([
        {"path": "/api/v1/job/query", "count_by": "path", "from": 2, "delay_ms": 500},
    ]);
    let (practice, api) = start(faulty(idle(&folder), &rules)).await;
    let body = body("https://example.com/a.png", None);
    let (one, other) = (create(&api, &body).await, create(&api, &body).await);
    join(ask(&api, &one), ask(&api, &other)).await;
    assert_eq!(practice.billing().most_polls_at_once_for_one_job, 1);
    join(ask(&api, &one), ask(&api, &one)).await;
    assert_eq!(practice.billing().most_polls_at_once_for_one_job, 2);
}
