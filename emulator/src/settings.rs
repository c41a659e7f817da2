//! What the embedding program decides.

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
/// The practice provider opens no connection itself: the program that embeds it lends its own
/// client, and with it its own policy about addresses. Called once for each job whose picture is
/// neither stored nor inside the input, when its rendering begins; the future is dropped when the
/// job is cancelled or the provider shuts down.
pub trait FetchPicture: Send + Sync {
    /// Gets the body behind `url`, which is `http` or `https`.
    ///
    /// A body of more than `max_bytes` is to be refused, not cut. The error becomes part of the
    /// job's failure message, so it must not repeat the URL's query.
    fn fetch(&self, url: String, max_bytes: usize) -> BoxFuture<'_, Result<Bytes, String>>;
}

/// How a practice provider runs; [`Settings::new`] gives the defaults.
#[derive(Clone)]
pub struct Settings {
    /// The folder that holds everything: key, journal, pictures and clips. Created when missing.
    pub data_dir: PathBuf,
    /// Where to listen. With port 0 (the default, on 127.0.0.1) it is the port that this data
    /// directory had the last time, if that is free, else any.
    pub listen: SocketAddr,
    /// Who fetches pictures by URL. Without one, jobs with such pictures fail.
    pub fetcher: Option<Arc<dyn FetchPicture>>,
    /// How many jobs may wait for their rendering; a submission beyond them is answered with 429.
    /// With [`Settings::instant`] it is 10,000,000 if this is less.
    pub max_queued: usize,
    /// How many clips are rendered at the same time; 0 counts as 1.
    pub max_rendering: usize,
    /// How long a job is `queued` at least.
    pub queue_time: Duration,
    /// Whether jobs are not rendered: every one gets the same short clip, a real MP4, once
    /// [`Settings::queue_time`] is over, and no picture is fetched or decoded. For load tests.
    pub instant: bool,
    /// What goes wrong; nothing by default.
    pub faults: FaultScript,
}

/// How many jobs may wait where waiting costs next to nothing.
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

    /// How many jobs may wait.
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
