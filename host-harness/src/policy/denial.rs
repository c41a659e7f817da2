//! Why a pack may not run, and which rule is missing for something it tried.

use std::fmt;

use super::AdditionalPermissions;
use crate::digest::Sha256Digest;

/// Nobody has allowed this component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAllowed {
    /// Its digest.
    pub digest: Sha256Digest,
    /// What it asks for beyond what an allowed pack of the same name has.
    pub more: Option<AdditionalPermissions>,
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

/// The rule that is missing for something that a pack tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
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
