//! What a component asks for, as its author has written it into the file.
//!
//! A custom section `zoetrope:manifest` holds a JSON document that satisfies
//! `schemas/manifest.json`. It may stand in the component itself or in a core module of
//! it, which is where a compiler's `link_section` puts it; only once in the file. A
//! component without one asks for nothing: it can be listed and checked, and sends nothing.

use std::collections::BTreeSet;

use serde::Deserialize;
use wasmparser::{Parser, Payload};

use super::{HostRule, PackLimits};

/// The section's name.
pub const SECTION: &str = "zoetrope:manifest";

/// The longest manifest that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// Longest texts, in characters.
const NAME: usize = 64;
const VERSION: usize = 64;
const DESCRIPTION: usize = 400;

/// What a component asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The pack's name; empty without a manifest. Components of one name are versions of
    /// one pack to whoever allows them.
    pub name: String,
    /// The pack's own version, for people.
    pub version: String,
    /// What it is, for people.
    pub description: String,
    /// Categories of the connections it uses: `pixelml`.
    pub connections: BTreeSet<String>,
    /// Where it sends requests besides.
    pub hosts: Vec<HostRule>,
    /// Whether it finds out how a job stands by other methods than `GET` and `HEAD`.
    pub unsafe_reads: bool,
    /// The most it uses up, where that is not the default.
    pub limits: PackLimits,
}

/// Why a component's manifest cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file is no WebAssembly that can be read through.
    #[error("the component is damaged")]
    Component(#[source] wasmparser::BinaryReaderError),
    /// It has a part that this program does not know.
    #[error("the component has a section of an unknown kind")]
    Unreadable,
    /// Two of them: nobody can say which one holds.
    #[error("the component has more than one manifest")]
    Several,
    /// Longer than is read.
    #[error("the component's manifest is longer than {LONGEST} bytes")]
    Long,
    /// Not the document it should be. The words are the parser's, made printable.
    #[error("the component's manifest cannot be read: {0}")]
    Content(String),
}

impl Manifest {
    /// The manifest of a component, or one that asks for nothing.
    ///
    /// # Errors
    ///
    /// When the file or the manifest cannot be read.
    pub fn of(component: &[u8]) -> Result<Self, ManifestError> {
        let mut found = None;
        for payload in Parser::new(0).parse_all(component) {
            let section = match payload.map_err(ManifestError::Component)? {
                Payload::CustomSection(section) => section,
                // Nobody can say what is in it: perhaps a manifest.
                Payload::UnknownSection { .. } => return Err(ManifestError::Unreadable),
                _ => continue,
            };
            if section.name() == SECTION && found.replace(section.data()).is_some() {
                return Err(ManifestError::Several);
            }
        }
        found.map_or_else(|| Ok(Self::default()), Self::parse)
    }

    /// The manifest in a section's content.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn parse(content: &[u8]) -> Result<Self, ManifestError> {
        if content.len() > LONGEST {
            return Err(ManifestError::Long);
        }
        let unreadable = |why: &str| ManifestError::Content(why.escape_debug().to_string());
        let document: Document =
            serde_json::from_slice(content).map_err(|error| unreadable(&error.to_string()))?;
        document.read().map_err(unreadable)
    }
}

/// As it is written.
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
    /// `ceilings` is what earlier versions call it.
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
            return Err("`connections` holds something that is no category");
        }
        Ok(Manifest {
            name: self.name,
            version: self.version,
            description: self.description,
            connections: self.connections,
            hosts: self.hosts,
            unsafe_reads: self.unsafe_reads,
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

/// No control characters, nor those that change the direction of what follows.
fn is_printable(text: &str, longest: usize) -> bool {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().count() <= longest && !text.chars().any(is_hidden)
}
