//! Helpers of the wire's tests: a client, pictures, and waiting with a deadline.

pub(crate) mod frames;
pub(crate) mod mp4;
pub(crate) mod raw;

use std::io::Cursor;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use zoetrope_emulator::{Practice, PracticeError, Settings};

/// Longer than any test takes; only a hang reaches it.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

/// A server's answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    /// The code of a rejection.
    pub(crate) fn code(&self) -> String {
        let body = self.json();
        assert!(body["error"]["message"].is_string(), "{body}");
        body["error"]["code"].as_str().expect("a code").to_owned()
    }
}

/// A client of one practice provider.
pub(crate) struct Api {
    pub(crate) base_url: String,
    pub(crate) key: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Api {
    pub(crate) fn new(base_url: String, key: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self {
            base_url,
            key: key.to_owned(),
            client,
        }
    }

    pub(crate) fn of(practice: &Practice) -> Self {
        Self::new(practice.base_url(), practice.api_key())
    }

    /// Sends a request to a path of this server, or to a whole URL.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let uri = if path.starts_with('/') {
            format!("{}{path}", self.base_url)
        } else {
            path.to_owned()
        };
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        let (parts, body) = self
            .client
            .request(request)
            .await
            .expect("an answer")
            .into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, "").await
    }

    /// Sends a request with the key.
    pub(crate) async fn call(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let key = format!("Bearer {}", self.key);
        self.send(method, path, &[("authorization", &key)], body)
            .await
    }

    pub(crate) async fn submit(&self, body: &Value, idempotency_key: Option<&str>) -> Answer {
        let key = format!("Bearer {}", self.key);
        let mut headers = vec![("authorization", key.as_str())];
        headers.extend(idempotency_key.map(|key| ("idempotency-key", key)));
        self.send("POST", "/v1/jobs", &headers, body.to_string())
            .await
    }

    /// Submits a job that is accepted; its id.
    pub(crate) async fn job(&self, body: &Value) -> String {
        let answer = self.submit(body, None).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
        id(&answer)
    }

    pub(crate) async fn poll(&self, id: &str) -> Value {
        let answer = self.call("GET", &format!("/v1/jobs/{id}"), "").await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.json()
    }

    /// Polls until the job has this status.
    pub(crate) async fn until(&self, id: &str, status: &str) -> Value {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let job = self.poll(id).await;
            if job["status"] == status {
                return job;
            }
            let is_over = job["charged"].is_boolean() || Instant::now() > deadline;
            assert!(!is_over, "waiting for {status}: {job}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for a job's clip.
    pub(crate) async fn clip(&self, id: &str) -> Bytes {
        let job = self.until(id, "succeeded").await;
        let answer = self
            .get(job["output"]["video"].as_str().expect("a URL"), &[])
            .await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.body
    }

    pub(crate) async fn cancel(&self, id: &str) -> Answer {
        self.call("POST", &format!("/v1/jobs/{id}/cancel"), "")
            .await
    }

    /// Uploads a file under the part's name.
    pub(crate) async fn upload(&self, part: &str, file: &[u8]) -> Answer {
        self.upload_to("/v1/files", part, file).await
    }

    /// Uploads a file to this path.
    pub(crate) async fn upload_to(&self, path: &str, part: &str, file: &[u8]) -> Answer {
        let mut body = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--edge\r\n\
             Content-Disposition: form-data; name=\"{part}\"; filename=\"a.png\"\r\n\
             Content-Type: image/png\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let key = format!("Bearer {}", self.key);
        let kind = "multipart/form-data; boundary=edge";
        let headers = [("authorization", key.as_str()), ("content-type", kind)];
        self.send("POST", path, &headers, body).await
    }

    /// Uploads a picture; its URL.
    pub(crate) async fn picture(&self, file: &[u8]) -> String {
        let answer = self.upload("file", file).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        answer.json()["url"].as_str().expect("a URL").to_owned()
    }
}

/// A practice provider and its client.
pub(crate) async fn start(settings: Settings) -> (Practice, Api) {
    let practice = Practice::start(settings)
        .await
        .expect("a practice provider");
    let api = Api::of(&practice);
    (practice, api)
}

/// A practice provider on the directory of one that was dropped.
pub(crate) async fn restart(settings: Settings) -> (Practice, Api) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match Practice::start(settings.clone()).await {
            Ok(practice) => {
                let api = Api::of(&practice);
                return (practice, api);
            }
            Err(error) => {
                assert!(matches!(error, PracticeError::InUse { .. }), "{error}");
                assert!(Instant::now() < deadline);
            }
        }
    }
}

/// The id in a job's reply.
pub(crate) fn id(answer: &Answer) -> String {
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// Settings over a folder, without a pause in the queue.
pub(crate) fn settings(folder: &tempfile::TempDir) -> Settings {
    Settings {
        queue_time: Duration::ZERO,
        ..Settings::new(folder.path().join("practice"))
    }
}

/// Settings under which a job stays queued for as long as any test takes.
pub(crate) fn idle(folder: &tempfile::TempDir) -> Settings {
    Settings {
        queue_time: DEADLINE * 30,
        ..settings(folder)
    }
}

/// A small PNG with a pattern.
pub(crate) fn png() -> Vec<u8> {
    let picture = RgbImage::from_fn(96, 64, |x, y| {
        let tile = u8::try_from((x / 8 + y / 8) % 2).unwrap_or(0);
        Rgb([tile * 220, 90, u8::try_from(x * 2).unwrap_or(0)])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("a PNG");
    bytes.into_inner()
}

/// A quick job: 4 frames.
pub(crate) fn quick(image: &str) -> Value {
    json!({
        "action": "image_to_video_v3",
        "input": {"prompt": "zoom in", "image": image, "frame_rate": 1, "steps": 20},
    })
}

/// Settings with these rules of a fault script.
pub(crate) fn faulty(settings: Settings, rules: &Value) -> Settings {
    let faults = json!({ "rules": rules }).to_string();
    Settings {
        faults: faults.parse().expect("a script"),
        ..settings
    }
}
