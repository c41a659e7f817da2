//! One practice provider for several processes.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use tokio::sync::Mutex;

use crate::data_dir::DataDir;
use crate::error::PracticeError;
use crate::practice::Practice;
use crate::settings::Settings;

/// A practice provider that this process runs, or shares with the one that does.
///
/// Several processes on one data directory are normal. The first serves it, the others use its
/// server. When the first ends, [`SharedPractice::ensure`] in any of the others takes over: the
/// jobs and files are in the directory, so the new server goes on where the old one stopped.
pub struct SharedPractice {
    settings: Settings,
    reach: RwLock<Access>,
    own: Mutex<Option<Practice>>,
}

/// How to reach whoever serves.
#[derive(Clone)]
struct Access {
    base_url: String,
    api_key: String,
}

impl SharedPractice {
    pub(crate) async fn open(settings: Settings) -> Result<Self, PracticeError> {
        let (own, reach) = start_or_look(&settings).await?;
        Ok(Self {
            settings,
            reach: RwLock::new(reach),
            own: Mutex::new(own),
        })
    }

    /// Makes sure that somebody serves, and returns where.
    ///
    /// Cheap when all is well: one file lock is tried. Call it before a request, and again when a
    /// connection is refused: between the check and the request the other process may have ended.
    ///
    /// # Errors
    ///
    /// As [`Practice::start_or_join`].
    pub async fn ensure(&self) -> Result<String, PracticeError> {
        let mut own = self.own.lock().await;
        if own.is_none() {
            let (started, reach) = start_or_look(&self.settings).await?;
            *own = started;
            *self.reach.write().unwrap_or_else(PoisonError::into_inner) = reach;
        }
        Ok(self.base_url())
    }

    /// Where the server was when [`SharedPractice::ensure`] last looked.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.reach().base_url
    }

    /// The key of the data directory.
    #[must_use]
    pub fn api_key(&self) -> String {
        self.reach().api_key
    }

    /// Whether this process is the one that serves.
    pub async fn is_own(&self) -> bool {
        self.own.lock().await.is_some()
    }

    /// Stops the server if it is this process's; the others take over when they next look.
    pub async fn shutdown(self) {
        if let Some(own) = self.own.into_inner() {
            own.shutdown().await;
        }
    }

    fn reach(&self) -> Access {
        self.reach
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Practice {
    /// Starts serving a data directory, or joins whoever serves it.
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

async fn start_or_look(settings: &Settings) -> Result<(Option<Practice>, Access), PracticeError> {
    match Practice::start(settings.clone()).await {
        Ok(practice) => {
            let base_url = practice.base_url();
            let api_key = practice.api_key().to_owned();
            Ok((Some(practice), Access { base_url, api_key }))
        }
        Err(PracticeError::InUse { base_url }) => {
            let api_key = DataDir::open(&settings.data_dir)?.key()?;
            Ok((None, Access { base_url, api_key }))
        }
        Err(error) => Err(error),
    }
}
