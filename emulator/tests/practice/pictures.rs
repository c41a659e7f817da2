//! The sources of pictures, and invalid pictures.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tempfile::tempdir;
use zoetrope_emulator::{FetchPicture, Settings};

use crate::support::mp4::Clip;
use crate::support::{png, quick, settings, start};

/// Serves one picture at one URL.
struct OnePicture(Vec<u8>);

impl FetchPicture for OnePicture {
    fn fetch(&self, url: String, max_bytes: usize) -> BoxFuture<'_, Result<Bytes, String>> {
        assert!(self.0.len() <= max_bytes);
        Box::pin(async move {
            if url == "https://example.com/a.png?b=c" {
                Ok(self.0.clone().into())
            } else {
                Err("not found".to_owned())
            }
        })
    }
}

#[tokio::test]
async fn picture_url_is_fetched_by_the_injected_client() {
    let folder = tempdir().expect("a folder");
    let fetcher: Option<Arc<dyn FetchPicture>> = Some(Arc::new(OnePicture(png())));
    let (_practice, api) = start(Settings {
        fetcher,
        ..settings(&folder)
    })
    .await;
    let job = api.job(&quick("https://example.com/a.png?b=c")).await;
    assert_eq!(Clip::read(&api.clip(&job).await).size, (1080, 720));
    let job = api.job(&quick("https://example.com/b.png")).await;
    let failed = api.until(&job, "failed").await;
    assert_eq!(failed["error"]["code"], "picture_unreachable");
}

#[tokio::test]
async fn bad_pictures_fail_the_job_without_a_charge() {
    let folder = tempdir().expect("a folder");
    let (_practice, api) = start(settings(&folder)).await;
    let whole = png();
    let half = api.picture(&whole[..whole.len() / 2]).await;
    let gone = format!("{}/v1/files/{}.png", api.base_url, "0".repeat(64));
    let cases = [
        (half.as_str(), "picture_broken"),
        (gone.as_str(), "picture_not_found"),
        ("https://example.com/a.png", "picture_unreachable"),
    ];
    for (image, code) in cases {
        let job = api.job(&quick(image)).await;
        let failed = api.until(&job, "failed").await;
        assert_eq!(
            (&failed["error"]["code"], &failed["charged"]),
            (&json!(code), &json!(false))
        );
        assert_eq!(failed["output"], Value::Null);
    }
}
