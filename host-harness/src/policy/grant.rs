//! The operator's grant for one pack.

use std::collections::{BTreeMap, BTreeSet};

use super::{CredentialPlace, HostRule, KeyPlace, Manifest, PackLimits, Route};
use crate::connections::ConnectionId;

/// The permissions that the operator grants to a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The pack's name, for display and for comparison with new components of that name.
    pub name: String,
    /// The connections that its calls may use.
    pub connections: Connections,
    /// Requests that it may send to other hosts, without a credential.
    pub hosts: Vec<HostRule>,
    /// Whether `poll` and `adopt` may use methods other than `GET` and `HEAD`.
    pub unsafe_reads: bool,
    /// Routes of the uploads of pictures, below the base URL of its connection.
    pub uploads: Vec<Route>,
    /// Routes of the requests that cancel a job, below the base URL of its connection.
    pub cancels: Vec<Route>,
    /// The header of the credential by category, where it is not `authorization: Bearer `.
    pub credentials: BTreeMap<String, CredentialPlace>,
    /// Where its submits carry the idempotency key, by category.
    pub idempotency: BTreeMap<String, KeyPlace>,
    /// Whether its refusals of a submit are believed after a reply with a status of 2xx.
    pub refusals_in_2xx: bool,
    /// Its resource limits; a limit that is not stated has its default.
    pub limits: PackLimits,
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
    /// Everything that the manifest asks for: the grant of a trusted component.
    #[must_use]
    pub fn as_asked(manifest: &Manifest) -> Self {
        Self {
            name: manifest.name.clone(),
            connections: Connections::Any,
            hosts: manifest.hosts.clone(),
            unsafe_reads: manifest.unsafe_reads,
            uploads: manifest.uploads.clone(),
            cancels: manifest.cancels.clone(),
            credentials: manifest.credentials.clone(),
            idempotency: manifest.idempotency.clone(),
            refusals_in_2xx: manifest.refusals_in_2xx,
            limits: manifest.limits.clone(),
        }
    }
}
