//! Errors of the policy: a pack that may not run, and a missing rule.

use std::fmt;

use super::{AdditionalPermissions, Route};
use crate::digest::Sha256Digest;

/// The component has no grant and is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAllowed {
    /// Its digest.
    pub digest: Sha256Digest,
    /// What it asks for beyond the grant of a pack of the same name, if there is one.
    pub more: Option<Box<AdditionalPermissions>>,
}

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the component {} is not allowed here", self.digest)?;
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

/// The rule that is missing for an action of a pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Missing {
    /// The component does not ask for it, so the operator cannot grant it.
    #[error("the pack's manifest does not ask to {what}; its author writes {line} into it")]
    Asked {
        /// The action, after "to".
        what: String,
        /// The line that the manifest lacks.
        line: String,
    },
    /// The component does not ask for the route of an upload.
    #[error(
        "the pack's manifest does not ask to upload a picture by `{route}`; its author writes \"uploads\": [\"{route}\"] into it"
    )]
    AskedUpload {
        /// The route of the request.
        route: Route,
    },
    /// The component does not ask for the route of a cancellation.
    #[error(
        "the pack's manifest does not ask to cancel a job by `{route}`; its author writes \"cancels\": [\"{route}\"] into it; a segment that differs for each job is `*`. The connection's option `cancel` can name the route instead"
    )]
    AskedCancel {
        /// The route of the request.
        route: Route,
    },
    /// The component asks for it, and the operator has not granted it.
    #[error(
        "the pack is not allowed to {what}; to allow it, under {table} in zoetrope.toml: {line}"
    )]
    Granted {
        /// The action, after "to".
        what: String,
        /// The table of the configuration.
        table: String,
        /// The line that the table lacks.
        line: String,
    },
    /// No rule can allow it.
    #[error("no rule can allow a pack to send this")]
    Never,
}
