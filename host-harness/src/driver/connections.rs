//! Opens the connections that rows name.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::key_place::check_key_option;
use crate::config::Config;
use crate::connections::{Connection, CredentialPlacement, OpenConnection, OpenError};
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
    /// Opens the connection of this id for nodes with this requirement, with its credential, which
    /// is sent as the connection says, else by `placement`, the pack's.
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
        placement: &'a CredentialPlacement,
    ) -> BoxFuture<'a, Result<ResolvedConnection, JobError>>;
}

/// Opens configured connections. Their `provider_origin` is the origin of the base URL.
impl ConnectionResolver for Config {
    fn open<'a>(
        &'a self,
        connection: &'a str,
        requirement: &'a ConnectionRequirement,
        placement: &'a CredentialPlacement,
    ) -> BoxFuture<'a, Result<ResolvedConnection, JobError>> {
        Box::pin(async move {
            let unavailable =
                |message: String| JobError::new(ErrorKind::ConnectionUnavailable, message);
            let found = self.select(&requirement.category, Some(connection));
            let found = found.map_err(|error| unavailable(chain(&error)))?;
            let none = || unavailable(format!("there is no connection `{connection}`"));
            let found = Arc::clone(found.ok_or_else(none)?);
            ResolvedConnection::configured(found, placement)
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
    /// `denied`, when the credential is not granted to be sent as the pack declares;
    /// `connection_unavailable`, when the connection does not open otherwise, or its option
    /// `idempotency_header` is invalid.
    pub fn configured(
        connection: Arc<Connection>,
        placement: &CredentialPlacement,
    ) -> Result<Self, JobError> {
        check_key_option(&connection)?;
        let provider_origin = connection.base_url().origin().to_string();
        let requests_per_second = connection.requests_per_second();
        let open = connection.open(placement).map_err(|error| {
            let kind = match error {
                OpenError::Placement { .. } => ErrorKind::Denied,
                _ => ErrorKind::ConnectionUnavailable,
            };
            JobError::new(kind, chain(&error))
        });
        Ok(Self {
            connection: Arc::new(open?),
            provider_origin,
            requests_per_second,
        })
    }
}

/// A cache of open connections. Packs share an open connection only if everything that it was
/// opened for is the same.
pub(super) struct Connections {
    resolver: Arc<dyn ConnectionResolver>,
    open: Mutex<HashMap<Key, (ResolvedConnection, Instant)>>,
}

/// Everything that a connection was opened for.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    connection: String,
    requirement: [String; 6],
    is_required: bool,
    placement: CredentialPlacement,
}

impl Key {
    fn of(
        connection: &str,
        requirement: &ConnectionRequirement,
        placement: &CredentialPlacement,
    ) -> Self {
        let ConnectionRequirement {
            category,
            title,
            description,
            required,
            options_schema,
            credential_header,
            credential_prefix,
        } = requirement;
        let requirement = [
            category,
            title,
            description,
            options_schema,
            credential_header,
            credential_prefix,
        ];
        Self {
            connection: connection.to_owned(),
            requirement: requirement.map(Clone::clone),
            is_required: *required,
            placement: placement.clone(),
        }
    }
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
        placement: &CredentialPlacement,
    ) -> Result<ResolvedConnection, JobError> {
        let key = Key::of(connection, requirement, placement);
        let mut open = self.open.lock().await;
        if let Some((resolved, at)) = open.get(&key)
            && at.elapsed() < LIFETIME
        {
            return Ok(resolved.clone());
        }
        let opening = self.resolver.open(connection, requirement, placement);
        let resolved = opening.await?;
        // A catalog may declare another requirement at every call.
        open.retain(|_, (_, at)| at.elapsed() < LIFETIME);
        open.insert(key, (resolved.clone(), Instant::now()));
        Ok(resolved)
    }

    /// Removes a connection from the cache after a failed request.
    pub(super) async fn forget(&self, connection: &str) {
        let mut open = self.open.lock().await;
        open.retain(|key, _| key.connection != connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::{Credential, SecretSource};

    /// Opens one connection for every pack.
    struct Opens(Arc<Connection>);

    impl ConnectionResolver for Opens {
        fn open<'a>(
            &'a self,
            _: &'a str,
            _: &'a ConnectionRequirement,
            placement: &'a CredentialPlacement,
        ) -> BoxFuture<'a, Result<ResolvedConnection, JobError>> {
            let resolved = ResolvedConnection::configured(Arc::clone(&self.0), placement);
            Box::pin(std::future::ready(resolved))
        }
    }

    fn requirement() -> ConnectionRequirement {
        ConnectionRequirement {
            category: "pixelml".into(),
            title: String::new(),
            description: String::new(),
            required: true,
            options_schema: "{}".into(),
            credential_header: "authorization".into(),
            credential_prefix: "Bearer ".into(),
        }
    }

    #[tokio::test]
    async fn connection_opened_for_one_pack_never_serves_another() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("key");
        std::fs::write(&path, "sk-hunter2").expect("write");
        let base = "https://api.example.com".parse().expect("base");
        let connection = Connection::new("mine".parse().expect("id"), "pixelml", base);
        let connection = connection.with_credential(Credential {
            source: SecretSource::File(path),
            header: None,
            prefix: None,
        });
        let cache = Connections::new(Arc::new(Opens(Arc::new(connection))));
        let requirement = requirement();
        let mut opened = Vec::new();
        for header in ["authorization", "x-api-key", "authorization"] {
            let placement = CredentialPlacement::new(header, "");
            let resolved = cache.open("mine", &requirement, &placement).await;
            let connection = resolved.expect("open").connection;
            let credential = connection.credential().expect("a credential");
            assert_eq!(credential.name(), header);
            opened.push(connection);
        }
        assert!(Arc::ptr_eq(&opened[0], &opened[2]), "cached");

        let placement = CredentialPlacement::new("authorization", "");
        let other = ConnectionRequirement {
            options_schema: "[]".into(),
            ..requirement
        };
        let resolved = cache.open("mine", &other, &placement).await.expect("open");
        assert!(!Arc::ptr_eq(&opened[0], &resolved.connection));
    }
}
