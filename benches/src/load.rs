//! Many jobs in one process: what they take, and how they are picked up again after that
//! process was killed.
//!
//! The bench is the provider and the clock; the host is another process, the bench's own
//! program with [`HOST`] as its first argument, so that its memory and its processor time
//! are its own.
//!
//! - [`round`]: one size of crowd, from the first insert to the last kill
//! - [`host`]: the process that is measured, and what it says
//! - [`designs`]: the same crowd as others build it; [`parked`]: one of them
//! - [`provider`]: a provider that counts, and says when it wants to be asked again
//! - [`process`]: such a process from outside: what it says and takes; `inside`: from inside
//! - [`rates`]: what it takes while jobs wait, and while they poll
//! - [`report`]: the table and the document

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

/// The argument that makes the bench's program the host.
pub const HOST: &str = "host";

/// The argument that makes it a process of suspended instances.
pub const SUSPENDED: &str = "parked";
