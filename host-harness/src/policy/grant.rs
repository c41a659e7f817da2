//! What the operator lets one pack do.

use std::collections::BTreeSet;

use super::{HostRule, Manifest, PackLimits};
use crate::connections::ConnectionId;

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
    /// Everything that the manifest asks for: what a trusted component has.
    #[must_use]
    pub fn as_asked(manifest: &Manifest) -> Self {
        Self {
            name: manifest.name.clone(),
            connections: Connections::Any,
            hosts: manifest.hosts.clone(),
            unsafe_reads: manifest.unsafe_reads,
            limits: manifest.limits.clone(),
        }
    }
}
