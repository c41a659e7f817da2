//! Why the practice provider cannot run.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the practice provider did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PracticeError {
    /// Another process, or another [`Practice`](crate::Practice) in this one, serves the data
    /// directory; it can be used instead.
    #[error("the practice provider already runs on this data directory, at {base_url}")]
    InUse {
        /// Where it listens.
        base_url: String,
    },
    /// Another process holds the data directory but has not said where it listens.
    #[error("{} is held by a process that does not say where it listens", data_dir.display())]
    Silent {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// A file or folder of the data directory cannot be used.
    #[error("cannot use {}", path.display())]
    Storage {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The journal holds a line that this version did not write.
    #[error("line {line} of {} is not a journal entry", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The clip of [`Settings::instant`](crate::Settings::instant) cannot be rendered.
    #[error("the clip that every job gets cannot be rendered")]
    InstantClip(
        /// What the renderer says.
        #[source]
        Box<dyn std::error::Error + Send + Sync>,
    ),
    /// The address is not free.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address from the settings.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}
