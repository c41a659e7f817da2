//! Faults in the form of a reply: charset, content coding, place and form of a value.

use std::io::Read as _;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use url::Url;
use zoetrope_emulator::Practice;

use crate::instant::instant;
use crate::support::{Api, DEADLINE, faulty, id, idle, quick, settings, start};

async fn with(folder: &TempDir, rules: &Value) -> (Practice, Api) {
    start(instant(faulty(settings(folder), rules))).await
}

/// The reply to the poll of a new job that has succeeded, and the URL of that poll.
async fn ended(api: &Api) -> (Value, Url) {
    let job = id(&api.submit(&quick("https://example.com/a.png"), None).await);
    let path = format!("/v1/jobs/{job}");
    let deadline = Instant::now() + DEADLINE;
    loop {
        let reply = api.call("GET", &path, "").await.json();
        if reply["charged"] == true {
            let url = format!("{}{path}", api.base_url);
            return (reply, url.parse().expect("a URL"));
        }
        assert!(Instant::now() < deadline, "{reply}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The clip that every job gets.
async fn clip(api: &Api) -> Vec<u8> {
    let job = api.job(&quick("https://example.com/a.png")).await;
    let path = format!("/v1/clips/{job}.mp4");
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = api.get(&path, &[]).await;
        if answer.status == StatusCode::OK {
            return answer.body.to_vec();
        }
        assert!(Instant::now() < deadline, "{}", answer.status);
    }
}

#[tokio::test]
async fn relative_url_is_served_where_it_leads_without_the_key() {
    for form in ["path", "name", "scheme"] {
        let folder = tempdir().expect("a folder");
        let rules = json!([
            {"path": "/v1/clips/*", "from": 2, "times": 1, "status": 503},
            {"method": "GET", "path": "/v1/jobs/{id}", "relative_urls": form},
        ]);
        let (_practice, api) = with(&folder, &rules).await;
        let (reply, polled) = ended(&api).await;
        let video = reply["output"]["video"].as_str().expect("a URL");
        assert!(!video.starts_with("http"), "{video}");
        let url = polled.join(video).expect("a URL");
        let whole = api.get(url.as_str(), &[]).await;
        assert_eq!(whole.status, StatusCode::OK, "{url}");
        assert_eq!(whole.header("content-type"), "video/mp4");
        // The rules of the usual path apply.
        assert_eq!(api.get(url.as_str(), &[]).await.status.as_u16(), 503);
        let part = api.get(url.as_str(), &[("range", "bytes=4-")]).await;
        assert_eq!(part.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.body, whole.body.slice(4..));
        let unknown = url.join("0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f.mp4");
        let unknown = api.get(unknown.expect("a URL").as_str(), &[]).await;
        assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn clip_without_a_relative_url_needs_its_own_path() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = with(&folder, &json!([])).await;
    clip(&api).await;
    let job = api.job(&quick("https://example.com/a.png")).await;
    let elsewhere = api.get(&format!("/files/{job}.mp4"), &[]).await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn clip_stands_inside_the_reply_or_has_several_urls() {
    for (rule, prefix) in [
        (json!({"inline_clip": "data_url"}), "data:video/mp4;base64,"),
        (json!({"inline_clip": "base64"}), ""),
    ] {
        let folder = tempdir().expect("a folder");
        let (_practice, api) = with(&folder, &json!([rule])).await;
        let (reply, _) = ended(&api).await;
        let video = reply["output"]["video"].as_str().expect("a text");
        let base64 = video.strip_prefix(prefix).expect("a prefix");
        let bytes = STANDARD.decode(base64).expect("base64");
        assert_eq!(bytes, clip(&api).await);
    }
    let folder = tempdir().expect("a folder");
    let (_practice, api) = with(&folder, &json!([{"several_clips": 3}])).await;
    let (reply, _) = ended(&api).await;
    let urls = reply["output"]["video"].as_array().expect("a list");
    assert_eq!(urls.len(), 3);
    let first = clip(&api).await;
    for url in urls {
        let url = url.as_str().expect("a URL");
        assert_eq!(api.get(url, &[]).await.body, first, "{url}");
    }
    assert_ne!(urls[0], urls[1]);
}

#[tokio::test]
async fn job_and_artifact_of_popiart_get_a_url() {
    let folder = tempdir().expect("a folder");
    let rules = json!([{
        "method": "GET", "path": ["/popiart/v1/jobs/{id}", "/popiart/v1/artifacts/{id}"],
        "relative_urls": "path", "move": {"/data/url": "/data/url/0/href"},
    }]);
    let (_practice, api) = with(&folder, &rules).await;
    let body = json!({
        "skill_id": "popiskill-video-image2video-basic-v1",
        "input": {"image_url": "https://example.com/a.png"},
    });
    let job = api
        .call("POST", "/popiart/v1/jobs", body.to_string())
        .await
        .json();
    let job = job["data"]["job_id"].as_str().expect("an id");
    let path = format!("/popiart/v1/jobs/{job}");
    let deadline = Instant::now() + DEADLINE;
    let done = loop {
        let reply = api.call("GET", &path, "").await.json();
        if reply["data"]["status"] == "done" {
            break reply;
        }
        assert!(reply["data"].get("url").is_none(), "{reply}");
        assert!(Instant::now() < deadline, "{reply}");
    };
    let id = done["data"]["artifact_ids"][0].as_str();
    let id = id.expect("an id").to_owned();
    let path = format!("/popiart/v1/artifacts/{id}");
    let artifact = api.call("GET", &path, "").await.json();
    for reply in [artifact, done] {
        let url = reply["data"]["url"][0]["href"].as_str().expect("a URL");
        assert_eq!(url, format!("/files/{job}.mp4"));
        assert_eq!(api.get(url, &[]).await.body, clip(&api).await);
    }
}

#[tokio::test]
async fn json_is_sent_in_another_charset_and_clips_stay() {
    for (charset, start_of_body, content_type) in [
        ("utf-8-bom", &b"\xef\xbb\xbf{"[..], "application/json"),
        ("utf-16le-bom", b"\xff\xfe{\0", "application/json"),
        ("utf-16be-bom", b"\xfe\xff\0{", "application/json"),
        ("utf-16le", b"{\0", "application/json; charset=utf-16le"),
        ("utf-16be", b"\0{", "application/json; charset=utf-16be"),
    ] {
        let folder = tempdir().expect("a folder");
        let rules = json!([
            {"method": "POST", "path": "/v1/jobs", "charset": charset, "times": 1},
            {"path": "/v1/clips/*", "charset": charset},
        ]);
        let (_practice, api) = with(&folder, &rules).await;
        let answer = api.submit(&quick("https://example.com/a.png"), None).await;
        assert_eq!(answer.header("content-type"), content_type);
        let length = answer.body.len().to_string();
        assert_eq!(answer.header("content-length"), length);
        assert!(answer.body.starts_with(start_of_body), "{charset}");
        assert!(clip(&api).await[4..].starts_with(b"ftyp"), "{charset}");
    }
}

#[tokio::test]
async fn encoded_clip_is_whole_whatever_the_range() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = with(&folder, &json!([])).await;
    let expected = clip(&api).await;
    for (coding, name) in [
        (json!("gzip"), "gzip"),
        (json!("deflate"), "deflate"),
        (json!("raw_deflate"), "deflate"),
        (json!("zstd"), "zstd"),
        (json!(["gzip", "zstd"]), "gzip, zstd"),
    ] {
        let folder = tempdir().expect("a folder");
        let rules = json!([{"path": "/v1/clips/*", "encode": coding}]);
        let (_practice, api) = with(&folder, &rules).await;
        let job = api.job(&quick("https://example.com/a.png")).await;
        api.until(&job, "succeeded").await;
        let path = format!("/v1/clips/{job}.mp4");
        let answer = api.get(&path, &[("range", "bytes=9-")]).await;
        assert_eq!(answer.status, StatusCode::OK, "{coding}");
        assert_eq!(answer.header("content-encoding"), name);
        assert_eq!(answer.header("accept-ranges"), "");
        let mut decoded = Vec::new();
        let body = &answer.body[..];
        let read = match coding.as_str() {
            Some("gzip") => GzDecoder::new(body).read_to_end(&mut decoded),
            Some("deflate") => ZlibDecoder::new(body).read_to_end(&mut decoded),
            Some("raw_deflate") => DeflateDecoder::new(body).read_to_end(&mut decoded),
            Some(_) => {
                decoded = zstd::decode_all(body).expect("zstd");
                Ok(decoded.len())
            }
            None => {
                let inner = zstd::decode_all(body).expect("zstd");
                GzDecoder::new(&inner[..]).read_to_end(&mut decoded)
            }
        };
        read.expect("it decodes");
        assert_eq!(decoded, expected, "{coding}");
    }
}

#[tokio::test]
async fn submitted_job_is_named_in_a_header_alone() {
    for (named, status, header, prefix) in [
        (
            json!({"header": "Location", "value": "/v1/jobs/{id}"}),
            StatusCode::CREATED,
            "location",
            "/v1/jobs/",
        ),
        (
            json!({"header": "X-Job-Id", "value": "{id}", "status": 202}),
            StatusCode::ACCEPTED,
            "x-job-id",
            "",
        ),
    ] {
        let folder = tempdir().expect("a folder");
        let rules = json!([{"method": "POST", "path": "/v1/jobs", "id_in_header": named}]);
        let (practice, api) = start(faulty(idle(&folder), &rules)).await;
        let answer = api.submit(&quick("https://example.com/a.png"), None).await;
        assert_eq!((answer.status, answer.body.len()), (status, 0));
        assert_eq!(answer.header("content-type"), "");
        let id = practice.billing().jobs[0].id;
        assert_eq!(answer.header(header), format!("{prefix}{id}"));
    }
}

#[tokio::test]
async fn words_and_places_of_a_reply_are_changed() {
    let folder = tempdir().expect("a folder");
    let rules = json!([
        {"method": "GET", "times": 1, "status_words": {"queued": "IN_QUEUE", "running": "Running"}},
        {"method": "GET", "from": 2, "times": 1, "move": {"/status": "/state/0/word"},
         "copy": {"/id": "/job/id"}, "remove": ["/message"], "set": {"/state/1": "x"}},
        {"method": "GET", "from": 3, "times": 1, "status": 404, "body_base64": "PGI+/w==",
         "content_type": "text/html"},
    ]);
    let (_practice, api) = start(faulty(idle(&folder), &rules)).await;
    let job = api.job(&quick("https://example.com/a.png")).await;
    let path = format!("/v1/jobs/{job}");
    let ask = async || api.call("GET", &path, "").await;
    assert_eq!(ask().await.json()["status"], "IN_QUEUE");
    let moved = ask().await.json();
    assert_eq!(moved["state"], json!([{"word": "queued"}, "x"]));
    assert_eq!(moved["job"]["id"], moved["id"]);
    assert!(moved.get("status").is_none() && moved.get("message").is_none());
    let page = ask().await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert_eq!(page.header("content-type"), "text/html");
    assert_eq!(page.body, b"<b>\xff"[..]);
    assert_eq!(ask().await.json()["status"], "queued");
}
