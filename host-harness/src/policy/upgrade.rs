//! Compares a component's manifest with the grant of an earlier component.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::limits::PackLimit;
use super::{Connections, CredentialPlace, Grant, HostRule, KeyPlace, Manifest, Route};

/// The permissions that a component asks for beyond a grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdditionalPermissions {
    /// Whether it asks for connections where the grant has none.
    pub connections: bool,
    /// Host rules that no granted rule covers.
    pub hosts: Vec<HostRule>,
    /// Whether it asks for reads by any method and the grant has none.
    pub unsafe_reads: bool,
    /// Routes of uploads that no granted route covers.
    pub uploads: Vec<Route>,
    /// Routes of cancellations that no granted route covers.
    pub cancels: Vec<Route>,
    /// Categories whose credential would be sent in another place than the granted one; `None`: in
    /// the usual one, `authorization: Bearer …`.
    pub credentials: Vec<(String, Option<CredentialPlace>)>,
    /// Categories whose idempotency key is at another place than the granted one; `None`: at the
    /// usual one, the header `idempotency-key`.
    pub idempotency: Vec<(String, Option<KeyPlace>)>,
    /// Whether it asks for refusals in replies with a status of 2xx and the grant has none.
    pub refusals_in_2xx: bool,
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
            uploads: uncovered(&manifest.uploads, &grant.uploads),
            cancels: uncovered(&manifest.cancels, &grant.cancels),
            credentials: changed(&manifest.credentials, &grant.credentials, manifest),
            idempotency: changed(&manifest.idempotency, &grant.idempotency, manifest),
            refusals_in_2xx: manifest.refusals_in_2xx && !grant.refusals_in_2xx,
            limits: limits.collect(),
        }
    }

    /// Whether it asks for no additional permission.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn uncovered(asked: &[Route], granted: &[Route]) -> Vec<Route> {
    let is_new = |route: &&Route| !granted.iter().any(|granted| granted.covers(route));
    asked.iter().filter(is_new).cloned().collect()
}

/// The categories of the manifest whose place is not the granted one.
fn changed<T: Clone + PartialEq>(
    asked: &BTreeMap<String, T>,
    granted: &BTreeMap<String, T>,
    manifest: &Manifest,
) -> Vec<(String, Option<T>)> {
    let categories: BTreeSet<_> = manifest.connections.iter().chain(asked.keys()).collect();
    categories
        .into_iter()
        .filter(|category| asked.get(*category) != granted.get(*category))
        .map(|category| (category.clone(), asked.get(category).cloned()))
        .collect()
}

impl fmt::Display for AdditionalPermissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = self.connections.then(|| "a connection".to_owned());
        let hosts = self.hosts.iter().map(|rule| format!("`{rule}`"));
        let reads = self.unsafe_reads.then(|| "reads by any method".to_owned());
        let uploads = self
            .uploads
            .iter()
            .map(|route| format!("uploads by `{route}`"));
        let cancels = self
            .cancels
            .iter()
            .map(|route| format!("cancellations by `{route}`"));
        let credentials = self.credentials.iter().map(|(category, place)| {
            let place = place.as_ref().map(ToString::to_string);
            let place = place.as_deref().unwrap_or("authorization: Bearer …");
            format!("the credential of `{category}` sent as `{place}`")
        });
        let keys = self.idempotency.iter().map(|(category, place)| {
            let place = place.as_ref().map(ToString::to_string);
            let place = place.as_deref().unwrap_or("idempotency-key");
            format!("the idempotency key of `{category}` at `{place}`")
        });
        let refusals = self
            .refusals_in_2xx
            .then(|| "refusals in replies with a status of 2xx".to_owned());
        let limits = self.limits.iter().map(|(limit, asked, granted)| {
            format!("{} {asked} instead of {granted}", limit.name())
        });
        let all: Vec<_> = connections
            .into_iter()
            .chain(hosts)
            .chain(reads)
            .chain(uploads)
            .chain(cancels)
            .chain(credentials)
            .chain(keys)
            .chain(refusals)
            .chain(limits)
            .collect();
        f.write_str(&all.join(", "))
    }
}
