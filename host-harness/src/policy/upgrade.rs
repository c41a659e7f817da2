//! Compares a component's manifest with the grant of an earlier component.

use std::fmt;

use super::limits::PackLimit;
use super::{Connections, Grant, HostRule, Manifest};

/// The permissions that a component asks for beyond a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdditionalPermissions {
    /// Whether it asks for connections where the grant has none.
    pub connections: bool,
    /// Host rules that no granted rule covers.
    pub hosts: Vec<HostRule>,
    /// Whether it asks for reads by any method and the grant has none.
    pub unsafe_reads: bool,
    /// Higher limits: the limit, the asked amount, the granted amount.
    pub limits: Vec<(PackLimit, u64, u64)>,
}

impl AdditionalPermissions {
    /// The permissions that `manifest` asks for beyond `grant`.
    #[must_use]
    pub fn of(manifest: &Manifest, grant: &Grant) -> Self {
        let is_covered = |rule: &HostRule| grant.hosts.iter().any(|granted| granted.covers(rule));
        let has_none = matches!(&grant.connections, Connections::These(ids) if ids.is_empty());
        let limits = PackLimit::ALL.into_iter().filter_map(|limit| {
            let asked = manifest.limits.or_default(limit);
            let granted = grant.limits.or_default(limit);
            (asked > granted).then_some((limit, asked, granted))
        });
        Self {
            connections: has_none && !manifest.connections.is_empty(),
            hosts: manifest
                .hosts
                .iter()
                .filter(|rule| !is_covered(rule))
                .cloned()
                .collect(),
            unsafe_reads: manifest.unsafe_reads && !grant.unsafe_reads,
            limits: limits.collect(),
        }
    }

    /// Whether it asks for no additional permission.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for AdditionalPermissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.connections.then(|| "a connection".to_owned());
        let hosts = self.hosts.iter().map(|rule| format!("`{rule}`"));
        let reads = self.unsafe_reads.then(|| "reads by any method".to_owned());
        let limits = self.limits.iter().map(|(limit, asked, granted)| {
            format!("{} {asked} instead of {granted}", limit.name())
        });
        let all: Vec<_> = connections
            .into_iter()
            .chain(hosts)
            .chain(reads)
            .chain(limits)
            .collect();
        f.write_str(&all.join(", "))
    }
}
