//! Many jobs in one process: memory, processor time, and resuming after a kill.
//!
//! The bench runs the provider and measures. The host is a separate process, so that its memory
//! and processor time can be read: the bench's own program with [`HOST`] as its first argument.
//!
//! - [`measurement`]: the measurement for one number of jobs
//! - [`host`]: the measured process
//! - [`peers`]: the same load in other designs; [`suspended`]: one of them
//! - [`provider`]: a provider that counts polls and sets their pauses
//! - [`process`]: a measured process from outside; `measured`: from inside
//! - [`rates`]: processor time while jobs wait and while they poll
//! - [`report`]: the table and the JSON document

pub mod host;
mod measured;
pub mod measurement;
mod open_files;
pub mod peers;
pub mod process;
pub mod provider;
pub mod rates;
pub mod report;
pub mod suspended;

/// The first argument of the host process.
pub const HOST: &str = "host";

/// The first argument of the process with suspended instances.
pub const SUSPENDED: &str = "suspended";
