//! Builds a driver.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::connections::{ConnectionResolver, Connections};
use super::deadlines::Deadlines;
use super::error::DriverError;
use super::group_commit::Writer;
use super::listener::Listener;
use super::lock_state::LOCK;
use super::packs::Packs;
use super::process::Driver;
use super::requester::Requester;
use super::settings::DriverSettings;
use super::shared::{Origin, Shared};
use super::steps::Steps;
use crate::component::Pack;
use crate::download::CLIPS_FOLDER;
use crate::egress::Egress;
use crate::ledger::{Ledger, Pictures};
use crate::policy::Policy;
use crate::trace::Caller;

impl Driver {
    /// Begins a driver for the jobs of `data_dir`: `pack` is the component of new jobs, and
    /// `resolver` opens the connections that jobs name.
    pub fn builder(
        data_dir: &Path,
        pack: &Pack,
        resolver: Arc<dyn ConnectionResolver>,
    ) -> DriverBuilder {
        DriverBuilder {
            data_dir: data_dir.to_owned(),
            pack: pack.clone(),
            resolver,
            policy: Policy::default(),
            egress: Egress::default(),
            ledger: None,
            listener: Arc::new(|_, _| ()),
            settings: DriverSettings::default(),
            caller: None,
        }
    }
}

/// Builds a [`Driver`].
#[must_use]
pub struct DriverBuilder {
    data_dir: PathBuf,
    pack: Pack,
    resolver: Arc<dyn ConnectionResolver>,
    policy: Policy,
    egress: Egress,
    ledger: Option<Arc<Ledger>>,
    listener: Listener,
    settings: DriverSettings,
    caller: Option<Caller>,
}

impl DriverBuilder {
    /// The policy for jobs that were started with another component. Default: no component
    /// is trusted, and none has a grant.
    pub fn policy(self, policy: &Policy) -> Self {
        let policy = policy.clone();
        Self { policy, ..self }
    }

    /// The egress that sends requests. Default: the driver's own.
    pub fn egress(self, egress: &Egress) -> Self {
        let egress = egress.clone();
        Self { egress, ..self }
    }

    /// A ledger that is open already. Default: the data directory's ledger is opened.
    pub fn ledger(self, ledger: Arc<Ledger>) -> Self {
        let ledger = Some(ledger);
        Self { ledger, ..self }
    }

    /// The function that is called with each [`JobUpdate`](super::JobUpdate). Default: none.
    pub fn listener(self, listener: Listener) -> Self {
        Self { listener, ..self }
    }

    /// Limits on concurrent calls and downloads.
    pub fn settings(self, settings: DriverSettings) -> Self {
        Self { settings, ..self }
    }

    /// The trace of the jobs that this process requests; see [`trace`](crate::trace). Default:
    /// each job has its own trace.
    pub fn caller(self, caller: Option<Caller>) -> Self {
        Self { caller, ..self }
    }

    /// The driver. Must be called within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be opened, or the files beside it cannot be made.
    pub fn build(self) -> Result<Driver, DriverError> {
        let data_dir = self.data_dir.as_path();
        let ledger = match self.ledger {
            Some(ledger) => ledger,
            None => Arc::new(Ledger::open(data_dir)?),
        };
        let requester = Requester::new(data_dir)?;
        let packs = Packs::of(data_dir, self.pack.engine(), &self.policy);
        packs.remember(&self.pack);
        let steps = Steps {
            packs,
            account_refusals: Arc::default(),
            pictures: Pictures::of(data_dir),
            clips: data_dir.join(CLIPS_FOLDER),
            egress: self.egress.clone(),
            connections: Connections::new(Arc::clone(&self.resolver)),
            listener: self.listener,
            writer: Writer::start(Arc::clone(&ledger)),
            ledger: Arc::clone(&ledger),
            requester: requester.name().to_owned(),
        };
        Ok(Driver {
            lock: data_dir.join(LOCK),
            shared: Shared {
                ledger,
                requester,
                steps: Arc::new(steps),
                settings: self.settings,
                caller: self.caller,
                deadlines: Deadlines::new(),
            },
            origin: Origin {
                data_dir: self.data_dir,
                pack: self.pack,
                resolver: self.resolver,
                egress: self.egress,
            },
        })
    }
}
