//! The example of each protocol in `docs/reference/practice-faults.md`.

use std::time::Instant;

use axum::http::StatusCode;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use zoetrope_emulator::{Practice, Settings};

use crate::instant::instant;
use crate::support::raw::exchange;
use crate::support::{Api, DEADLINE, quick, settings, start};

/// A practice provider with the script under a heading.
async fn with(folder: &TempDir, heading: &str) -> (Practice, Api) {
    let page = include_str!("../../../docs/reference/practice-faults.md");
    let (_, section) = page.split_once(&format!("\n### {heading}\n")).expect("it");
    let (_, script) = section.split_once("```json\n").expect("an example");
    let (script, _) = script.split_once("```").expect("its end");
    let faults = script.parse().expect("a script");
    start(instant(Settings {
        faults,
        ..settings(folder)
    }))
    .await
}

async fn ask(api: &Api, path: &str) -> Value {
    api.call("GET", path, "").await.json()
}

#[tokio::test]
async fn jobs() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = with(&folder, "PixelML").await;
    let body = quick("https://example.com/a.png");
    let lost = exchange(&api, "POST", "/v1/jobs", &body.to_string()).await;
    assert!(lost.pieces.is_empty());
    let job = api.job(&body).await;
    assert_eq!(practice.billing().totals.created, 2);
    assert_eq!(api.poll(&job).await["status"], "archived");
    let done = api.until(&job, "succeeded").await;
    let url = done["output"]["video"].as_str().expect("a URL");
    assert_eq!(api.get(url, &[]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn agenticflow() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = with(&folder, "AgenticFlow").await;
    let body = json!({
        "workflow_id": "w",
        "input": {"prompt": "", "image": "https://example.com/a.png"},
    });
    let create = async || {
        let answer = api.call("POST", "/v1/workflow_runs/", body.to_string());
        answer.await
    };
    let trap = create().await;
    assert_eq!(trap.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(trap.header("location"), "/v1/workflow_runs");
    assert_eq!(practice.billing().totals.created, 0);
    let run = create().await.json();
    let path = format!("/v1/workflow_runs/{}", run["id"].as_str().expect("an id"));
    assert_eq!(ask(&api, &path).await["status"], "QUEUED");
    assert!(ask(&api, &path).await.get("state").is_none());
    let deadline = Instant::now() + DEADLINE;
    let url = loop {
        let run = ask(&api, &path).await;
        if let Some(url) = run["output"]["video"].as_str() {
            break url.to_owned();
        }
        assert!(Instant::now() < deadline, "{run}");
    };
    assert_eq!(api.get(&url, &[]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn shortapi() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = with(&folder, "ShortAPI").await;
    let body = json!({
        "model": "shortapi/poppy-v1.0/image-to-video",
        "args": {"prompt": "", "image": "https://example.com/a.png"},
    });
    let create = async || {
        let answer = api.call("POST", "/api/v1/job/create", body.to_string());
        answer.await.json()
    };
    let busy = create().await;
    assert_eq!(busy["code"], 3000);
    assert_eq!(practice.billing().totals.created, 0);
    let bare = create().await;
    let job = bare["job_id"].as_str().expect("an id at the top");
    assert!(bare.get("data").is_none() && bare.get("code").is_none());
    let path = format!("/api/v1/job/query?id={job}");
    assert_eq!(ask(&api, &path).await["data"]["status"], 7);
    let refunded = ask(&api, &path).await;
    assert_eq!(refunded["data"]["refunded"], true);
    let images = ask(&api, &path).await["data"]["result"].clone();
    assert!(images["images"][0]["url"].is_string() && images.get("videos").is_none());
}

#[tokio::test]
async fn popiart() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = with(&folder, "PopiArt").await;
    let body = json!({
        "skill_id": "popiskill-video-image2video-basic-v1",
        "input": {"image_url": "https://example.com/a.png"},
        "idempotency_key": "key",
    })
    .to_string();
    let lost = exchange(&api, "POST", "/popiart/v1/jobs", &body).await;
    assert!(lost.pieces.is_empty());
    let found = api.call("POST", "/popiart/v1/jobs", body).await;
    assert_eq!(
        (found.status, practice.billing().totals.created),
        (StatusCode::OK, 1)
    );
    let job = found.json()["data"]["job_id"].clone();
    let path = format!("/popiart/v1/jobs/{}", job.as_str().expect("an id"));
    assert_eq!(ask(&api, &path).await["job_id"], job);
    assert_eq!(ask(&api, &path).await["data"]["status"], "archived");
    let deadline = Instant::now() + DEADLINE;
    let artifact = loop {
        let job = ask(&api, &path).await["data"].clone();
        if let Some(id) = job["artifact_ids"][0].as_str() {
            break format!("/popiart/v1/artifacts/{id}");
        }
        assert!(job["error"].is_null() && Instant::now() < deadline, "{job}");
    };
    let answer = api.call("GET", &artifact, "").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        ask(&api, &artifact).await["data"]["content_type"],
        "video/mp4"
    );
    let cut = exchange(&api, "GET", &format!("{artifact}/content"), "").await;
    assert_eq!(cut.answer().1.len(), 100);
    assert!(cut.announced() > 100);
}
