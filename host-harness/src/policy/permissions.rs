//! The permissions of a loaded pack: what its manifest asks for and the operator grants.

use std::fmt;
use std::sync::Arc;

use http::Method;
use url::Url;

use super::{Bounds, Connections, Grant, HostRule, Manifest, Missing, PackLimit};
use crate::connections::Connection;
use crate::digest::Sha256Digest;

/// The permissions of a loaded pack.
#[derive(Clone, Debug)]
pub struct Permissions {
    digest: Sha256Digest,
    manifest: Arc<Manifest>,
    grant: Arc<Grant>,
    bounds: Bounds,
}

impl Permissions {
    pub(super) fn new(digest: Sha256Digest, manifest: Manifest, grant: Arc<Grant>) -> Self {
        Self {
            bounds: Bounds::of(&manifest.limits, &grant.limits),
            manifest: Arc::new(manifest),
            digest,
            grant,
        }
    }

    /// The component's manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The operator's grant.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Its effective limits.
    #[must_use]
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Checks whether its calls may use this connection.
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

    /// Checks whether a request may be sent to `url`, which is not its connection's.
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

    /// Checks whether `poll` and `adopt` may send a request with this method, which is not
    /// safe: it could change something at the provider and so cost money.
    ///
    /// # Errors
    ///
    /// The rule that is missing.
    pub fn unsafe_read(&self, method: &Method) -> Result<(), Missing> {
        let what = format!("read the state of a job by {method}");
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

    /// The rule that would raise a limit.
    #[must_use]
    pub fn beyond(&self, limit: PackLimit) -> Missing {
        let bound = self.bounds.of_one(limit);
        let what = format!("have more than {}", limit.amount(bound));
        let wanted = bound.saturating_mul(2);
        if self.manifest.limits.asked(limit) <= bound {
            return Missing::Asked {
                what,
                line: format!("\"limits\": {{ \"{}\": {wanted} }}", limit.name()),
            };
        }
        let more = self.grant.limits.clone().with(limit, wanted);
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
