//! What a component asks for beyond what another has been granted.

use std::fmt;

use super::ceilings::Ceiling;
use super::{Connections, Grant, HostRule, Manifest};

/// What a component asks for beyond a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excess {
    /// Whether it asks for connections where the grant has none.
    pub connections: bool,
    /// Places that no granted rule covers.
    pub hosts: Vec<HostRule>,
    /// Whether it asks for reads by any method where the grant has none.
    pub unsafe_reads: bool,
    /// Higher ceilings: which, what is asked, what is granted.
    pub ceilings: Vec<(Ceiling, u64, u64)>,
}

impl Excess {
    /// What `manifest` asks for beyond `grant`.
    #[must_use]
    pub fn of(manifest: &Manifest, grant: &Grant) -> Self {
        let is_covered = |rule: &HostRule| grant.hosts.iter().any(|granted| granted.covers(rule));
        let has_none = matches!(&grant.connections, Connections::These(ids) if ids.is_empty());
        let ceilings = Ceiling::ALL.into_iter().filter_map(|ceiling| {
            let asked = manifest.ceilings.or_default(ceiling);
            let granted = grant.ceilings.or_default(ceiling);
            (asked > granted).then_some((ceiling, asked, granted))
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
            ceilings: ceilings.collect(),
        }
    }

    /// Whether it asks for no more.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.connections.then(|| "a connection".to_owned());
        let hosts = self.hosts.iter().map(|rule| format!("`{rule}`"));
        let reads = self.unsafe_reads.then(|| "reads by any method".to_owned());
        let ceilings = self.ceilings.iter().map(|(ceiling, asked, granted)| {
            format!("{} {asked} instead of {granted}", ceiling.name())
        });
        let all: Vec<_> = connections
            .into_iter()
            .chain(hosts)
            .chain(reads)
            .chain(ceilings)
            .collect();
        f.write_str(&all.join(", "))
    }
}
