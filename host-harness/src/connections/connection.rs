//! Connections: a provider's base URL, credential and options.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::account;
use super::placement::{CredentialPlacement, PlacementFault};
use super::secret::{CredentialHeader, HeaderFault, Removed, SecretError, SecretSource};
use crate::money::Money;
use crate::net::{BaseUrl, Origin};

/// A connection's stable name, the name of its table in `zoetrope.toml`: 1 to 64 ASCII
/// letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(String);

impl ConnectionId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text is not a connection's id. The error never shows the text: it may be a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a connection's id is 1 to 64 letters, digits, `-` and `_`")]
pub struct ConnectionIdError;

impl FromStr for ConnectionId {
    type Err = ConnectionIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=64).contains(&text.len()) && text.bytes().all(legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ConnectionIdError)
        }
    }
}

/// Where a connection's credential is stored, and how it is sent if not as the pack is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Where it is stored.
    pub source: SecretSource,
    /// The header it is sent in.
    pub header: Option<String>,
    /// The text before it in that header.
    pub prefix: Option<String>,
}

/// A configured provider. Holds no secret.
#[derive(Clone, PartialEq)]
pub struct Connection {
    id: ConnectionId,
    category: String,
    base_url: BaseUrl,
    credential: Option<Credential>,
    idempotency: Option<Duration>,
    requests_per_second: Option<f64>,
    max_cost: Option<Money>,
    result_origins: Vec<Origin>,
    options: Map<String, Value>,
}

/// Without the options: a user may have put a credential into them by mistake.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Connection");
        shown.field("id", &self.id);
        shown.field("category", &self.category);
        shown.field("base_url", &self.base_url);
        shown.finish_non_exhaustive()
    }
}

impl Connection {
    /// A connection without credential, options or honoured idempotency keys.
    #[must_use]
    pub fn new(id: ConnectionId, category: impl Into<String>, base_url: BaseUrl) -> Self {
        Self {
            id,
            category: category.into(),
            base_url,
            credential: None,
            idempotency: None,
            requests_per_second: None,
            max_cost: None,
            result_origins: Vec::new(),
            options: Map::new(),
        }
    }

    /// With a credential.
    #[must_use]
    pub fn with_credential(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }

    /// With the time for which its provider honours an idempotency key.
    #[must_use]
    pub fn with_idempotency(mut self, window: Duration) -> Self {
        self.idempotency = Some(window);
        self
    }

    /// With the most requests a second to its provider, for all jobs together: above 0.
    #[must_use]
    pub fn with_requests_per_second(mut self, rate: f64) -> Self {
        self.requests_per_second = Some(rate);
        self
    }

    /// With the most that one run costs there, as the operator states it. Neither the host nor the
    /// provider enforces it.
    #[must_use]
    pub fn with_max_cost(mut self, most: Money) -> Self {
        self.max_cost = Some(most);
        self
    }

    /// With the further origins of its results. A URL at one of them may have an address of this
    /// machine or of a private network. The credential is not sent there.
    #[must_use]
    pub fn with_result_origins(mut self, origins: Vec<Origin>) -> Self {
        self.result_origins = origins;
        self
    }

    /// With the provider's own settings.
    #[must_use]
    pub fn with_options(mut self, options: Map<String, Value>) -> Self {
        self.options = options;
        self
    }

    /// Its stable name.
    #[must_use]
    pub fn id(&self) -> &ConnectionId {
        &self.id
    }

    /// The kind of its provider: `pixelml`.
    #[must_use]
    pub fn category(&self) -> &str {
        &self.category
    }

    /// The provider's base URL.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        &self.base_url
    }

    /// Where its credential is stored.
    #[must_use]
    pub fn credential(&self) -> Option<&Credential> {
        self.credential.as_ref()
    }

    /// The header of its credential, if its `credential` table or its options set it.
    #[must_use]
    pub fn credential_header(&self) -> Option<&str> {
        let set = self.credential.as_ref()?.header.as_deref();
        set.or_else(|| self.option("credential_header"))
    }

    /// The text before its credential, if its `credential` table or its options set it.
    #[must_use]
    pub fn credential_prefix(&self) -> Option<&str> {
        let set = self.credential.as_ref()?.prefix.as_deref();
        set.or_else(|| self.option("credential_prefix"))
    }

    fn option(&self, key: &str) -> Option<&str> {
        self.options.get(key).and_then(Value::as_str)
    }

    /// How long its provider honours an idempotency key; `None`: it does not.
    #[must_use]
    pub fn idempotency(&self) -> Option<Duration> {
        self.idempotency
    }

    /// Most requests a second to its provider; `None`: the driver's default.
    #[must_use]
    pub fn requests_per_second(&self) -> Option<f64> {
        self.requests_per_second
    }

    /// The most that one run costs there, as the operator states it; `None`: not stated.
    #[must_use]
    pub fn max_cost(&self) -> Option<&Money> {
        self.max_cost.as_ref()
    }

    /// The further origins of its results, whose addresses need not be public.
    #[must_use]
    pub fn result_origins(&self) -> &[Origin] {
        &self.result_origins
    }

    /// The provider's own settings.
    #[must_use]
    pub fn options(&self) -> &Map<String, Value> {
        &self.options
    }

    /// The connection without its credential, for calls that send nothing.
    #[must_use]
    pub fn without_credential(self: Arc<Self>) -> OpenConnection {
        OpenConnection {
            connection: self,
            credential: None,
            credential_note: None,
        }
    }

    /// Checks that its credential, if it has one, is sent as the pack declares. It is not read.
    ///
    /// # Errors
    ///
    /// [`OpenError::Placement`].
    pub fn check_placement(&self, placement: &CredentialPlacement) -> Result<(), OpenError> {
        if self.credential.is_none() {
            return Ok(());
        }
        let resolved = placement.resolve(self.credential_header(), self.credential_prefix());
        let id = self.id.clone();
        resolved
            .map(drop)
            .map_err(|source| OpenError::Placement { id, source })
    }

    /// The connection with its credential, read now. The header's name and prefix come from
    /// the connection's `credential` table, else from the options `credential_header` and
    /// `credential_prefix`, else from the pack's `placement`.
    ///
    /// # Errors
    ///
    /// When a credential is configured and cannot be read or sent, or not as the pack declares.
    pub fn open(
        self: Arc<Self>,
        placement: &CredentialPlacement,
    ) -> Result<OpenConnection, OpenError> {
        let Some(configured) = &self.credential else {
            return Ok(self.without_credential());
        };
        let id = || self.id.clone();
        let (name, prefix) = placement
            .resolve(self.credential_header(), self.credential_prefix())
            .map_err(|source| OpenError::Placement { id: id(), source })?;
        let (secret, removed) = configured
            .source
            .read_for(prefix)
            .map_err(|source| OpenError::Secret { id: id(), source })?;
        let credential = CredentialHeader::new(name, prefix, secret)
            .map_err(|source| OpenError::Header { id: id(), source })?;
        let note = note_on(removed, &self.id, &configured.source);
        Ok(OpenConnection {
            credential: Some(credential),
            credential_note: note,
            connection: self,
        })
    }
}

/// The sentence about what was removed around a credential, or left before it, if anything was.
fn note_on(removed: Removed, id: &ConnectionId, place: &SecretSource) -> Option<String> {
    let mut parts = Vec::new();
    if !removed.is_nothing() {
        parts.push(format!("removed {removed} from the credential in {place}"));
    }
    if removed.keeps_bearer() {
        parts.push(format!(
            "the credential in {place} begins with `Bearer`, which is sent as a part of it"
        ));
    }
    (!parts.is_empty()).then(|| format!("connection `{id}`: {}", parts.join("; ")))
}

/// Why a connection cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its credential is missing or unusable.
    #[error("connection `{id}` has no usable credential")]
    Secret {
        /// The connection.
        id: ConnectionId,
        /// Why.
        source: SecretError,
    },
    /// Its credential is not sent as the pack declares.
    #[error("connection `{id}` does not send its credential as the pack declares")]
    Placement {
        /// The connection.
        id: ConnectionId,
        /// The rule that is missing.
        source: PlacementFault,
    },
    /// Its credential cannot be sent as configured.
    #[error("connection `{id}` cannot send its credential")]
    Header {
        /// The connection.
        id: ConnectionId,
        /// Why.
        source: HeaderFault,
    },
}

/// A connection that calls can use. It may hold the credential, so it has no `Debug`.
pub struct OpenConnection {
    connection: Arc<Connection>,
    credential: Option<CredentialHeader>,
    credential_note: Option<String>,
}

impl OpenConnection {
    /// The connection as configured.
    #[must_use]
    pub fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// The provider's base URL.
    #[must_use]
    pub fn base_url(&self) -> &BaseUrl {
        &self.connection.base_url
    }

    /// A sentence for the user about what was removed around the credential, or left before it, if
    /// anything was. It has no part of the credential.
    #[must_use]
    pub fn credential_note(&self) -> Option<&str> {
        self.credential_note.as_deref()
    }

    /// A sentence for the user about a credential that is too short to be redacted in replies that
    /// echo it.
    #[must_use]
    pub fn credential_warning(&self) -> Option<String> {
        let credential = self.credential.as_ref()?;
        (!credential.is_redacted()).then(|| {
            format!(
                "the credential of connection `{}` is too short to be hidden in replies that repeat it",
                self.connection.id
            )
        })
    }

    /// A salted digest of the credential and of the provider's origin, for the record of a submit;
    /// `none` without a credential. Two digests of one credential differ;
    /// [`is_account`](Self::is_account) compares.
    #[must_use]
    pub fn account(&self) -> String {
        match &self.credential {
            Some(credential) => account::recorded(credential, self.base_url().origin()),
            None => account::NO_CREDENTIAL.into(),
        }
    }

    /// Whether `recorded`, which [`account`](Self::account) returned, is of this credential and
    /// this provider.
    #[must_use]
    pub fn is_account(&self, recorded: &str) -> bool {
        match &self.credential {
            Some(credential) => {
                account::is_recorded(recorded, credential, self.base_url().origin())
            }
            None => recorded == account::NO_CREDENTIAL,
        }
    }

    /// The credential, unless the connection has none or was opened without it.
    pub(crate) fn credential(&self) -> Option<&CredentialHeader> {
        self.credential.as_ref()
    }
}

#[cfg(test)]
mod tests;
