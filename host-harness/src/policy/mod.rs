//! What a pack may do: what its manifest asks for, as far as the operator grants it.
//!
//! - [`Manifest`]: what a component asks for, written into it by its author
//! - [`Grant`]: what the operator lets it do, a table of `zoetrope.toml`
//! - [`Permissions`]: what both say, which is what holds
//! - [`Policy`]: the grants by component digest; a digest without one runs nothing
//! - [`HostRule`], [`Ceilings`]: what manifests and grants are made of
//!
//! The connection that a call is given, and the host of its base URL, need no host rule:
//! being granted the connection is being granted its provider. Nothing here sends
//! anything; the broker ([`egress`](crate::egress)) asks before it does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use http::Method;
use url::Url;

use crate::connections::{Connection, ConnectionId};
use crate::digest::Sha256Digest;

mod allowance;
mod ceilings;
mod excess;
mod hosts;
mod manifest;

pub(crate) use allowance::Allowance;
pub use ceilings::{Bounds, Ceiling, Ceilings};
pub use excess::Excess;
pub use hosts::{HostRule, HostRuleError};
pub use manifest::{Manifest, ManifestError, SECTION};

/// What the operator lets a pack do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The pack's name, for people.
    pub name: String,
    /// Which connections its calls may be given.
    pub connections: Connections,
    /// Where it may send requests besides, without any credential.
    pub hosts: Vec<HostRule>,
    /// Whether its reads may be other than `GET` and `HEAD`.
    pub unsafe_reads: bool,
    /// The most it may use up; the defaults where nothing is said.
    pub ceilings: Ceilings,
}

/// Connections that a pack may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connections {
    /// Any of a category that its manifest names.
    Any,
    /// These.
    These(BTreeSet<ConnectionId>),
}

impl Grant {
    /// Everything that the manifest asks for: what a trusted component has.
    #[must_use]
    pub fn as_asked(manifest: &Manifest) -> Self {
        Self {
            name: manifest.name.clone(),
            connections: Connections::Any,
            hosts: manifest.hosts.clone(),
            unsafe_reads: manifest.unsafe_reads,
            ceilings: manifest.ceilings.clone(),
        }
    }
}

/// The grants of an operator, by component digest. The default allows no component.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    grants: BTreeMap<Sha256Digest, Arc<Grant>>,
    trusted: Option<Sha256Digest>,
}

impl Policy {
    /// The same, with the component of this digest trusted: without a grant of its own it may
    /// do everything that its manifest asks for, and no share of the driver's calls is kept
    /// from it. For the pack that comes with the program.
    #[must_use]
    pub fn trusting(self, digest: impl Into<Sha256Digest>) -> Self {
        Self {
            trusted: Some(digest.into()),
            ..self
        }
    }

    /// Whether the component of this digest is trusted.
    #[must_use]
    pub fn trusts(&self, digest: &Sha256Digest) -> bool {
        self.trusted.as_ref() == Some(digest)
    }

    /// The same with a grant for the component of this digest.
    #[must_use]
    pub fn with(mut self, digest: Sha256Digest, grant: Grant) -> Self {
        self.grants.insert(digest, Arc::new(grant));
        self
    }

    /// Every grant by digest; the trusted component's is not among them unless the
    /// operator has written one.
    pub fn grants(&self) -> impl Iterator<Item = (&Sha256Digest, &Grant)> {
        self.grants
            .iter()
            .map(|(digest, grant)| (digest, grant.as_ref()))
    }

    /// The grant of the component with this digest.
    #[must_use]
    pub fn grant(&self, digest: &Sha256Digest) -> Option<&Grant> {
        self.grants.get(digest).map(Arc::as_ref)
    }

    /// What the component with this digest and manifest may do.
    ///
    /// # Errors
    ///
    /// When nobody has allowed it.
    pub fn permissions(
        &self,
        digest: Sha256Digest,
        manifest: Manifest,
    ) -> Result<Permissions, NotAllowed> {
        let grant = match self.grants.get(&digest) {
            Some(grant) => Arc::clone(grant),
            None if self.trusts(&digest) => Arc::new(Grant::as_asked(&manifest)),
            None => {
                let more = self.excess(&manifest);
                return Err(NotAllowed { digest, more });
            }
        };
        Ok(Permissions::new(digest, manifest, grant))
    }

    /// What a component with this manifest asks for beyond an allowed one of its name; of
    /// several, beyond one that covers it. `None` where there is none of its name.
    #[must_use]
    pub fn excess(&self, manifest: &Manifest) -> Option<Excess> {
        let namesakes = self
            .grants
            .values()
            .filter(|grant| !grant.name.is_empty() && grant.name == manifest.name);
        let excesses = namesakes.map(|grant| Excess::of(manifest, grant));
        excesses.min_by_key(|excess| !excess.is_empty())
    }
}

/// Nobody has allowed this component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAllowed {
    /// Its digest.
    pub digest: Sha256Digest,
    /// What it asks for beyond what an allowed pack of the same name has.
    pub more: Option<Excess>,
}

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nobody has allowed the component {} here", self.digest)?;
        match &self.more {
            Some(more) if !more.is_empty() => {
                write!(f, "; it asks for more than the allowed one: {more}")
            }
            Some(_) => write!(f, "; it asks for no more than the allowed one"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for NotAllowed {}

/// What a loaded pack may do.
#[derive(Clone, Debug)]
pub struct Permissions {
    digest: Sha256Digest,
    manifest: Arc<Manifest>,
    grant: Arc<Grant>,
    bounds: Bounds,
}

impl Permissions {
    fn new(digest: Sha256Digest, manifest: Manifest, grant: Arc<Grant>) -> Self {
        Self {
            bounds: Bounds::of(&manifest.ceilings, &grant.ceilings),
            manifest: Arc::new(manifest),
            digest,
            grant,
        }
    }

    /// What the component asks for.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What the operator grants.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The most it may use up.
    #[must_use]
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Whether its calls may be given this connection.
    ///
    /// # Errors
    ///
    /// The rule that is missing.
    pub fn connection(&self, connection: &Connection) -> Result<(), Missing> {
        let category = connection.category();
        if !self.manifest.connections.contains(category) {
            return Err(Missing::Asked {
                what: format!("use a connection of category `{category}`"),
                line: format!("\"connections\": [\"{category}\"]"),
            });
        }
        match &self.grant.connections {
            Connections::Any => Ok(()),
            Connections::These(granted) if granted.contains(connection.id()) => Ok(()),
            Connections::These(granted) => {
                let ids = granted.iter().chain([connection.id()]);
                Err(self.not_granted(
                    format!("use the connection `{}`", connection.id()),
                    array("connections", ids),
                ))
            }
        }
    }

    /// Whether a request with this method may go to `url`, which is not its connection's.
    ///
    /// # Errors
    ///
    /// The rule that is missing.
    pub fn request(&self, method: &Method, url: &Url) -> Result<(), Missing> {
        let permits = |rules: &[HostRule]| rules.iter().any(|rule| rule.permits(method, url));
        if permits(&self.manifest.hosts) && permits(&self.grant.hosts) {
            return Ok(());
        }
        let Some(rule) = HostRule::of_request(method, url) else {
            return Err(Missing::Never);
        };
        if !permits(&self.manifest.hosts) {
            return Err(Missing::Asked {
                what: format!("send `{rule}`"),
                line: format!("\"hosts\": [\"{rule}\"]"),
            });
        }
        let rules = self.grant.hosts.iter().chain([&rule]);
        Err(self.not_granted(format!("send `{rule}`"), array("hosts", rules)))
    }

    /// Whether a call that finds out how a job stands may send a request with this method,
    /// which can change something, and so cost money.
    ///
    /// # Errors
    ///
    /// The rule that is missing.
    pub fn unsafe_read(&self, method: &Method) -> Result<(), Missing> {
        let what = format!("ask by {method} how a job stands");
        if !self.manifest.unsafe_reads {
            return Err(Missing::Asked {
                what,
                line: "\"unsafe_reads\": true".into(),
            });
        }
        if !self.grant.unsafe_reads {
            return Err(self.not_granted(what, "unsafe_reads = true".into()));
        }
        Ok(())
    }

    /// The rule that would let it use up more.
    #[must_use]
    pub fn beyond(&self, ceiling: Ceiling) -> Missing {
        let bound = self.bounds.of_one(ceiling);
        let what = format!("have more than {}", ceiling.amount(bound));
        let wanted = bound.saturating_mul(2);
        if self.manifest.ceilings.or_default(ceiling) <= bound {
            return Missing::Asked {
                what,
                line: format!("\"ceilings\": {{ \"{}\": {wanted} }}", ceiling.name()),
            };
        }
        let more = self.grant.ceilings.clone().with(ceiling, wanted);
        self.not_granted(what, more.line())
    }

    fn not_granted(&self, what: String, line: String) -> Missing {
        Missing::Granted {
            what,
            table: format!("[packs.{}]", self.digest),
            line,
        }
    }
}

/// A line of TOML: a key and an array of texts, none of which needs escaping.
fn array<T: fmt::Display>(key: &str, items: impl Iterator<Item = T>) -> String {
    let items: Vec<_> = items.map(|item| format!("\"{item}\"")).collect();
    format!("{key} = [{}]", items.join(", "))
}

/// The rule that is missing for something that a pack tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The component does not ask for it, so that the operator cannot grant it.
    #[error("the pack's manifest does not ask to {what}; its author writes {line} into it")]
    Asked {
        /// What it tried, after "to".
        what: String,
        /// What the manifest would have to say.
        line: String,
    },
    /// The component asks for it, and the operator has not granted it.
    #[error(
        "the pack is not allowed to {what}; to allow it, under {table} in zoetrope.toml: {line}"
    )]
    Granted {
        /// What it tried, after "to".
        what: String,
        /// The table of the configuration.
        table: String,
        /// The line of that table.
        line: String,
    },
    /// No rule can allow it.
    #[error("no rule can allow a pack to send this")]
    Never,
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
