//! Opens the connections that rows name.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::key_place::check_key_option;
use crate::config::Config;
use crate::connections::{
    Connection, CredentialPlacement, KeyringFault, OpenConnection, OpenError, SecretError,
};
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
    /// Calls for different connections, and for different requirements of one connection, may
    /// overlap; those for the same do not. One that takes long holds up its own jobs alone.
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
            ResolvedConnection::opened(found, placement).await
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
    /// As [`configured`](Self::configured). While a program or the user is asked for the credential,
    /// the caller's thread goes on.
    ///
    /// # Errors
    ///
    /// As [`configured`](Self::configured).
    pub async fn opened(
        connection: Arc<Connection>,
        placement: &CredentialPlacement,
    ) -> Result<Self, JobError> {
        let credential = connection.credential();
        if !credential.is_some_and(|credential| credential.source.may_wait()) {
            return Self::configured(connection, placement);
        }
        let placement = placement.clone();
        let opening = tokio::task::spawn_blocking(move || Self::configured(connection, &placement));
        opening.await.unwrap_or_else(|error| {
            let message = format!("the credential was not read: {error}");
            Err(JobError::new(ErrorKind::ConnectionUnavailable, message))
        })
    }

    /// Opens a configured connection; `provider_origin` is the origin of its base URL.
    ///
    /// # Errors
    ///
    /// `bad_config`, when the credential is in a keyring and this build has no support for one;
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
                OpenError::Secret {
                    source:
                        SecretError::Keyring {
                            source: KeyringFault::NotBuiltIn,
                        },
                    ..
                } => ErrorKind::BadConfig,
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

/// Checks what a connection says about its own requests, as [`ResolvedConnection::configured`] does,
/// without its credential.
///
/// # Errors
///
/// As [`ResolvedConnection::configured`], but for the credential itself.
pub fn check_connection(
    connection: &Connection,
    placement: &CredentialPlacement,
) -> Result<(), JobError> {
    check_key_option(connection)?;
    let checked = connection.check_placement(placement);
    checked.map_err(|error| JobError::new(ErrorKind::Denied, chain(&error)))
}

/// A cache of open connections. Packs share an open connection only if everything that it was
/// opened for is the same.
pub(super) struct Connections {
    resolver: Arc<dyn ConnectionResolver>,
    /// Locked for a moment. Each slot is locked while its connection is opened.
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

/// The open connection of a key, and since when it is open.
type Slot = Mutex<Option<(ResolvedConnection, Instant)>>;

/// Whether a connection that was opened at this time is still used.
fn is_fresh(at: Instant) -> bool {
    at.elapsed() < LIFETIME
}

/// Whether a slot is in use, or has a connection that is.
fn is_kept(slot: &Arc<Slot>) -> bool {
    Arc::strong_count(slot) > 1
        || slot
            .try_lock()
            .is_ok_and(|open| open.as_ref().is_some_and(|(_, at)| is_fresh(*at)))
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
            slots: Mutex::default(),
        }
    }

    pub(super) async fn open(
        &self,
        connection: &str,
        requirement: &ConnectionRequirement,
        placement: &CredentialPlacement,
    ) -> Result<ResolvedConnection, JobError> {
        let key = Key::of(connection, requirement, placement);
        let slot = {
            let mut slots = self.slots.lock().await;
            // A catalog may declare another requirement at every call.
            slots.retain(|_, slot| is_kept(slot));
            Arc::clone(slots.entry(key).or_default())
        };
        let mut open = slot.lock().await;
        if let Some((resolved, at)) = &*open
            && is_fresh(*at)
        {
            return Ok(resolved.clone());
        }
        let opening = self.resolver.open(connection, requirement, placement);
        let resolved = opening.await?;
        *open = Some((resolved.clone(), Instant::now()));
        Ok(resolved)
    }

    /// Removes a connection from the cache after a request failed with an error of this kind. One that
    /// is being opened is used by the jobs that wait for it alone. A refused credential is asked for
    /// again.
    pub(super) async fn forget(&self, connection: &str, kind: ErrorKind) {
        let mut slots = self.slots.lock().await;
        slots.retain(|key, slot| {
            let is_other = key.connection != connection;
            if !is_other
                && kind == ErrorKind::Unauthorized
                && let Ok(open) = slot.try_lock()
                && let Some((resolved, _)) = &*open
                && let Some(credential) = resolved.connection.connection().credential()
            {
                credential.source.forget();
            }
            is_other
        });
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

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

    /// Opens every connection but `slow`, for which it waits forever.
    struct OpensSlowly(Opens);

    impl ConnectionResolver for OpensSlowly {
        fn open<'a>(
            &'a self,
            connection: &'a str,
            requirement: &'a ConnectionRequirement,
            placement: &'a CredentialPlacement,
        ) -> BoxFuture<'a, Result<ResolvedConnection, JobError>> {
            if connection == "slow" {
                return Box::pin(std::future::pending());
            }
            self.0.open(connection, requirement, placement)
        }
    }

    #[tokio::test]
    async fn slow_resolver_of_one_connection_holds_up_no_other() {
        let base = "https://api.example.com".parse().expect("base");
        let connection = Connection::new("mine".parse().expect("id"), "pixelml", base);
        let resolver = OpensSlowly(Opens(Arc::new(connection)));
        let cache = Connections::new(Arc::new(resolver));
        let requirement = requirement();
        let placement = CredentialPlacement::new("authorization", "");
        let mut slow = Box::pin(cache.open("slow", &requirement, &placement));
        assert!((&mut slow).now_or_never().is_none());
        let opened = cache.open("mine", &requirement, &placement).now_or_never();
        assert!(opened.expect("not held up").is_ok());
        for connection in ["mine", "slow"] {
            let kind = ErrorKind::Unavailable;
            cache
                .forget(connection, kind)
                .now_or_never()
                .expect("forgotten");
        }
        assert!(slow.now_or_never().is_none());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn program_is_asked_again_after_its_credential_was_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let script = format!(
            "cd '{}' && echo run >> runs && echo sk-$(grep -c run runs)",
            folder.path().display()
        );
        let words = ["/bin/sh", "-c", &script].map(std::ffi::OsString::from);
        let command = crate::external_command::ExternalCommand::new(words).expect("a command");
        let base = "https://api.example.com".parse().expect("base");
        let connection = Connection::new("mine".parse().expect("id"), "pixelml", base);
        let connection = connection.with_credential(Credential {
            source: SecretSource::Program(crate::connections::CredentialProgram::new(command)),
            header: None,
            prefix: None,
        });
        let cache = Connections::new(Arc::new(Opens(Arc::new(connection))));
        let (requirement, placement) = (requirement(), CredentialPlacement::new("x-api-key", ""));
        for (kind, expected) in [
            (None, "sk-1"),
            (Some(ErrorKind::Unavailable), "sk-1"),
            (Some(ErrorKind::Unauthorized), "sk-2"),
        ] {
            if let Some(kind) = kind {
                cache.forget("mine", kind).await;
            }
            let resolved = cache.open("mine", &requirement, &placement).await;
            let resolved = resolved.expect("open");
            let credential = resolved.connection.credential().expect("a credential");
            assert_eq!(credential.searched_text(), expected, "{kind:?}");
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
