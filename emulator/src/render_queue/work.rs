//! Runs one job: waits for a renderer, gets the picture and renders the result.

use std::error::Error;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;
use tokio::time::{sleep_until, timeout};
use tracing::warn;
use url::Url;

use super::store::Store;
use crate::files::{FileName, sha256};
use crate::job::{Ending, JobId};
use crate::picture::{self, PictureError};
use crate::redraw::RedrawError;
use crate::render::{RenderError, Scene};
use crate::render_request::{Product, RenderRequest, Source};
use crate::settings::{FetchPicture, Settings};

/// The time limit for fetching a picture; the injected client may have a shorter one.
const FETCH_TIME: Duration = Duration::from_mins(1);

/// The digests of the clip and the picture that all jobs share in instant mode.
#[derive(Clone, Debug)]
pub(crate) struct InstantResults {
    pub(crate) clip: String,
    pub(crate) picture: String,
}

/// Renders jobs, a few at a time.
pub(super) struct Renderer {
    store: Arc<Store>,
    fetcher: Option<Arc<dyn FetchPicture>>,
    /// The results in instant mode; `None` if jobs are rendered.
    instant: Option<InstantResults>,
    renderers: Semaphore,
    /// One picture is decoded at a time, since the largest take hundreds of megabytes.
    decoder: Arc<Semaphore>,
}

impl Renderer {
    /// A renderer of the jobs in a store. With `instant`, every job gets one of these results.
    pub(super) fn new(
        store: Arc<Store>,
        settings: &Settings,
        instant: Option<InstantResults>,
    ) -> Self {
        Self {
            store,
            fetcher: settings.fetcher.clone(),
            instant,
            renderers: Semaphore::new(settings.max_rendering.max(1)),
            decoder: Arc::new(Semaphore::new(1)),
        }
    }

    /// One job from the queue to its end.
    pub(super) async fn work(self: Arc<Self>, id: JobId) {
        let Some((render_request, ready_at, mut stop)) = self.store.jobs().assignment(id) else {
            return;
        };
        if let Some(instants) = self.instant.clone() {
            tokio::select! {
                biased;
                // An error means that the job was withdrawn.
                _ = stop.wait_for(|is_stopped| *is_stopped) => return,
                () = sleep_until(ready_at.into()) => {}
            }
            if self.store.jobs().claim(id) {
                let sha256 = match render_request.product {
                    Product::Clip(_) => instants.clip,
                    Product::Picture(_) => instants.picture,
                };
                self.write_end(id, Ending::Succeeded { sha256 }).await;
            }
            return;
        }
        let renderer_stop = stop.clone();
        let made = tokio::select! {
            biased;
            // An error means that the job was withdrawn.
            _ = stop.wait_for(|is_stopped| *is_stopped) => return,
            made = self.produce(id, &render_request, ready_at, renderer_stop) => made,
        };
        let ending = match made {
            Ok(file) => {
                if !self.store.jobs().claim(id) {
                    return;
                }
                self.publish(id, render_request.product, file).await
            }
            Err(RenderFailure::Stopped) => return,
            Err(RenderFailure::Failed { code, message }) => {
                if !self.store.jobs().claim(id) {
                    return;
                }
                Ending::Failed {
                    code: code.to_owned(),
                    message,
                }
            }
        };
        self.write_end(id, ending).await;
    }

    async fn write_end(&self, id: JobId, ending: Ending) {
        if let Err(error) = self.store.end(id, ending).await {
            warn!(job = %id, %error, "cannot write the job's end; a restart renders it again");
        }
    }

    /// Waits for a renderer, gets the job's picture and renders the result.
    async fn produce(
        &self,
        id: JobId,
        render_request: &RenderRequest,
        ready_at: Instant,
        stop: watch::Receiver<bool>,
    ) -> Result<Vec<u8>, RenderFailure> {
        sleep_until(ready_at.into()).await;
        // Neither semaphore is ever closed.
        let _rendering = self
            .renderers
            .acquire()
            .await
            .map_err(|_| RenderFailure::Stopped)?;
        self.store.jobs().begin(id, Timestamp::now());
        let bytes = self.picture(&render_request.picture).await?;
        let decoding = Arc::clone(&self.decoder).acquire_owned().await;
        let product = render_request.product;
        let store = Arc::clone(&self.store);
        let making = spawn_blocking(move || {
            let picture = picture::decode(&bytes)?;
            drop(bytes);
            match product {
                Product::Picture(redrawing) => {
                    redrawing.draw(&picture).map_err(RenderFailure::from)
                }
                Product::Clip(clip) => {
                    let scene = Scene::new(&picture, clip.canvas)?;
                    drop((picture, decoding));
                    let rendered = scene.render(&clip, |frames| {
                        store.jobs().progress(id, frames);
                        if *stop.borrow() {
                            ControlFlow::Break(())
                        } else {
                            ControlFlow::Continue(())
                        }
                    });
                    rendered.map_err(RenderFailure::from)
                }
            }
        });
        match making.await {
            Ok(made) => made,
            Err(_) => Err(failed("render_failed", "the renderer panicked".to_owned())),
        }
    }

    /// The bytes of a job's picture.
    async fn picture(&self, source: &Source) -> Result<Bytes, RenderFailure> {
        match source {
            Source::File(name) => {
                let path = self.store.data_dir.file(name);
                tokio::fs::read(path).await.map(Bytes::from).map_err(|_| {
                    failed(
                        "picture_not_found",
                        "the uploaded picture does not exist".to_owned(),
                    )
                })
            }
            Source::Url(url) => self.fetch(url).await,
        }
    }

    async fn fetch(&self, url: &Url) -> Result<Bytes, RenderFailure> {
        let unreachable = |why: &str| {
            failed(
                "picture_unreachable",
                format!("the picture cannot be fetched: {why}"),
            )
        };
        let Some(fetcher) = &self.fetcher else {
            return Err(unreachable(
                "this practice provider opens no connections; upload the picture instead",
            ));
        };
        let bytes = timeout(
            FETCH_TIME,
            fetcher.fetch(url.to_string(), picture::MAX_BYTES),
        )
        .await
        .map_err(|_| unreachable("it took longer than a minute"))?
        .map_err(|why| unreachable(&why))?;
        if bytes.len() > picture::MAX_BYTES {
            return Err(failed(
                "picture_too_large",
                format!("the picture has more than {} MiB", picture::MAX_BYTES >> 20),
            ));
        }
        Ok(bytes)
    }

    async fn publish(&self, id: JobId, product: Product, file: Vec<u8>) -> Ending {
        let data_dir = self.store.data_dir.clone();
        let stored = spawn_blocking(move || {
            let sha256 = sha256(&file);
            match (product, FileName::of(&file)) {
                (Product::Picture(_), Some(name)) => data_dir.store_file(&name, &file)?,
                _ => data_dir.store_clip(id, &file)?,
            }
            Ok(sha256)
        });
        match stored
            .await
            .unwrap_or_else(|stopped| Err(io::Error::from(stopped)))
        {
            Ok(sha256) => Ending::Succeeded { sha256 },
            Err(error) => Ending::Failed {
                code: "storage_failed".to_owned(),
                message: format!("the result could not be stored: {error}"),
            },
        }
    }
}

/// Why a job has no result.
enum RenderFailure {
    Stopped,
    Failed { code: &'static str, message: String },
}

fn failed(code: &'static str, message: String) -> RenderFailure {
    RenderFailure::Failed { code, message }
}

impl From<PictureError> for RenderFailure {
    fn from(error: PictureError) -> Self {
        failed(error.code(), with_causes(&error))
    }
}

impl From<RenderError> for RenderFailure {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Stopped => Self::Stopped,
            RenderError::Picture(error) => error.into(),
            RenderError::Encode(_) | RenderError::Mux(_) => {
                failed("render_failed", with_causes(&error))
            }
        }
    }
}

impl From<RedrawError> for RenderFailure {
    fn from(error: RedrawError) -> Self {
        match error {
            RedrawError::Picture(error) => error.into(),
            RedrawError::Encode(_) => failed("render_failed", with_causes(&error)),
        }
    }
}

/// An error and its causes in one line, for the job's message.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
