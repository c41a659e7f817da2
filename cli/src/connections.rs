//! Finds and opens connections: configured ones, or the practice provider's if none is
//! configured.

use std::sync::Arc;

use futures::future::BoxFuture;
use zoetrope_emulator::{Practice, Protocol, Settings};
use zoetrope_host::component::CallContext;
use zoetrope_host::config::{CONFIG_FILE, Config, SelectError};
use zoetrope_host::connections::{Connection, Credential, CredentialPlacement, SecretSource};
use zoetrope_host::contract::{ConnectionRequirement, MediaKind, NodeType};
use zoetrope_host::driver::{ConnectionResolver, ResolvedConnection};
use zoetrope_host::error::{ErrorKind, chain};
use zoetrope_host::ledger::JobError;
use zoetrope_host::sanitize::sentence;
use zoetrope_host::similar::most_similar;

use super::categories::misspelled;
use super::configuration::PRACTICE;
use super::context::Context;
use super::practice_jobs::PRACTICE_ORIGIN;
use super::report::{Failure, Phase};

/// How long the practice provider honours a key, in protocols that have keys. It never forgets
/// one, but a row needs a limit.
const PRACTICE_WINDOW: std::time::Duration = std::time::Duration::from_hours(24 * 365);

/// The highest rate of requests to the practice provider, a second, for all jobs together.
const PRACTICE_RATE: f64 = 1_000.0;

/// Whether this id means the practice provider's connection: a configured connection of the
/// same id and category comes first.
fn is_practice(config: &Config, id: &str, category: &str) -> bool {
    let configured = config.connection(id);
    id == PRACTICE && configured.is_none_or(|connection| connection.category() != category)
}

/// The step after a connection that cannot be selected.
fn next_of_selection(config: &Config, id: Option<&str>) -> String {
    let ids: Vec<_> = config
        .connections()
        .map(|known| known.id().as_str())
        .collect();
    if ids.is_empty() {
        return format!(
            "Omit --connection to use the practice provider, or create a configuration with this \
             connection: zoetrope config init {CONFIG_FILE}"
        );
    }
    match id.and_then(|id| most_similar(id, ids.iter().copied())) {
        Some(near) if Some(near) != id => {
            format!("Did you mean --connection {near}? Run again with it (nothing was sent)")
        }
        _ => "Choose one of them with --connection, then run again (nothing was sent)".into(),
    }
}

impl Context {
    /// The configured connection of a node; `None` if the practice provider serves it. The first
    /// choice of a command is printed.
    pub(super) async fn configured(
        &self,
        node: &NodeType,
        id: Option<&str>,
    ) -> Result<Option<Arc<Connection>>, Failure> {
        let found = self.chosen(node, id).await?;
        if let Some(requirement) = &node.connection {
            self.say_choice(found.as_deref(), node, &requirement.category, id.is_some());
        }
        Ok(found)
    }

    /// Prints which provider serves a command, once.
    fn say_choice(
        &self,
        found: Option<&Connection>,
        node: &NodeType,
        category: &str,
        is_named: bool,
    ) {
        let id = found.map_or(PRACTICE, |connection| connection.id().as_str());
        if self.choice.set(id.to_owned()).is_err() {
            return;
        }
        if found.is_none() && Protocol::of_category(category).is_none() {
            // The command ends with an error that says so.
            return;
        }
        let makes_clips = node
            .output_media
            .iter()
            .any(|media| media.kind == MediaKind::Video);
        let result = if makes_clips { "clip" } else { "picture" };
        self.printer().info(&match found {
            Some(connection) => {
                let origin = connection.base_url().origin();
                format!("Using connection `{id}` ({origin}).")
            }
            None if is_named => format!(
                "Using the practice provider on this machine: it renders the {result} and costs nothing."
            ),
            None => format!(
                "No connection is configured for the category {category}: the practice provider on this machine renders the {result}; it costs nothing."
            ),
        });
    }

    /// The same, without a line about it.
    pub(super) async fn chosen(
        &self,
        node: &NodeType,
        id: Option<&str>,
    ) -> Result<Option<Arc<Connection>>, Failure> {
        let Some(requirement) = &node.connection else {
            self.note_unused_config().await;
            return Ok(None);
        };
        let config = self.config().await?;
        if id.is_some_and(|id| is_practice(config, id, &requirement.category)) {
            self.note_unused_config().await;
            return Ok(None);
        }
        let config = self.configuration().of_connections().await?;
        let selected = config.select(&requirement.category, id);
        let selected = selected.map_err(|error| {
            let next = match &error {
                SelectError::Category { id, wanted, .. } => {
                    let wanted = sentence(wanted);
                    format!(
                        "Choose a connection of the category `{wanted}` with --connection, or correct the category of `{id}` in the configuration, then run again (nothing was sent)"
                    )
                }
                _ => next_of_selection(config, id),
            };
            let message = chain(&error);
            Failure::new(ErrorKind::ConnectionUnavailable, Phase::Setup, message).then(next)
        })?;
        if selected.is_none() {
            self.refuse_misspelled(config, &requirement.category)
                .await?;
        }
        Ok(selected.cloned())
    }

    /// Refuses the practice provider in the place of a connection that may be meant: one whose
    /// category no node uses.
    async fn refuse_misspelled(&self, config: &Config, category: &str) -> Result<(), Failure> {
        if config.connections().next().is_none() {
            return Ok(());
        }
        let mut known = self.categories(config);
        known.extend(self.node_types().await?.into_iter().filter_map(|node| {
            let requirement = node.connection?;
            Some(requirement.category)
        }));
        let unused = config.unused_connections(&known);
        if unused.is_empty() {
            return Ok(());
        }
        Err(misspelled(config, category, &unused))
    }

    /// The id of the connection for a new job of a node: a configured one, or the practice
    /// provider's.
    pub(super) async fn connection_id(
        &self,
        node: &NodeType,
        id: Option<&str>,
    ) -> Result<String, Failure> {
        let configured = self.chosen(node, id).await?;
        Ok(configured.map_or(PRACTICE.into(), |connection| connection.id().to_string()))
    }

    /// The context of calls for a node over this connection, outside of a job.
    pub(super) async fn open_for(&self, node: &NodeType, id: &str) -> Result<CallContext, Failure> {
        let Some(requirement) = &node.connection else {
            return Ok(CallContext::offline());
        };
        let egress = self.egress().await?;
        let pack = self.pack().await?;
        let placement = pack.permissions().credential_placement(requirement);
        let resolved = self.find(id, requirement, &placement).await;
        let resolved = resolved.map_err(|error| Failure::of_job_error(error, Phase::Setup))?;
        Ok(CallContext::online(egress, resolved.connection))
    }

    /// Checks that a run of a node can use this connection: its credential can be read. The practice
    /// provider is not started.
    pub(super) async fn can_open(&self, node: &NodeType, id: &str) -> Result<(), JobError> {
        let unavailable =
            |message: String| JobError::new(ErrorKind::ConnectionUnavailable, message);
        let Some(requirement) = &node.connection else {
            return Ok(());
        };
        let category = &requirement.category;
        let config = self.config().await;
        let config = config.map_err(|failure| unavailable(failure.message().to_owned()))?;
        if is_practice(config, id, category) {
            let served = Protocol::of_category(category);
            return served
                .map(drop)
                .ok_or_else(|| unavailable(not_served(category)));
        }
        let pack = self.pack().await;
        let pack = pack.map_err(|failure| unavailable(failure.message().to_owned()))?;
        let placement = pack.permissions().credential_placement(requirement);
        self.find(id, requirement, &placement).await.map(drop)
    }

    /// Opens a connection: a configured one with its credential, or the practice provider's, which
    /// is started if necessary.
    async fn find(
        &self,
        id: &str,
        requirement: &ConnectionRequirement,
        placement: &CredentialPlacement,
    ) -> Result<ResolvedConnection, JobError> {
        let unavailable =
            |message: String| JobError::new(ErrorKind::ConnectionUnavailable, message);
        let config = self.config().await;
        let config = config.map_err(|failure| unavailable(failure.message().to_owned()))?;
        if !is_practice(config, id, &requirement.category) {
            let config = self.configuration().of_connections().await;
            let config = config.map_err(|failure| unavailable(failure.message().to_owned()))?;
            let resolved = config.open(id, requirement, placement).await?;
            let note = resolved.connection.credential_note();
            self.note_all(note.map(str::to_owned));
            if let Some(warning) = resolved.connection.credential_warning() {
                self.warn(warning);
            }
            return Ok(resolved);
        }
        let connection = self.practice_connection(requirement).await;
        let resolved = ResolvedConnection::configured(connection.map_err(unavailable)?, placement)?;
        // Without the port, which may change: the jobs stay in the data directory.
        Ok(ResolvedConnection {
            provider_origin: PRACTICE_ORIGIN.into(),
            requests_per_second: Some(PRACTICE_RATE),
            ..resolved
        })
    }

    async fn practice_connection(
        &self,
        requirement: &ConnectionRequirement,
    ) -> Result<Arc<Connection>, String> {
        let category = &requirement.category;
        let protocol = Protocol::of_category(category).ok_or_else(|| not_served(category))?;
        let failed = |error: &dyn std::error::Error| {
            let why = chain(error);
            format!("the practice provider cannot be started: {why}")
        };
        let folder = self.practice_dir();
        let folder = folder.map_err(|failure| failure.message().to_owned())?;
        let mut settings = Settings::new(&folder);
        let fetcher = self.picture_fetcher().await;
        settings.fetcher = Some(fetcher.map_err(|failure| failure.message().to_owned())?);
        let practice = self
            .practice
            .get_or_try_init(|| Practice::start_or_join(settings))
            .await;
        let practice = practice.map_err(|error| failed(&error))?;
        let base_url = practice.ensure().await.map_err(|error| failed(&error))?;
        if self.choice.set(PRACTICE.to_owned()).is_ok() {
            // For a job of an earlier command, or a stored file.
            self.printer()
                .info("Using the practice provider on this machine; it costs nothing.");
        }
        let credential = Credential {
            source: SecretSource::File(folder.join("key")),
            header: None,
            prefix: None,
        };
        let id = PRACTICE.parse().map_err(|error| failed(&error))?;
        let base_url = protocol.base_url(&base_url).parse();
        let base_url = base_url.map_err(|error| failed(&error))?;
        let connection = Connection::new(id, category, base_url).with_credential(credential);
        Ok(Arc::new(if protocol.honours_keys() {
            connection.with_idempotency(PRACTICE_WINDOW)
        } else {
            connection
        }))
    }
}

/// The message where neither the configuration nor the practice provider has a connection.
fn not_served(category: &str) -> String {
    format!(
        "no `{category}` connection is configured, and the practice provider does not support this category"
    )
}

impl ConnectionResolver for Context {
    fn open<'a>(
        &'a self,
        connection: &'a str,
        requirement: &'a ConnectionRequirement,
        placement: &'a CredentialPlacement,
    ) -> BoxFuture<'a, Result<ResolvedConnection, JobError>> {
        Box::pin(self.find(connection, requirement, placement))
    }
}
