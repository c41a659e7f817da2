//! The wire `agenticflow`, without faults.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::tempdir;
use zoetrope_emulator::Settings;

use crate::instant::instant;
use crate::support::mp4::Clip;
use crate::support::{Answer, Api, DEADLINE, idle, png, restart, settings, start};

const RUNS: &str = "/v1/workflow_runs/";

fn body(more: &Value) -> Value {
    let image = format!("data:image/png;base64,{}", STANDARD.encode(png()));
    let mut input = json!({"prompt": "pan left", "image": image});
    for (key, value) in more.as_object().expect("an object") {
        input[key] = value.clone();
    }
    json!({"workflow_id": "any", "input": input, "response_type": "queue"})
}

async fn create(api: &Api, body: &Value) -> Value {
    let answer = api.call("POST", RUNS, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()
}

fn path(run: &Value) -> String {
    format!("{RUNS}{}", run["id"].as_str().expect("an id"))
}

async fn ask(api: &Api, path: &str) -> Answer {
    api.call("GET", path, "").await
}

/// Polls until the run has ended; its document.
async fn end(api: &Api, path: &str) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let run = ask(api, path).await.json();
        if !run["completed_at"].is_null() {
            return run;
        }
        let status = run["status"].as_str().expect("a status");
        assert!(["queued", "running"].contains(&status), "{run}");
        assert!(Instant::now() < deadline, "{run}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn run_of_a_workflow_becomes_a_clip() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(Settings {
        queue_time: Duration::from_millis(300),
        ..settings(&folder)
    })
    .await;
    let body = body(&json!({"frame_rate": 1}));
    let run = create(&api, &body).await;
    assert_eq!(run["status"], "created");
    assert_eq!(run["workflow_id"], "any");
    assert_eq!(run["input"], body["input"]);
    assert!(run["operation_cost"].is_null() && run["output"].is_null());
    let ended = end(&api, &path(&run)).await;
    assert_eq!(
        (&ended["status"], &ended["operation_cost"]),
        (&json!("success"), &json!(10))
    );
    let node = &ended["state"]["nodes_state"][0];
    assert_eq!(
        (&node["node_name"], &node["status"], &node["output"]),
        (
            &json!("image_to_video_v3"),
            &json!("success"),
            &ended["output"]
        )
    );
    let url = ended["output"]["video"].as_str().expect("a URL");
    let clip = Clip::read(&api.get(url, &[]).await.body);
    assert_eq!(clip.samples.len(), 4);
    let totals = practice.billing().totals;
    assert_eq!((totals.created, totals.charged), (1, 1));
}

#[tokio::test]
async fn failed_run_names_its_node_and_costs_nothing() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(settings(&folder)).await;
    // There is no fetcher for pictures of other servers.
    let mut body = body(&json!({}));
    body["input"]["image"] = json!("https://example.com/a.png");
    let run = create(&api, &body).await;
    let ended = end(&api, &path(&run)).await;
    assert_eq!(
        (&ended["status"], &ended["operation_cost"]),
        (&json!("failed"), &json!(0))
    );
    let state = &ended["state"];
    assert_eq!(state["error"]["code"], "node_failed");
    assert_eq!(state["error"]["failed_node"], "image_to_video");
    let message = &state["nodes_state"][0]["error"]["message"];
    assert!(message.is_string() && *message == state["error"]["message"]);
    assert_eq!(practice.billing().totals.charged, 0);
}

#[tokio::test]
async fn path_without_its_last_slash_is_redirected() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(idle(&folder)).await;
    let run = path(&create(&api, &body(&json!({}))).await);
    let body = body(&json!({})).to_string();
    for (method, path, expected) in [
        ("POST", "/v1/workflow_runs".to_owned(), RUNS.to_owned()),
        (
            "POST",
            "/v1/workflow_runs?a=b".to_owned(),
            format!("{RUNS}?a=b"),
        ),
        ("GET", format!("{run}/"), run.clone()),
    ] {
        let answer = api.call(method, &path, body.clone()).await;
        assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT, "{path}");
        let expected = format!("{}{expected}", api.base_url);
        assert_eq!(answer.header("location"), expected);
    }
    assert_eq!(practice.billing().totals.created, 1);
}

#[tokio::test]
async fn errors_have_a_detail() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(Settings {
        max_queued: 0,
        ..idle(&folder)
    })
    .await;
    for (body, loc, kind) in [
        ("{".to_owned(), json!(["body", 1]), "json_invalid"),
        ("[]".to_owned(), json!(["body"]), "model_attributes_type"),
        ("{}".to_owned(), json!(["body", "workflow_id"]), "missing"),
        (
            json!({"workflow_id": "w", "input": {"prompt": ""}}).to_string(),
            json!(["body", "input", "image"]),
            "missing",
        ),
        (
            body(&json!({"frame_rate": 31})).to_string(),
            json!(["body", "input", "frame_rate"]),
            "value_error",
        ),
    ] {
        let answer = api.call("POST", RUNS, body.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let detail = answer.json()["detail"][0].take();
        assert_eq!((&detail["loc"], &detail["type"]), (&loc, &json!(kind)));
        assert!(detail["msg"].is_string(), "{detail}");
    }
    let full = api.call("POST", RUNS, body(&json!({})).to_string()).await;
    assert_eq!(full.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(full.header("retry-after"), "1");
    let large = api.call("POST", RUNS, "a".repeat(2 << 20)).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    let unknown = ask(&api, &format!("{RUNS}nothing")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let without_key = api.get(&format!("{RUNS}nothing"), &[]).await;
    assert_eq!(without_key.status, StatusCode::UNAUTHORIZED);
    for answer in [full, large, unknown, without_key] {
        assert!(answer.json()["detail"].is_string(), "{}", answer.status);
    }
    assert_eq!(practice.billing().totals.created, 0);
}

#[tokio::test]
async fn run_survives_a_restart_and_is_unknown_to_other_protocols() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(idle(&folder)).await;
    let body = body(&json!({}));
    let run = create(&api, &body).await;
    let id = run["id"].as_str().expect("an id").to_owned();
    practice.shutdown().await;
    let (_practice, api) = restart(instant(settings(&folder))).await;
    let ended = end(&api, &path(&run)).await;
    assert_eq!(
        (&ended["status"], &ended["input"]),
        (&json!("success"), &body["input"])
    );
    for other in [format!("/v1/jobs/{id}"), format!("/popiart/v1/jobs/{id}")] {
        assert_eq!(ask(&api, &other).await.status, StatusCode::NOT_FOUND);
    }
    let other = ask(&api, &format!("/api/v1/job/query?id={id}")).await;
    assert_eq!(other.json()["code"], 404);
}
