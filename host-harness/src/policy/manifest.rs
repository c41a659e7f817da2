//! A component's manifest: the permissions that it asks for, written into the file by its
//! author.
//!
//! A custom section `zoetrope:manifest` holds a JSON document that satisfies
//! `schemas/manifest.json`. The section is in the component or in one of its core modules,
//! where a compiler's `link_section` puts it. A file has at most one. A component without a
//! manifest asks for nothing: its nodes can be listed and inputs checked, and it may not send
//! requests.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use wasmparser::{Parser, Payload};

use super::{CredentialPlace, HostRule, KeyPlace, PackLimits, Route};
use crate::sanitize::is_harmful;

/// The section's name.
pub const SECTION: &str = "zoetrope:manifest";

/// The longest manifest, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// The longest texts, in characters.
const NAME: usize = 64;
const VERSION: usize = 64;
const DESCRIPTION: usize = 400;

/// The most entries of a list or table.
const MAX_ENTRIES: usize = 64;

/// A component's manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The pack's name; empty without a manifest. Components of the same name count as versions
    /// of one pack.
    pub name: String,
    /// The pack's version, for display.
    pub version: String,
    /// A description, for display.
    pub description: String,
    /// Categories of the connections that it uses: `pixelml`.
    pub connections: BTreeSet<String>,
    /// Requests that it sends to other hosts.
    pub hosts: Vec<HostRule>,
    /// Whether its `poll` and `adopt` use methods other than `GET` and `HEAD`.
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
    /// Its limits, where they differ from the defaults.
    pub limits: PackLimits,
}

/// Why a component's manifest cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file is not valid WebAssembly.
    #[error("the component is damaged")]
    Component(#[source] wasmparser::BinaryReaderError),
    /// A section has a kind that this program cannot read.
    #[error("the component has a section of an unknown kind")]
    Unreadable,
    /// There is more than one manifest.
    #[error("the component has more than one manifest")]
    Several,
    /// The manifest is too long.
    #[error("the component's manifest is longer than {MAX_BYTES} bytes")]
    Long,
    /// The manifest is not valid. The text is the parser's, made printable.
    #[error("the component's manifest cannot be read: {0}")]
    Content(String),
}

impl Manifest {
    /// The manifest of a component; the default if it has none.
    ///
    /// # Errors
    ///
    /// When the file or the manifest cannot be read.
    pub fn of(component: &[u8]) -> Result<Self, ManifestError> {
        let mut found = None;
        for payload in Parser::new(0).parse_all(component) {
            let section = match payload.map_err(ManifestError::Component)? {
                Payload::CustomSection(section) => section,
                // It may contain a manifest.
                Payload::UnknownSection { .. } => return Err(ManifestError::Unreadable),
                _ => continue,
            };
            if section.name() == SECTION && found.replace(section.data()).is_some() {
                return Err(ManifestError::Several);
            }
        }
        found.map_or_else(|| Ok(Self::default()), Self::parse)
    }

    /// Parses a section's content.
    ///
    /// # Errors
    ///
    /// When it is not a valid manifest.
    pub fn parse(content: &[u8]) -> Result<Self, ManifestError> {
        if content.len() > MAX_BYTES {
            return Err(ManifestError::Long);
        }
        let unreadable = |why: &str| ManifestError::Content(why.escape_debug().to_string());
        let document: Document =
            serde_json::from_slice(content).map_err(|error| unreadable(&error.to_string()))?;
        document.read().map_err(unreadable)
    }
}

/// The document as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "$schema")]
    _schema: Option<String>,
    format: u32,
    name: String,
    version: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    connections: BTreeSet<String>,
    #[serde(default)]
    hosts: Vec<HostRule>,
    #[serde(default)]
    unsafe_reads: bool,
    #[serde(default)]
    uploads: Vec<Route>,
    #[serde(default)]
    cancels: Vec<Route>,
    #[serde(default)]
    credentials: BTreeMap<String, CredentialPlace>,
    #[serde(default)]
    idempotency: BTreeMap<String, KeyPlace>,
    #[serde(default)]
    refusals_in_2xx: bool,
    /// Earlier versions named it `ceilings`.
    #[serde(default, alias = "ceilings")]
    limits: PackLimits,
}

impl Document {
    fn read(self) -> Result<Manifest, &'static str> {
        if self.format != 1 {
            return Err("its `format` is not 1");
        }
        if !is_name(&self.name, NAME) {
            return Err("`name` is not 1 to 64 lower-case letters, digits, `-`, `_`, `.` and `/`");
        }
        if !is_printable(&self.version, VERSION) || self.version.is_empty() {
            return Err("`version` is not 1 to 64 printable characters");
        }
        if !is_printable(&self.description, DESCRIPTION) {
            return Err("`description` is not up to 400 printable characters");
        }
        if !self
            .connections
            .iter()
            .all(|category| is_name(category, NAME))
        {
            return Err("`connections` holds a text that is not a category");
        }
        let mut categories = self.credentials.keys().chain(self.idempotency.keys());
        if !categories.all(|category| is_name(category, NAME)) {
            return Err("a key of `credentials` or `idempotency` is not a category");
        }
        let mut categories = self.credentials.keys().chain(self.idempotency.keys());
        if !categories.all(|category| self.connections.contains(category)) {
            return Err("a key of `credentials` or `idempotency` is missing in `connections`");
        }
        let lengths = [
            self.connections.len(),
            self.hosts.len(),
            self.uploads.len(),
            self.cancels.len(),
            self.credentials.len(),
            self.idempotency.len(),
        ];
        if lengths.into_iter().any(|length| length > MAX_ENTRIES) {
            return Err("a list or table has more than 64 entries");
        }
        Ok(Manifest {
            name: self.name,
            version: self.version,
            description: self.description,
            connections: self.connections,
            hosts: self.hosts,
            unsafe_reads: self.unsafe_reads,
            uploads: self.uploads,
            cancels: self.cancels,
            credentials: self.credentials,
            idempotency: self.idempotency,
            refusals_in_2xx: self.refusals_in_2xx,
            limits: self.limits,
        })
    }
}

fn is_name(text: &str, longest: usize) -> bool {
    let legal = |byte: u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'-' | b'_' | b'.' | b'/')
    };
    (1..=longest).contains(&text.len()) && text.bytes().all(legal)
}

fn is_printable(text: &str, longest: usize) -> bool {
    text.chars().count() <= longest && !text.contains(is_harmful)
}
