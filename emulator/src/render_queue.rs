//! The render queue: accepts requests, renders a few at a time and writes the journal.

mod store;
mod work;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::task::{JoinSet, spawn_blocking};
use tracing::info;

use self::store::{Store, lock};
use self::work::Renderer;
use crate::billing::Billing;
use crate::data_dir::DataDir;
use crate::files::FileName;
use crate::job::{Ending, Idempotency, JobId, Phase, View};
use crate::jobs::{Arrival, Cancelling, Jobs, Submitted};
use crate::journal::{Entry, Event, Journal};
use crate::picture::Kind;
use crate::render_request::{Product, RenderRequest, Source, Submission};
use crate::settings::Settings;

pub(crate) use self::work::InstantResults;

/// Why the render queue refuses a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RenderQueueError {
    #[error("the idempotency key was used with another body")]
    KeyReused,
    #[error("too many jobs are queued")]
    Full,
    #[error("the practice provider is shutting down")]
    Closing,
    #[error("the data directory cannot be written")]
    Storage(#[source] io::Error),
}

/// The jobs, the renderers and the data directory behind the HTTP routes.
pub(crate) struct RenderQueue {
    store: Arc<Store>,
    renderer: Arc<Renderer>,
    settings: Settings,
    /// The renderings; `None` after the queue is closed.
    tasks: Mutex<Option<JoinSet<()>>>,
    is_closing: AtomicBool,
}

impl RenderQueue {
    /// Opens the queue with the jobs of earlier processes and renders the unfinished ones. With
    /// `instant`, every job gets one of these results.
    pub(crate) fn open(
        data_dir: DataDir,
        journal: Journal,
        entries: Vec<Entry>,
        settings: Settings,
        instant: Option<InstantResults>,
    ) -> Arc<Self> {
        let mut jobs = Jobs::new(settings.faults.idempotency);
        let ready_at = Instant::now() + settings.queue_time;
        for Entry { at, job, event } in entries {
            match event {
                Event::Submitted {
                    render_request,
                    idempotency,
                } => {
                    jobs.restore(job, render_request, idempotency, Arrival { at, ready_at });
                }
                Event::Ended(ending) => jobs.settle(job, ending, at),
            }
        }
        let unfinished = jobs.unfinished();
        let store = Arc::new(Store::new(data_dir, journal, jobs));
        let renderer = Renderer::new(Arc::clone(&store), &settings, instant);
        let render_queue = Arc::new(Self {
            store,
            renderer: Arc::new(renderer),
            tasks: Mutex::new(Some(JoinSet::new())),
            is_closing: AtomicBool::new(false),
            settings,
        });
        for id in unfinished {
            info!(job = %id, "rendering a job of an earlier process");
            render_queue.start(id);
        }
        render_queue
    }

    /// Submits a job and returns when it is on disk. The flag is true for a new job.
    pub(crate) async fn submit(
        self: &Arc<Self>,
        submission: Submission,
        idempotency: Option<Idempotency>,
    ) -> Result<(JobId, bool), RenderQueueError> {
        let render_queue = Arc::clone(self);
        uninterrupted(async move {
            let Submission {
                render_request,
                inline,
            } = submission;
            if let (Source::File(name), Some(bytes)) = (&render_request.picture, inline) {
                render_queue.store(name.clone(), bytes.into()).await?;
            }
            render_queue.accept(render_request, idempotency).await
        })
        .await
    }

    async fn accept(
        &self,
        render_request: RenderRequest,
        idempotency: Option<Idempotency>,
    ) -> Result<(JobId, bool), RenderQueueError> {
        if self.is_closing.load(Ordering::Acquire) {
            return Err(RenderQueueError::Closing);
        }
        let (id, is_new, written) = {
            let mut jobs = self.store.jobs();
            let at = Timestamp::now();
            let ready_at = Instant::now() + self.settings.queue_time;
            let max_queued = self.settings.effective_max_queued();
            let arrival = Arrival { at, ready_at };
            match jobs.submit(&render_request, idempotency.as_ref(), max_queued, arrival) {
                Submitted::New(job) => {
                    let event = Event::Submitted {
                        render_request,
                        idempotency,
                    };
                    (
                        job,
                        true,
                        self.store.journal.append(&Entry { at, job, event }),
                    )
                }
                // The first submission may not be durable yet.
                Submitted::Same(id) => (id, false, self.store.journal.flush()),
                Submitted::KeyReused => return Err(RenderQueueError::KeyReused),
                Submitted::Full => return Err(RenderQueueError::Full),
            }
        };
        let written = written.durable().await;
        if is_new {
            match written {
                Ok(()) => {
                    info!(job = %id, "job submitted");
                    self.start(id);
                }
                Err(_) => self.store.jobs().withdraw(id),
            }
        }
        written.map_err(RenderQueueError::Storage)?;
        if !self.store.jobs().contains(id) {
            let gone = io::Error::other("the first submission was not written");
            return Err(RenderQueueError::Storage(gone));
        }
        Ok((id, is_new))
    }

    /// Cancels a job and returns when that is on disk.
    pub(crate) async fn cancel(
        self: &Arc<Self>,
        id: JobId,
    ) -> Result<Cancelling, RenderQueueError> {
        let render_queue = Arc::clone(self);
        uninterrupted(async move {
            let cancelling = render_queue.store.jobs().cancel(id);
            if cancelling == Cancelling::Claimed {
                render_queue
                    .store
                    .end(id, Ending::Cancelled)
                    .await
                    .map_err(RenderQueueError::Storage)?;
            }
            Ok(cancelling)
        })
        .await
    }

    /// Stores a picture under its name.
    pub(crate) async fn store(&self, name: FileName, bytes: Bytes) -> Result<(), RenderQueueError> {
        let data_dir = self.store.data_dir.clone();
        spawn_blocking(move || data_dir.store_file(&name, &bytes))
            .await
            .unwrap_or_else(|stopped| Err(stopped.into()))
            .map_err(RenderQueueError::Storage)
    }

    /// The state of a job for a poll.
    pub(crate) fn view(&self, id: JobId) -> Option<View> {
        self.store.jobs().view(id, Instant::now())
    }

    /// The billing report, without the count of polls.
    pub(crate) fn billing(&self) -> Billing {
        self.store.jobs().billing()
    }

    /// The path of a finished clip, and its digest.
    pub(crate) fn clip(&self, id: JobId) -> Option<(PathBuf, String)> {
        match self.finished(id)? {
            (Product::Clip(_), sha256) => {
                Some((self.store.data_dir.clip_or_shared(id, &sha256), sha256))
            }
            (Product::Picture(_), _) => None,
        }
    }

    /// The name of a finished picture.
    pub(crate) fn picture_of(&self, id: JobId) -> Option<FileName> {
        match self.finished(id)? {
            (Product::Picture(_), sha256) => FileName::new(&sha256, Kind::Png),
            (Product::Clip(_), _) => None,
        }
    }

    /// The product of a job that has succeeded, and its digest.
    fn finished(&self, id: JobId) -> Option<(Product, String)> {
        let view = self.view(id)?;
        match view.phase {
            Phase::Ended(Ending::Succeeded { sha256 }) => {
                Some((view.render_request.product, sha256))
            }
            _ => None,
        }
    }

    /// The path of a stored picture; the file may be missing.
    pub(crate) fn file(&self, name: &FileName) -> PathBuf {
        self.store.data_dir.file(name)
    }

    /// Stops without waiting, and releases the data directory. The next process renders the
    /// unfinished jobs.
    pub(crate) fn abandon(&self) {
        self.stop();
        drop(self.store.journal.close());
    }

    /// Stops, and waits for the last write.
    pub(crate) async fn close(&self) {
        let tasks = self.stop();
        if let Some(mut tasks) = tasks {
            while tasks.join_next().await.is_some() {}
        }
        // An error means that the journal is closed already.
        drop(self.store.journal.close().await);
    }

    fn stop(&self) -> Option<JoinSet<()>> {
        self.is_closing.store(true, Ordering::Release);
        let tasks = lock(&self.tasks).take();
        self.store.jobs().stop();
        tasks
    }

    fn start(&self, id: JobId) {
        if let Some(tasks) = lock(&self.tasks).as_mut() {
            while tasks.try_join_next().is_some() {}
            let renderer = Arc::clone(&self.renderer);
            tasks.spawn(async move { renderer.work(id).await });
        }
    }
}

/// Runs a future to its end even if the caller's future is dropped.
async fn uninterrupted<T: Send + 'static>(
    work: impl Future<Output = Result<T, RenderQueueError>> + Send + 'static,
) -> Result<T, RenderQueueError> {
    tokio::spawn(work)
        .await
        .unwrap_or(Err(RenderQueueError::Closing))
}
