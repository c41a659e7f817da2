//! Opens the connections that rows name.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::config::Config;
use crate::connections::{Connection, OpenConnection, OpenError};
use crate::contract::ConnectionRequirement;
use crate::error::{ErrorKind, chain};
use crate::ledger::JobError;

/// An open connection is used this long, then opened again: its credential may have been
/// replaced.
const LIFETIME: Duration = Duration::from_secs(30);

/// Opens the connections that rows name.
///
/// A host implements it over its configuration. [`Config`] implements it.
pub trait ConnectionResolver: Send + Sync {
    /// Opens the connection of this id for nodes with this requirement, with its credential.
    ///
    /// Called when a job is made, and by the driver before a step of a job, unless it opened
    /// the same connection less than half a minute ago and its requests have been sent since.
    /// Calls for several connections do not overlap: one that takes long holds up the others.
    ///
    /// It must not send anything that a provider charges for, must not wait for a job, and
    /// must not fall back to another connection: a job is continued only over the connection
    /// that its row names.
    ///
    /// # Errors
    ///
    /// The error becomes the job's error: the driver suspends the job, and nothing was sent.
    /// Its kind is one of `docs/reference/exit-codes.md`, mostly `connection_unavailable`; its message is
    /// shown and stored, so it must not contain a secret.
    fn open<'a>(
        &'a self,
        connection: &'a str,
        requirement: &'a ConnectionRequirement,
    ) -> BoxFuture<'a, Result<ResolvedConnection, JobError>>;
}

/// Opens configured connections. Their `provider_origin` is the origin of the base URL.
impl ConnectionResolver for Config {
    fn open<'a>(
        &'a self,
        connection: &'a str,
        requirement: &'a ConnectionRequirement,
    ) -> BoxFuture<'a, Result<ResolvedConnection, JobError>> {
        Box::pin(async move {
            let unavailable =
                |message: String| JobError::new(ErrorKind::ConnectionUnavailable, message);
            let found = self.select(&requirement.category, Some(connection));
            let found = found.map_err(|error| unavailable(chain(&error)))?;
            let none = || unavailable(format!("there is no connection `{connection}`"));
            let found = Arc::clone(found.ok_or_else(none)?);
            ResolvedConnection::configured(found, requirement)
        })
    }
}

/// An open connection.
#[derive(Clone)]
pub struct ResolvedConnection {
    /// The connection.
    pub connection: Arc<OpenConnection>,
    /// The provider that the connection leads to, stored in the row: a job is continued only
    /// over a connection with the same value. The origin of the base URL is a good choice.
    /// The practice provider, whose port changes, is `practice`.
    pub provider_origin: String,
    /// Requests a second over the connection, for all jobs together; `None`: the driver's
    /// default.
    pub requests_per_second: Option<f64>,
}

impl ResolvedConnection {
    /// Opens a configured connection; `provider_origin` is the origin of its base URL.
    ///
    /// # Errors
    ///
    /// `connection_unavailable`, when the connection does not open.
    pub fn configured(
        connection: Arc<Connection>,
        requirement: &ConnectionRequirement,
    ) -> Result<Self, JobError> {
        let provider_origin = connection.base_url().origin().to_string();
        let requests_per_second = connection.requests_per_second();
        let open = connection.open(requirement);
        let unavailable =
            |error: OpenError| JobError::new(ErrorKind::ConnectionUnavailable, chain(&error));
        Ok(Self {
            connection: Arc::new(open.map_err(unavailable)?),
            provider_origin,
            requests_per_second,
        })
    }
}

/// A cache of open connections.
pub(super) struct Connections {
    resolver: Arc<dyn ConnectionResolver>,
    open: Mutex<HashMap<(String, String), (ResolvedConnection, Instant)>>,
}

impl Connections {
    pub(super) fn new(resolver: Arc<dyn ConnectionResolver>) -> Self {
        Self {
            resolver,
            open: Mutex::default(),
        }
    }

    pub(super) async fn open(
        &self,
        connection: &str,
        requirement: &ConnectionRequirement,
    ) -> Result<ResolvedConnection, JobError> {
        let name = (connection.to_owned(), requirement.category.clone());
        let mut open = self.open.lock().await;
        if let Some((resolved, at)) = open.get(&name)
            && at.elapsed() < LIFETIME
        {
            return Ok(resolved.clone());
        }
        let resolved = self.resolver.open(connection, requirement).await?;
        open.insert(name, (resolved.clone(), Instant::now()));
        Ok(resolved)
    }

    /// Removes a connection from the cache after a failed request.
    pub(super) async fn forget(&self, connection: &str) {
        let mut open = self.open.lock().await;
        open.retain(|(id, _), _| id != connection);
    }
}
