//! Many jobs in one process: what they take, and how they are picked up again after that
//! process was killed.
//!
//! The bench is the provider and the clock; the host is another process, the bench's own
//! program with [`HOST`] as its first argument, so that its memory and its processor time
//! are its own.
//!
//! - [`round`]: one size of crowd, from the first insert to the last kill
//! - [`host`]: the process that is measured, and what it says
//! - [`provider`]: a provider that counts, and says when it wants to be asked again
//! - [`process`]: memory and processor time of a process, from `/proc`
//! - [`report`]: the table and the document

pub mod host;
pub mod process;
pub mod provider;
pub mod report;
pub mod round;

/// The argument that makes the bench's program the host.
pub const HOST: &str = "host";
