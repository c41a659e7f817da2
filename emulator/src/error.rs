//! The errors of starting the practice provider.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The error of a practice provider that cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PracticeError {
    /// Another process, or another [`Practice`](crate::Practice) in this one, serves the data
    /// directory. Its server can be used.
    #[error("the practice provider already runs on this data directory, at {base_url}")]
    InUse {
        /// Its base URL.
        base_url: String,
    },
    /// Another process has locked the data directory but not published its address.
    #[error("{} is locked by a process that has not published its address", data_dir.display())]
    AddressUnknown {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// A file or folder of the data directory cannot be used.
    #[error("cannot use {}", path.display())]
    Storage {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The journal holds a line that this version cannot read.
    #[error("line {line} of {} is not a journal entry", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// The line number, counted from 1.
        line: usize,
        /// The parse error.
        #[source]
        source: serde_json::Error,
    },
    /// The clip of [`Settings::instant`](crate::Settings::instant) cannot be rendered.
    #[error("cannot render the shared clip of the instant mode")]
    InstantClip(
        /// The renderer's error.
        #[source]
        Box<dyn std::error::Error + Send + Sync>,
    ),
    /// The address is not free.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address from the settings.
        address: SocketAddr,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}
