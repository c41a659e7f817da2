//! The settings of the practice provider.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::faults::FaultScript;

/// Fetches pictures that a job names by URL.
///
/// The practice provider opens no connection itself. The embedding program injects its own client,
/// with its own policy for addresses. It is called once for each job whose picture is neither
/// stored nor inside the input, when its rendering begins. The future is dropped when the job is
/// cancelled or the provider shuts down.
pub trait FetchPicture: Send + Sync {
    /// Gets the body of `url`, which is `http` or `https`.
    ///
    /// A body of more than `max_bytes` must be refused, not cut. The error becomes part of the
    /// job's failure message, so it must not repeat the URL's query.
    fn fetch(&self, url: String, max_bytes: usize) -> BoxFuture<'_, Result<Bytes, String>>;
}

/// The settings of a practice provider; [`Settings::new`] has the defaults.
#[derive(Clone)]
pub struct Settings {
    /// The folder of key, journal, pictures and clips. It is created when missing.
    pub data_dir: PathBuf,
    /// The address to listen on. With port 0 (the default, on 127.0.0.1) it is the last port of
    /// this data directory if that is free, else any.
    pub listen: SocketAddr,
    /// The client that fetches pictures by URL. Without one, jobs with such pictures fail.
    pub fetcher: Option<Arc<dyn FetchPicture>>,
    /// The most queued jobs; a further submission is answered with 429. With
    /// [`Settings::instant`] it is at least 10,000,000.
    pub max_queued: usize,
    /// The most jobs that are rendered at the same time; 0 counts as 1.
    pub max_rendering: usize,
    /// The minimum time that a job is `queued`.
    pub queue_time: Duration,
    /// Whether jobs are not rendered, for load tests. Every job gets the same short clip, a real
    /// MP4, after [`Settings::queue_time`]. No picture is fetched or decoded.
    pub instant: bool,
    /// The faults; none by default.
    pub faults: FaultScript,
}

/// The most queued jobs in instant mode, where a queued job costs little.
const MAX_QUEUED_INSTANT: usize = 10_000_000;

impl Settings {
    /// The default settings over a data directory: any port of 127.0.0.1, no fetcher, 1,000 queued
    /// jobs, one rendering for each core, half a second in the queue, real renderings, no faults.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            fetcher: None,
            max_queued: 1000,
            max_rendering: available_parallelism().map_or(1, usize::from),
            queue_time: Duration::from_millis(500),
            instant: false,
            faults: FaultScript::default(),
        }
    }

    /// The most queued jobs.
    pub(crate) fn effective_max_queued(&self) -> usize {
        if self.instant {
            self.max_queued.max(MAX_QUEUED_INSTANT)
        } else {
            self.max_queued
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("data_dir", &self.data_dir)
            .field("listen", &self.listen)
            .field("fetcher", &self.fetcher.is_some())
            .field("max_queued", &self.max_queued)
            .field("max_rendering", &self.max_rendering)
            .field("queue_time", &self.queue_time)
            .field("instant", &self.instant)
            .field("faults", &self.faults)
            .finish()
    }
}
