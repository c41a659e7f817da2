//! The wire of `PopiArt`, without faults.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use image::RgbImage;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::instant::instant;
use crate::support::frames::decode;
use crate::support::mp4::Clip;
use crate::support::{Answer, Api, DEADLINE, idle, png, quick, restart, settings, start};

const JOBS: &str = "/popiart/v1/jobs";
const IMAGE_TO_VIDEO: &str = "popiskill-video-image2video-basic-v1";
const IMAGE_TO_IMAGE: &str = "popiskill-image-img2img-basic-v1";

fn body(skill: &str, input: &Value) -> Value {
    json!({"skill_id": skill, "input": input, "priority": "normal"})
}

fn data(answer: &Answer) -> Value {
    let reply = answer.json();
    assert_eq!(reply["ok"], true, "{reply}");
    reply["data"].clone()
}

async fn submit(api: &Api, body: &Value) -> String {
    let answer = api.call("POST", JOBS, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
    let job = data(&answer);
    assert_eq!(job["input"], body["input"]);
    assert_eq!(job["skill_id"], body["skill_id"]);
    job["job_id"].as_str().expect("an id").to_owned()
}

async fn ask(api: &Api, path: &str) -> Value {
    let answer = api.call("GET", &format!("/popiart/v1{path}"), "").await;
    assert_eq!(answer.status, StatusCode::OK);
    data(&answer)
}

/// Polls until the job has this status.
async fn until(api: &Api, job: &str, status: &str) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let job = ask(api, &format!("/jobs/{job}")).await;
        if job["status"] == status {
            return job;
        }
        let is_over = job["finished_at"].is_string() || Instant::now() > deadline;
        assert!(!is_over, "waiting for {status}: {job}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for a job's artifact.
async fn artifact(api: &Api, job: &str) -> Value {
    let done = until(api, job, "done").await;
    let items = ask(api, &format!("/jobs/{job}/artifacts")).await;
    let item = items["items"][0].clone();
    assert_eq!(done["artifact_ids"], json!([item["id"]]));
    let id = item["id"].as_str().expect("an id");
    assert_eq!(ask(api, &format!("/artifacts/{id}")).await, item);
    item
}

fn content(artifact: &Value) -> String {
    let id = artifact["id"].as_str().expect("an id");
    format!("/popiart/v1/artifacts/{id}/content")
}

async fn upload(api: &Api) -> Value {
    let answer = api
        .upload_to("/popiart/v1/artifacts/upload", "file", &png())
        .await;
    assert_eq!(answer.status, StatusCode::CREATED);
    data(&answer)
}

fn pixels(file: &[u8]) -> RgbImage {
    image::load_from_memory(file).expect("a picture").to_rgb8()
}

#[tokio::test]
async fn uploaded_picture_becomes_a_clip_that_needs_the_key() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(settings(&folder)).await;
    let source = upload(&api).await;
    let url = source["url"].as_str().expect("a URL");
    assert_eq!(api.get(url, &[]).await.body, png());
    assert_eq!(source["size_bytes"], png().len());
    let input = json!({
        "source_artifact_id": source["id"], "image_url": "nothing", "prompt": "the hair moves",
        "camera_motion": "slow push-in", "duration_s": 5, "fps": 2, "seed": 42,
    });
    let job = submit(&api, &body(IMAGE_TO_VIDEO, &input)).await;
    let clip = artifact(&api, &job).await;
    assert_eq!(
        (clip.get("url"), &clip["content_type"]),
        (None, &json!("video/mp4"))
    );
    let path = content(&clip);
    for path in [&path, &format!("/v1/clips/{job}.mp4")] {
        let answer = api.get(path, &[]).await;
        assert!(answer.status.is_client_error(), "{path}");
    }
    let file = api.call("GET", &path, "").await;
    assert_eq!(clip["size_bytes"], file.body.len());
    let read = Clip::read(&file.body);
    assert_eq!((read.size, read.samples.len()), ((1080, 720), 10));
    assert_eq!(decode(&read, &file.body).len(), 10);
    assert_eq!(read.durations.iter().sum::<u32>(), 5 * read.timescale);
    assert_eq!(practice.billing().totals.charged, 1);

    let done = ask(&api, &format!("/jobs/{job}")).await;
    for field in ["created_at", "started_at", "finished_at"] {
        let time = done[field].as_str().expect("a text");
        time.parse::<Timestamp>().expect("a time");
    }
}

#[tokio::test]
async fn clip_has_the_requested_length_and_aspect() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(settings(&folder)).await;
    let source = upload(&api).await;
    let input = json!({
        "reference_image_url": source["url"], "seconds": 6.5, "fps": 4, "aspect_ratio": "9:16",
    });
    let job = submit(&api, &body(IMAGE_TO_VIDEO, &input)).await;
    let clip = artifact(&api, &job).await;
    let read = Clip::read(&api.call("GET", &content(&clip), "").await.body);
    assert_eq!((read.size, read.samples.len()), ((720, 1280), 26));
    assert_eq!(2 * read.durations.iter().sum::<u32>(), 13 * read.timescale);
}

#[tokio::test]
async fn picture_is_redrawn_with_the_requested_strength() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(settings(&folder)).await;
    let source = upload(&api).await;
    let mut differences = Vec::new();
    for strength in [0.0, 0.2, 1.0] {
        let input = json!({
            "prompt": "convert this into a watercolor illustration",
            "source_artifact_id": source["id"], "strength": strength,
        });
        let job = submit(&api, &body(IMAGE_TO_IMAGE, &input)).await;
        let picture = artifact(&api, &job).await;
        assert_eq!(picture["job_id"], json!(job));
        assert!(picture["media_id"].is_string());
        let file = api.get(picture["url"].as_str().expect("a URL"), &[]).await;
        assert_eq!(file.header("content-type"), "image/png");
        assert_eq!(file.header("etag"), picture["sha256"].to_string());
        assert_eq!(
            api.call("GET", &content(&picture), "").await.body,
            file.body
        );
        let notice = b"not made by an AI model";
        assert!(file.body.windows(notice.len()).any(|part| part == notice));
        let (one, other) = (pixels(&file.body), pixels(&png()));
        assert_eq!(one.dimensions(), other.dimensions());
        let pairs = one.iter().zip(other.iter());
        differences.push(
            pairs
                .map(|(one, other)| u64::from(one.abs_diff(*other)))
                .sum::<u64>(),
        );
    }
    assert_eq!(differences[0], 0);
    assert!(
        0 < differences[1] && 3 * differences[1] < differences[2],
        "{differences:?}"
    );
}

#[tokio::test]
async fn redrawn_picture_becomes_a_clip() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(settings(&folder)).await;
    let source = upload(&api).await;
    let input = json!({
        "prompt": "", "style": "pencil sketch", "image_url": source["url"], "aspect_ratio": "1:1",
    });
    let job = submit(&api, &body(IMAGE_TO_IMAGE, &input)).await;
    let picture = artifact(&api, &job).await;
    let there = api
        .job(&quick(picture["url"].as_str().expect("a URL")))
        .await;
    assert_eq!(Clip::read(&api.clip(&there).await).size, (720, 720));
    let input = json!({"source_artifact_id": picture["id"], "fps": 1});
    let here = submit(&api, &body(IMAGE_TO_VIDEO, &input)).await;
    artifact(&api, &here).await;
}

#[tokio::test]
async fn invalid_request_is_refused() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(idle(&folder)).await;
    let source = upload(&api).await["id"].clone();
    let video = |input: Value| body(IMAGE_TO_VIDEO, &input).to_string();
    let image = |input: Value| body(IMAGE_TO_IMAGE, &input).to_string();
    let cases = [
        ("{".to_owned(), 400, "invalid_json"),
        ("{}".to_owned(), 400, "invalid_request"),
        (body("what", &json!({})).to_string(), 422, "invalid_input"),
        (video(json!({"prompt": "pan left"})), 422, "invalid_input"),
        (
            video(json!({"source_artifact_id": source, "seconds": 4})),
            422,
            "invalid_input",
        ),
        (
            video(json!({"source_artifact_id": "art_1"})),
            422,
            "invalid_input",
        ),
        (image(json!({"prompt": "noir"})), 422, "invalid_input"),
        (
            image(json!({"source_artifact_id": source})),
            422,
            "invalid_input",
        ),
        ("a".repeat(2 << 20), 413, "too_large"),
    ];
    let expect = |answer: &Answer, status: u16, code: &str| {
        let reply = answer.json();
        assert_eq!(answer.status.as_u16(), status, "{reply}");
        assert_eq!(
            (&reply["ok"], &reply["error"]["code"]),
            (&json!(false), &json!(code))
        );
        assert!(reply["error"]["message"].is_string() && reply["error"]["details"].is_object());
    };
    for (body, status, code) in cases {
        expect(&api.call("POST", JOBS, body).await, status, code);
    }
    let job = format!("{JOBS}/{}", "0".repeat(32));
    let unknown = format!("/popiart/v1/artifacts/art_png_{}", "0".repeat(64));
    for (path, code) in [
        (job.clone(), "unknown_job"),
        (format!("{job}/artifacts"), "unknown_job"),
        (unknown.clone(), "unknown_artifact"),
        (format!("{unknown}/content"), "not_found"),
    ] {
        expect(&api.call("GET", &path, "").await, 404, code);
        expect(&api.get(&path, &[]).await, 401, "unauthorized");
    }
}

#[tokio::test]
async fn job_can_be_cancelled() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(idle(&folder)).await;
    let input = json!({"image_url": "https://example.com/a.png"});
    let job = submit(&api, &body(IMAGE_TO_VIDEO, &input)).await;
    assert_eq!(
        ask(&api, &format!("/jobs/{job}")).await["status"],
        "pending"
    );
    let path = format!("{JOBS}/{job}/cancel");
    for _ in 0..2 {
        let answer = api.call("POST", &path, "").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(data(&answer)["status"], "cancelled");
    }
    let items = ask(&api, &format!("/jobs/{job}/artifacts")).await;
    assert_eq!(items, json!({"items": []}));
    assert_eq!(practice.billing().totals.charged, 0);
    drop(practice);

    let (_practice, api) = restart(settings(&folder)).await;
    let job = submit(&api, &body(IMAGE_TO_VIDEO, &input)).await;
    let failed = until(&api, &job, "failed").await;
    assert_eq!(failed["error"]["code"], "picture_unreachable");
    let answer = api.call("POST", &format!("{JOBS}/{job}/cancel"), "").await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn one_key_makes_one_job_also_after_a_kill() {
    let folder = tempdir().expect("a folder");
    let (practice, api) = start(idle(&folder)).await;
    let source = upload(&api).await;
    let input = json!({"source_artifact_id": source["id"], "prompt": "sepia"});
    let mut keyed = body(IMAGE_TO_IMAGE, &input);
    keyed["idempotency_key"] = json!("key");
    let job = submit(&api, &keyed).await;
    let again = api.call("POST", JOBS, keyed.to_string()).await;
    assert_eq!(
        (again.status, &data(&again)["job_id"]),
        (StatusCode::OK, &json!(job))
    );
    let mut other = keyed.clone();
    other["input"]["prompt"] = json!("noir");
    let reused = api.call("POST", JOBS, other.to_string()).await;
    assert_eq!(
        (reused.status, reused.code()),
        (StatusCode::CONFLICT, "idempotency_key_reused".to_owned())
    );
    // Each protocol has its own keys.
    let there = api
        .submit(&quick("https://example.com/a.png"), Some("key"))
        .await;
    assert_eq!(there.status, StatusCode::CREATED);
    let created_at = ask(&api, &format!("/jobs/{job}")).await["created_at"].clone();
    drop(practice);

    let (practice, api) = restart(settings(&folder)).await;
    let again = api.call("POST", JOBS, keyed.to_string()).await;
    assert_eq!(
        (again.status, &data(&again)["job_id"]),
        (StatusCode::OK, &json!(job))
    );
    artifact(&api, &job).await;
    let done = ask(&api, &format!("/jobs/{job}")).await;
    assert_eq!((&done["created_at"], &done["input"]), (&created_at, &input));
    assert_eq!(practice.billing().totals.created, 2);
}

#[tokio::test]
async fn instant_mode_has_clips_and_pictures() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(instant(settings(&folder))).await;
    let input = json!({"image_url": "https://example.com/a.png", "prompt": ""});
    let clip = submit(&api, &body(IMAGE_TO_VIDEO, &input)).await;
    let clip = artifact(&api, &clip).await;
    let file = api.call("GET", &content(&clip), "").await;
    assert_eq!(Clip::read(&file.body).samples.len(), 4);
    let picture = submit(&api, &body(IMAGE_TO_IMAGE, &input)).await;
    let picture = artifact(&api, &picture).await;
    let file = api.get(picture["url"].as_str().expect("a URL"), &[]).await;
    assert_eq!(pixels(&file.body).dimensions(), (16, 16));
}
