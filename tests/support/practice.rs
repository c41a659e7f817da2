//! The practice provider in the test's own process. It outlives every killed process, and the test
//! reads its account.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use zoetrope_emulator::{Billing, Practice, Protocol, Settings};

/// A limit on any wait, with a margin for slow machines.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The interval at which the account is read.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// A provider that does not render: every job gets the same short clip.
pub(crate) struct Provider {
    practice: Practice,
    folder: TempDir,
    /// Dropped last, since it runs the server.
    _runtime: Runtime,
}

impl Provider {
    /// A provider with a fault script.
    pub(crate) fn start(queue_time: Duration, script: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let mut settings = Settings::new(folder.path());
        settings.queue_time = queue_time;
        settings.instant = true;
        settings.faults = script.to_string().parse().expect("a fault script");
        let practice = runtime.block_on(Practice::start(settings));
        Self {
            practice: practice.expect("the practice provider"),
            folder,
            _runtime: runtime,
        }
    }

    /// The table of the connection `practiced` to this server, with `more` lines and no rate limit.
    pub(crate) fn connection(&self, more: &str) -> String {
        let key = toml::Value::from(&*self.folder.path().join("key").to_string_lossy());
        format!(
            "[connections.practiced]\ncategory = \"pixelml\"\nbase_url = \"{}\"\n\
             credential = {{ file = {key} }}\nrequests_per_second = 100000\n{more}\n",
            self.practice.base_url()
        )
    }

    /// A table for each category, which is its name.
    pub(crate) fn connections(&self) -> String {
        let table = |protocol: Protocol| match protocol.options() {
            None => self.connection_over(protocol, protocol.category(), ""),
            Some(_) => String::new(),
        };
        Protocol::ALL.map(table).concat()
    }

    /// The table of a connection over this protocol, with `more` lines and no rate limit.
    pub(crate) fn connection_over(&self, protocol: Protocol, id: &str, more: &str) -> String {
        let key = toml::Value::from(&*self.folder.path().join("key").to_string_lossy());
        let category = protocol.category();
        let base_url = protocol.base_url(&self.practice.base_url());
        format!(
            "[connections.{id}]\ncategory = \"{category}\"\nbase_url = \"{base_url}\"\n\
             credential = {{ file = {key} }}\nrequests_per_second = 100000\n{more}\n"
        )
    }

    /// The provider's account so far.
    pub(crate) fn billing(&self) -> Billing {
        self.practice.billing()
    }

    /// The provider's account once no job is queued or running.
    #[track_caller]
    pub(crate) fn final_billing(&self) -> Billing {
        let begun = Instant::now();
        loop {
            let billing = self.billing();
            let goes_on = |status: &str| ["queued", "running"].contains(&status);
            if !billing.jobs.iter().any(|job| goes_on(&job.status)) {
                return billing;
            }
            assert!(begun.elapsed() < TIMEOUT, "{:?}", billing.totals);
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// The digest of the clip that every job gets: the provider names the file by it.
    pub(crate) fn clip_sha256(&self) -> String {
        let clips: Vec<PathBuf> = std::fs::read_dir(self.folder.path().join("clips"))
            .expect("the provider's clips")
            .map(|entry| entry.expect("a clip").path())
            .collect();
        assert_eq!(clips.len(), 1, "{clips:?}");
        let name = clips[0].file_stem().expect("a name");
        name.to_string_lossy().into_owned()
    }
}
