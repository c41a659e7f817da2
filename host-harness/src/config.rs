//! The configuration file `zoetrope.toml`: the connections, and the packs that may run.
//!
//! ```toml
//! [connections.pixelml]                         # the table's name is the connection's id
//! category = "pixelml"
//! base_url = "https://api.example.com"
//! credential = { env = "PIXELML_API_KEY" }      # or { file = "…" }, { command = ["…"] },
//!                                               # { keyring = true }
//! idempotency = "24h"                           # absent or false: keys are not honoured
//! requests_per_second = 10                      # for all jobs together; 10 when absent
//! result_origins = ["http://media.internal"]    # further origins that need not be public
//! options = { wire = "jobs" }
//!
//! [network]                                     # how requests leave this machine
//! proxy = "http://proxy.example:3128"           # or "none"; absent: the proxy variables
//! proxy_resolves = false                        # whether hosts without an address here pass
//! ca_file = "company-ca.pem"                    # trusted besides the platform's authorities
//!
//! [packs.<digest>]                              # a component that may run; see `policy`
//! name = "example-pack"
//! connections = ["pixelml"]
//! hosts = ["GET https://cdn.example.com/media"]
//! limits = { requests_per_minute = 600 }
//!
//! [hooks]
//! on_end = ["notify-send", "clip ready"]        # run when a job has ended
//! ```
//!
//! Unknown keys are errors. An error names file, line and column and never quotes the line,
//! which may contain a misplaced credential.
//!
//! - [`Config`]: a configuration that was parsed
//! - [`Places`]: where its file is looked for; [`ConfigFile`]: a file that was read
//! - [`TrustRecord`]: the files of working directories that the user trusts; [`Effects`]: what
//!   a file does, for the user who decides that
//! - [`check()`], [`check_categories`] and [`check_options`]: every problem of a text;
//!   [`UnusedConnection`]: a connection that no node uses
//! - [`create_file`] and others write files

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use crate::bounded::FileFault;
use crate::connections::{Connection, ConnectionId};
use crate::digest::Sha256Digest;
use crate::external_command::ExternalCommand;
use crate::net::Network;
use crate::policy::Policy;

mod categories;
mod check;
mod credential;
mod effects;
mod error;
mod file;
mod location;
mod options;
mod result_origin;
mod source;
mod trust;
mod write;

pub use crate::bounded::is_inherited;
pub use categories::UnusedConnection;
pub use check::{Problem, check};
pub use effects::{ConnectionEffects, Effects, GrantEffects};
pub use error::{ConfigError, Listed, SelectError};
pub use location::{
    CONFIG_FILE, CONFIG_VARIABLE, Located, NotTrusted, Place, Places, TRUST_FILE, recorded_path,
};
pub use options::{check_categories, check_options, option_problem};
pub use source::ConfigFile;
pub use trust::{TrustError, TrustRecord, TrustedFile};
pub use write::{create_file, create_private_folder, replace_file};

/// A configuration. The default is empty.
///
/// # Example
///
/// ```
/// use std::path::Path;
///
/// use zoetrope_host::config::Config;
///
/// let text = r#"
///     [connections.pixelml]
///     category = "pixelml"
///     base_url = "https://api.example.com"
///     credential = { env = "PIXELML_API_KEY" }
/// "#;
/// let config = Config::parse(text, Path::new("zoetrope.toml"))?;
/// let connection = config.connection("pixelml").ok_or("no connection")?;
/// assert_eq!(connection.category(), "pixelml");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    source: Option<PathBuf>,
    connections: BTreeMap<ConnectionId, Arc<Connection>>,
    network: Network,
    policy: Policy,
    on_end: Option<ExternalCommand>,
}

impl Config {
    /// Reads the file at `path`, which the caller trusts. [`Places`] finds the file that the
    /// program uses.
    ///
    /// # Errors
    ///
    /// When it cannot be read or parsed.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::of(&ConfigFile::read(path)?)
    }

    /// Parses a file that was read.
    ///
    /// # Errors
    ///
    /// When it is not a valid configuration.
    pub fn of(file: &ConfigFile) -> Result<Self, ConfigError> {
        Self::parse(file.text(), file.path())
    }

    /// Parses `text`, the content of `path`. The files of credentials and of certificates, and the
    /// paths of programs, are relative to the folder of `path`.
    ///
    /// # Errors
    ///
    /// When it is not a valid configuration.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let content = file::read(text, path)?;
        let connections = content
            .connections
            .into_iter()
            .map(|connection| (connection.id().clone(), Arc::new(connection)))
            .collect();
        Ok(Self {
            source: Some(path.to_owned()),
            connections,
            network: content.network,
            policy: content.policy,
            on_end: content.on_end,
        })
    }

    /// This configuration with a policy that trusts the component of this digest.
    #[must_use]
    pub fn trusting(mut self, digest: impl Into<Sha256Digest>) -> Self {
        self.policy = self.policy.trusting(digest);
        self
    }

    /// The grants of the packs that may run.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The proxy and further certificate authorities.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The command that is run when a job has ended.
    #[must_use]
    pub fn on_end(&self) -> Option<&ExternalCommand> {
        self.on_end.as_ref()
    }

    /// The file that it was read from, if any.
    #[must_use]
    pub fn source(&self) -> Option<&Path> {
        self.source.as_deref()
    }

    /// Every connection, by id.
    pub fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.connections.values()
    }

    /// The connection of this id.
    #[must_use]
    pub fn connection(&self, id: &str) -> Option<&Arc<Connection>> {
        self.connections.get(&id.parse().ok()?)
    }

    /// The connections whose category is none of `known`, by id.
    #[must_use]
    pub fn unused_connections(&self, known: &BTreeSet<String>) -> Vec<UnusedConnection> {
        categories::unused(self.connections(), known)
    }

    /// The connection for a node of `category`: the one named `wanted`, else the only one of the
    /// category. `None` if no name is given and the category has no connection.
    ///
    /// # Errors
    ///
    /// When `wanted` does not exist or is of another category, or when no name is given and the
    /// category has several.
    pub fn select(
        &self,
        category: &str,
        wanted: Option<&str>,
    ) -> Result<Option<&Arc<Connection>>, SelectError> {
        if let Some(id) = wanted {
            let connection = self.connection(id).ok_or_else(|| SelectError::Unknown {
                id: id.to_owned(),
                known: Listed(self.connections.keys().cloned().collect()),
            })?;
            if connection.category() != category {
                return Err(SelectError::Category {
                    id: connection.id().clone(),
                    category: connection.category().to_owned(),
                    wanted: category.to_owned(),
                });
            }
            return Ok(Some(connection));
        }
        let matching: Vec<_> = self
            .connections()
            .filter(|connection| connection.category() == category)
            .collect();
        match matching[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            _ => Err(SelectError::Several {
                category: category.to_owned(),
                known: Listed(matching.iter().map(|one| one.id().clone()).collect()),
            }),
        }
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
