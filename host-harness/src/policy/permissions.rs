//! The permissions of a loaded pack: what its manifest asks for and the operator grants.

use std::fmt;
use std::sync::Arc;

use http::Method;
use url::Url;

use super::{
    Bounds, Connections, CredentialPlace, CredentialPlaceError, Grant, HostRule, KeyPlace,
    Manifest, Missing, PackLimit, Route,
};
use crate::connections::{Connection, CredentialPlacement};
use crate::contract::ConnectionRequirement;
use crate::digest::Sha256Digest;
use crate::sanitize::sentence;

/// The permissions of a loaded pack.
#[derive(Clone, Debug)]
pub struct Permissions {
    digest: Sha256Digest,
    manifest: Arc<Manifest>,
    grant: Arc<Grant>,
    bounds: Bounds,
    is_trusted: bool,
}

impl Permissions {
    pub(super) fn new(
        digest: Sha256Digest,
        manifest: Manifest,
        grant: Arc<Grant>,
        is_trusted: bool,
    ) -> Self {
        Self {
            bounds: Bounds::of(&manifest.limits, &grant.limits),
            manifest: Arc::new(manifest),
            digest,
            grant,
            is_trusted,
        }
    }

    /// Whether the component is the trusted one, the pack that is bundled with the program.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.is_trusted
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

    /// Checks whether a picture may be uploaded by `method` to `path`, which is below the base URL
    /// of the connection.
    ///
    /// # Errors
    ///
    /// The rule that is missing.
    pub fn upload(&self, method: &Method, path: &str) -> Result<(), Missing> {
        let (asked, granted) = (&self.manifest.uploads, &self.grant.uploads);
        let missing = self.route(asked, granted, method, path);
        missing.map_or(Ok(()), |missing| {
            Err(match missing {
                MissingRoute::Never => Missing::Never,
                MissingRoute::Asked(route) => Missing::AskedUpload { route },
                MissingRoute::Granted { route, line } => {
                    let what = format!("upload a picture by `{route}`");
                    self.not_granted(what, array("uploads", line.iter()))
                }
            })
        })
    }

    /// Checks whether a job may be cancelled by `method` at `path`, which is below the base URL of
    /// the connection.
    ///
    /// # Errors
    ///
    /// The rule that is missing.
    pub fn cancel(&self, method: &Method, path: &str) -> Result<(), Missing> {
        let (asked, granted) = (&self.manifest.cancels, &self.grant.cancels);
        let missing = self.route(asked, granted, method, path);
        missing.map_or(Ok(()), |missing| {
            Err(match missing {
                MissingRoute::Never => Missing::Never,
                MissingRoute::Asked(route) => Missing::AskedCancel { route },
                MissingRoute::Granted { route, line } => {
                    let what = format!("cancel a job by `{route}`");
                    self.not_granted(what, array("cancels", line.iter()))
                }
            })
        })
    }

    /// Whether a route of cancellations that is asked for and granted names this path without `*`.
    #[must_use]
    pub fn names_cancel(&self, method: &Method, path: &str) -> bool {
        let names = |route: &Route| route.is_literal() && route.permits(method, path);
        self.manifest.cancels.iter().any(names) && self.grant.cancels.iter().any(names)
    }

    /// Whether a route of cancellations that is asked for and granted permits this path, and does not
    /// end with `*`.
    #[must_use]
    pub fn ends_cancel(&self, method: &Method, path: &str) -> bool {
        let ends = |route: &Route| route.has_named_end() && route.permits(method, path);
        self.manifest.cancels.iter().any(ends) && self.grant.cancels.iter().any(ends)
    }

    /// What is missing for a request on a route. The line of the grant has the manifest's own route,
    /// which covers the requests for other jobs too.
    fn route(
        &self,
        asked: &[Route],
        granted: &[Route],
        method: &Method,
        path: &str,
    ) -> Option<MissingRoute> {
        let permits = |route: &&Route| route.permits(method, path);
        // An earlier version of the program bundled it: manifests had no routes then.
        let is_older = self.is_trusted && asked.is_empty();
        let found = asked.iter().find(permits);
        if is_older || found.is_some() && granted.iter().any(|route| permits(&route)) {
            return None;
        }
        let Some(route) = Route::of_request(method, path) else {
            return Some(MissingRoute::Never);
        };
        Some(match found {
            None => MissingRoute::Asked(route),
            Some(found) => MissingRoute::Granted {
                route,
                line: granted.iter().chain([found]).cloned().collect(),
            },
        })
    }

    /// The header of the credential for connections of this category, if it is asked for and
    /// granted.
    #[must_use]
    pub fn credential(&self, category: &str) -> Option<&CredentialPlace> {
        let asked = self.manifest.credentials.get(category)?;
        (self.grant.credentials.get(category) == Some(asked)).then_some(asked)
    }

    /// Where the credential is sent over a connection with this requirement, if the connection does
    /// not say it. The trusted pack decides by its catalog. For another pack, the catalog decides
    /// nothing: the place is the granted one, else the usual one, and a connection does not open
    /// where the catalog declares another.
    #[must_use]
    pub fn credential_placement(&self, requirement: &ConnectionRequirement) -> CredentialPlacement {
        let header = &requirement.credential_header;
        let prefix = &requirement.credential_prefix;
        if self.is_trusted {
            return CredentialPlacement::new(header, prefix);
        }
        let category = &requirement.category;
        let granted = self
            .credential(category)
            .map_or_else(CredentialPlacement::default, |place| {
                CredentialPlacement::new(place.header(), place.prefix())
            });
        granted.declared(header, prefix, || {
            self.other_placement(category, header, prefix)
        })
    }

    /// Why the credential is not sent in a header that the catalog declares.
    fn other_placement(&self, category: &str, header: &str, prefix: &str) -> String {
        let place = match CredentialPlace::new(header, prefix) {
            Ok(place) => place,
            Err(CredentialPlaceError::Unfit { header }) => {
                return format!(
                    "the pack declares the header `{header}`, which cannot carry a credential; the connection's own `header` can name another"
                );
            }
            Err(error) => return format!("no rule can allow it: {error}"),
        };
        let what = format!("send the credential as `{place}`");
        let granted = &self.grant.credentials;
        let missing = if self.manifest.credentials.get(category) == Some(&place) {
            let others = granted.iter().filter(|(other, _)| *other != category);
            let all = others.map(|(category, place)| (category.as_str(), place));
            let all = all.chain([(category, &place)]).map(|(category, place)| {
                let (header, prefix) = (place.header(), place.prefix());
                format!("\"{category}\" = {{ header = \"{header}\", prefix = \"{prefix}\" }}")
            });
            let all: Vec<_> = all.collect();
            self.not_granted(what, format!("credentials = {{ {} }}", all.join(", ")))
        } else {
            let (header, prefix) = (place.header(), place.prefix());
            let category = sentence(category);
            let line = format!(
                "\"credentials\": {{ \"{category}\": {{ \"header\": \"{header}\", \"prefix\": \"{prefix}\" }} }}"
            );
            let header = format!("header = \"{header}\", prefix = \"{prefix}\"");
            let missing = Missing::Asked { what, line };
            return format!("{missing}; or the connection sets it in its `credential`: {header}");
        };
        missing.to_string()
    }

    /// Where a submit over a connection of this category carries the idempotency key, if it is
    /// asked for and granted.
    #[must_use]
    pub fn idempotency(&self, category: &str) -> Option<&KeyPlace> {
        let asked = self.manifest.idempotency.get(category)?;
        (self.grant.idempotency.get(category) == Some(asked)).then_some(asked)
    }

    /// Whether its refusals of a submit are believed after a reply with a status of 2xx.
    #[must_use]
    pub fn refusals_in_2xx(&self) -> bool {
        self.manifest.refusals_in_2xx && self.grant.refusals_in_2xx
    }

    /// How its refusals of a submit become believed after a reply with a status of 2xx; `None` if
    /// they are.
    #[must_use]
    pub fn missing_refusals(&self) -> Option<String> {
        if self.is_trusted || self.refusals_in_2xx() {
            return None;
        }
        Some(if self.manifest.refusals_in_2xx {
            format!(
                "if this provider refuses in replies with a status of 2xx, under [packs.{}] in zoetrope.toml: refusals_in_2xx = true",
                self.digest
            )
        } else {
            "if this provider refuses in replies with a status of 2xx, the pack's author writes \"refusals_in_2xx\": true into the manifest".into()
        })
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

/// What is missing for a request on a route.
enum MissingRoute {
    /// No rule can allow it.
    Never,
    /// The manifest has no route for this one.
    Asked(Route),
    /// The grant has no route for this one; `line`: its routes with the missing one.
    Granted { route: Route, line: Vec<Route> },
}

/// A line of TOML: a key and an array of texts, none of which needs escaping.
fn array<T: fmt::Display>(key: &str, items: impl Iterator<Item = T>) -> String {
    let items: Vec<_> = items.map(|item| format!("\"{item}\"")).collect();
    format!("{key} = [{}]", items.join(", "))
}
