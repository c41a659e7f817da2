//! Measures how many jobs the practice provider handles in its instant mode, with a client in the
//! same process.
//!
//! `cargo run -p zoetrope-emulator --example load [JOBS]`

#![expect(clippy::print_stdout, reason = "the example prints its measurements")]

use std::error::Error;
use std::future::ready;
use std::time::{Duration, Instant};

use axum::http::Request;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use zoetrope_emulator::{Practice, Settings};

type Failure = Box<dyn Error + Send + Sync>;

/// Concurrent requests.
const AT_ONCE: usize = 64;

struct Api {
    base_url: String,
    key: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Api {
    async fn call(&self, method: &str, path: &str, body: String) -> Result<Value, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base_url))
            .header("authorization", format!("Bearer {}", self.key))
            .body(Full::new(body.into()))?;
        let reply = self.client.request(request).await?;
        let body = reply.into_body().collect().await?.to_bytes();
        Ok(serde_json::from_slice(&body)?)
    }

    async fn submit(&self) -> Result<String, Failure> {
        let body = json!({"action": "image_to_video_v3", "input": {
            "prompt": "zoom in", "image": "https://example.com/a.png",
        }});
        let job = self.call("POST", "/v1/jobs", body.to_string()).await?;
        Ok(job["id"].as_str().ok_or("no id")?.to_owned())
    }

    async fn poll(&self, id: &str) -> Result<Value, Failure> {
        let path = format!("/v1/jobs/{id}");
        self.call("GET", &path, String::new()).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let jobs = std::env::args().nth(1).map_or(Ok(10_000), |n| n.parse())?;
    let folder = std::env::temp_dir().join(format!("practice-load-{}", std::process::id()));
    let mut settings = Settings::new(&folder);
    settings.instant = true;
    // Long enough that all are submitted and polled before the first ends.
    settings.queue_time = Duration::from_secs(5);
    let practice = Practice::start(settings).await?;
    let api = Api {
        base_url: practice.base_url(),
        key: practice.api_key().to_owned(),
        client: Client::builder(TokioExecutor::new()).build_http(),
    };

    let begun = Instant::now();
    let submits = stream::iter(0..jobs).map(|_: usize| api.submit());
    let ids: Vec<String> = submits.buffer_unordered(AT_ONCE).try_collect().await?;
    report("submits", jobs, begun);

    let begun = Instant::now();
    let concurrent_polls = stream::iter(&ids).map(|id| api.poll(id));
    let _: Vec<Value> = concurrent_polls
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    report("polls", jobs, begun);

    let begun = Instant::now();
    while practice.billing().totals.charged < jobs as u64 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("all had ended {:.1} s later", begun.elapsed().as_secs_f64());
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let memory = status.lines().filter(|line| line.starts_with("VmHWM"));
        memory.for_each(|line| println!("{line} (server and client)"));
    }
    let clips = stream::iter(&ids).map(|id| api.poll(id));
    let ended = clips
        .buffer_unordered(AT_ONCE)
        .try_filter(|job| ready(job["charged"] == true));
    assert_eq!(ended.try_collect::<Vec<_>>().await?.len(), jobs);
    practice.shutdown().await;

    let begun = Instant::now();
    let mut settings = Settings::new(&folder);
    settings.instant = true;
    let practice = Practice::start(settings).await?;
    println!(
        "started again on {jobs} jobs in {:.2} s",
        begun.elapsed().as_secs_f64()
    );
    practice.shutdown().await;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a rate is read by people")]
fn report(what: &str, count: usize, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{count} {what} in {seconds:.2} s: {:.0} a second",
        count as f64 / seconds
    );
}
