//! Runs the practice provider in one process.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};
use tracing::info;

use crate::billing::Billing;
use crate::concurrent_polls::ConcurrentPolls;
use crate::connection;
use crate::data_dir::{DataDir, Lock, storage};
use crate::error::PracticeError;
use crate::faults::Faults;
use crate::files::{FileName, sha256};
use crate::job::Ending;
use crate::journal::{Entry, Event, Journal};
use crate::redraw;
use crate::render;
use crate::render_queue::{InstantResults, RenderQueue};
use crate::render_request::Source;
use crate::result_urls::ResultUrls;
use crate::server;
use crate::settings::Settings;
use crate::state::{self, Server};
use crate::unneeded::{self, Needed};

/// How long to wait for a new owner to publish its address.
const ADDRESS_TIME: Duration = Duration::from_secs(5);

/// The interval at which the address is read.
const ADDRESS_INTERVAL: Duration = Duration::from_millis(20);

/// How long a shutdown waits for requests in progress.
const SHUTDOWN_TIME: Duration = Duration::from_secs(2);

/// A practice provider that runs in this process and owns its data directory.
///
/// Dropping it stops it without waiting; [`Practice::shutdown`] waits. No job is lost: the next
/// provider on the same directory renders the jobs that have not ended.
pub struct Practice {
    address: SocketAddr,
    api_key: Arc<str>,
    render_queue: Arc<RenderQueue>,
    concurrent_polls: Arc<ConcurrentPolls>,
    stop: watch::Sender<bool>,
    serving: Option<JoinHandle<()>>,
}

impl Practice {
    /// Starts serving a data directory, in the current tokio runtime.
    ///
    /// # Errors
    ///
    /// [`PracticeError::InUse`] when another provider serves the directory; the others when the
    /// directory cannot be used or the address is not free.
    pub async fn start(settings: Settings) -> Result<Self, PracticeError> {
        let (data_dir, lock) = acquire(&settings).await?;
        let former = data_dir.address();
        data_dir.retract_address()?;
        let api_key = data_dir.create_key()?.into();
        let listener = bind(settings.listen, former.as_deref()).await?;
        let address = listener
            .local_addr()
            .map_err(|source| PracticeError::Listen {
                address: settings.listen,
                source,
            })?;
        // Before the journal is read: connections wait in the listener's queue until then.
        data_dir.publish_address(&state::base_url(address))?;
        let (journal, entries) = read_journal(data_dir.clone(), lock).await?;

        let instant = if settings.instant {
            Some(instants(data_dir.clone()).await?)
        } else {
            None
        };

        let rules = settings.faults.rules.clone();
        let render_queue = RenderQueue::open(data_dir, journal, entries, settings, instant);
        let concurrent_polls = Arc::new(ConcurrentPolls::default());
        let result_urls = Arc::new(ResultUrls::default());
        let clips = Arc::clone(&render_queue);
        let find_clip = Arc::new(move |job| clips.clip(job));
        let faults = Faults::new(rules, Arc::clone(&result_urls), find_clip);
        let server = Server {
            render_queue: Arc::clone(&render_queue),
            concurrent_polls: Arc::clone(&concurrent_polls),
            faults: Arc::new(faults),
            result_urls,
            api_key: Arc::clone(&api_key),
            address,
        };
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(connection::serve(listener, server::router(server), stopped));
        info!(%address, "practice provider started");
        Ok(Self {
            address,
            api_key,
            render_queue,
            concurrent_polls,
            stop,
            serving: Some(serving),
        })
    }

    /// The base URL, without a slash at its end.
    #[must_use]
    pub fn base_url(&self) -> String {
        state::base_url(self.address)
    }

    /// The key that jobs and uploads need. It stays the same for a data directory.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.api_key
    }

    /// The billing report: the jobs that were created, their keys, and which were charged.
    ///
    /// `GET /v1/practice/account` returns the same as JSON. It needs the key, and no fault applies
    /// to it.
    #[must_use]
    pub fn billing(&self) -> Billing {
        server::billing(&self.render_queue, &self.concurrent_polls)
    }

    /// Finishes the requests in progress, stops the renderings and releases the directory.
    ///
    /// When this returns, another process can own the directory.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Some(mut serving) = self.serving.take()
            && timeout(SHUTDOWN_TIME, &mut serving).await.is_err()
        {
            serving.abort();
        }
        self.render_queue.close().await;
    }
}

impl fmt::Debug for Practice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Practice")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for Practice {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.render_queue.abandon();
    }
}

/// Takes ownership of the directory, or fails with the owner's address.
async fn acquire(settings: &Settings) -> Result<(DataDir, Lock), PracticeError> {
    let data_dir = DataDir::open(&settings.data_dir)?;
    let deadline = Instant::now() + ADDRESS_TIME;
    loop {
        if let Some(lock) = data_dir.try_lock()? {
            data_dir.sweep()?;
            return Ok((data_dir, lock));
        }
        if let Some(base_url) = data_dir.address() {
            return Err(PracticeError::InUse { base_url });
        }
        if Instant::now() >= deadline {
            return Err(PracticeError::AddressUnknown {
                data_dir: settings.data_dir.clone(),
            });
        }
        sleep(ADDRESS_INTERVAL).await;
    }
}

/// Listens on the address of the settings. With port 0 the former port is preferred, so that URLs
/// of the directory stay valid.
async fn bind(listen: SocketAddr, former: Option<&str>) -> Result<TcpListener, PracticeError> {
    let former_port = former.and_then(|url| url.rsplit_once(':')?.1.parse::<u16>().ok());
    if listen.port() == 0
        && let Some(port) = former_port
        && let Ok(listener) = TcpListener::bind((listen.ip(), port)).await
    {
        return Ok(listener);
    }
    TcpListener::bind(listen)
        .await
        .map_err(|source| PracticeError::Listen {
            address: listen,
            source,
        })
}

async fn read_journal(
    data_dir: DataDir,
    lock: Lock,
) -> Result<(Journal, Vec<Entry>), PracticeError> {
    let path = data_dir.journal();
    let open = move || {
        let (journal, entries) = Journal::open(&data_dir.journal(), lock, Timestamp::now())?;
        unneeded::remove(&data_dir, &needed(&entries));
        Ok((journal, entries))
    };
    spawn_blocking(open)
        .await
        .unwrap_or_else(|stopped| Err(storage(&path, stopped.into())))
}

/// The files that the jobs of a journal need.
fn needed(entries: &[Entry]) -> Needed {
    let mut needed = Needed::default();
    for Entry { job, event, .. } in entries {
        needed.jobs.insert(*job);
        match event {
            Event::Submitted { render_request, .. } => {
                if let Source::File(name) = &render_request.picture {
                    needed.digests.insert(name.digest().to_owned());
                }
            }
            Event::Ended(Ending::Succeeded { sha256 }) => {
                needed.digests.insert(sha256.clone());
            }
            Event::Ended(_) => {}
        }
    }
    needed
}

/// Renders and stores the clip and the picture that jobs share in instant mode.
async fn instants(data_dir: DataDir) -> Result<InstantResults, PracticeError> {
    let making = spawn_blocking(move || {
        let clip =
            render::instant_clip().map_err(|error| PracticeError::InstantClip(Box::new(error)))?;
        let picture = redraw::instant_picture()
            .map_err(|error| PracticeError::InstantClip(Box::new(error)))?;
        let instants = InstantResults {
            clip: sha256(&clip),
            picture: sha256(&picture),
        };
        data_dir.store_shared_clip(&instants.clip, &clip)?;
        if let Some(name) = FileName::of(&picture) {
            let stored = data_dir.store_file(&name, &picture);
            stored.map_err(|source| storage(&data_dir.file(&name), source))?;
        }
        Ok(instants)
    });
    making
        .await
        .unwrap_or_else(|stopped| Err(PracticeError::InstantClip(Box::new(stopped))))
}
