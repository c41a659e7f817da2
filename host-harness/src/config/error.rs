//! Errors of the configuration, and of the selection of a connection.

use std::path::PathBuf;
use std::{fmt, io};

use crate::bounded::FileFault;
use crate::connections::ConnectionId;
use crate::sanitize::escaped_path;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration `{}` cannot be read", escaped_path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: FileFault,
    },
    /// The file is not a valid configuration.
    #[error("{}:{line}:{column}: {message}", escaped_path(path))]
    Content {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// In characters, counted from 1.
        column: usize,
        /// The fault. Never quotes the file.
        message: String,
    },
}

impl ConfigError {
    /// Whether there is no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        let Self::Read { source, .. } = self else {
            return false;
        };
        matches!(source, FileFault::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Why no connection could be selected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// No connection of this id.
    #[error("there is no connection `{id}`; configured: {known}")]
    Unknown {
        /// The id that was given.
        id: String,
        /// The configured connections.
        known: Listed,
    },
    /// The connection is of another category.
    #[error("connection `{id}` is of category `{category}`, the node needs `{wanted}`")]
    Category {
        /// The connection.
        id: ConnectionId,
        /// Its category.
        category: String,
        /// The node's.
        wanted: String,
    },
    /// The category has several connections, and none was named.
    #[error("several connections are of category `{category}`: {known}; name one")]
    Several {
        /// The category.
        category: String,
        /// The connections.
        known: Listed,
    },
}

/// Connection ids, displayed as a list with commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed(pub Vec<ConnectionId>);

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (index, id) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}`{id}`")?;
        }
        Ok(())
    }
}
