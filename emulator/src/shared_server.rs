//! One practice provider for several processes.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use tokio::sync::Mutex;

use crate::data_dir::DataDir;
use crate::error::PracticeError;
use crate::practice::Practice;
use crate::settings::Settings;

/// A practice provider that several processes share. One of them serves it.
///
/// The first process on a data directory serves it, and the others use its server. When the first
/// ends, [`SharedPractice::ensure`] in any of the others starts a new server. The jobs and files
/// are in the directory, so the new server continues them.
pub struct SharedPractice {
    settings: Settings,
    endpoint: RwLock<Endpoint>,
    own: Mutex<Option<Practice>>,
}

/// The address and key of the server.
#[derive(Clone)]
struct Endpoint {
    base_url: String,
    api_key: String,
}

impl SharedPractice {
    pub(crate) async fn open(settings: Settings) -> Result<Self, PracticeError> {
        let (own, endpoint) = start_or_find(&settings).await?;
        Ok(Self {
            settings,
            endpoint: RwLock::new(endpoint),
            own: Mutex::new(own),
        })
    }

    /// Ensures that a server runs, and returns its base URL.
    ///
    /// Usually this tries one file lock. Call it before a request, and again when a connection is
    /// refused: the other process may have ended between the check and the request.
    ///
    /// # Errors
    ///
    /// As [`Practice::start_or_join`].
    pub async fn ensure(&self) -> Result<String, PracticeError> {
        let mut own = self.own.lock().await;
        if own.is_none() {
            let (started, endpoint) = start_or_find(&self.settings).await?;
            *own = started;
            *self
                .endpoint
                .write()
                .unwrap_or_else(PoisonError::into_inner) = endpoint;
        }
        Ok(self.base_url())
    }

    /// The base URL at the last [`SharedPractice::ensure`].
    #[must_use]
    pub fn base_url(&self) -> String {
        self.endpoint().base_url
    }

    /// The key of the data directory.
    #[must_use]
    pub fn api_key(&self) -> String {
        self.endpoint().api_key
    }

    /// Whether this process serves.
    pub async fn is_own(&self) -> bool {
        self.own.lock().await.is_some()
    }

    /// Stops the server if this process serves. Another process takes over at its next
    /// [`SharedPractice::ensure`].
    pub async fn shutdown(self) {
        if let Some(own) = self.own.into_inner() {
            own.shutdown().await;
        }
    }

    fn endpoint(&self) -> Endpoint {
        self.endpoint
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Practice {
    /// Starts serving a data directory, or joins the process that serves it.
    ///
    /// # Errors
    ///
    /// As [`Practice::start`], without [`PracticeError::InUse`].
    pub async fn start_or_join(settings: Settings) -> Result<SharedPractice, PracticeError> {
        SharedPractice::open(settings).await
    }
}

impl fmt::Debug for SharedPractice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedPractice")
            .field("base_url", &self.base_url())
            .finish_non_exhaustive()
    }
}

async fn start_or_find(settings: &Settings) -> Result<(Option<Practice>, Endpoint), PracticeError> {
    match Practice::start(settings.clone()).await {
        Ok(practice) => {
            let base_url = practice.base_url();
            let api_key = practice.api_key().to_owned();
            Ok((Some(practice), Endpoint { base_url, api_key }))
        }
        Err(PracticeError::InUse { base_url }) => {
            let api_key = DataDir::open(&settings.data_dir)?.key()?;
            Ok((None, Endpoint { base_url, api_key }))
        }
        Err(error) => Err(error),
    }
}
