//! The commands that programs give for jobs: a command line, a server, a program that embeds
//! the host. The rules for accepting a run are here and nowhere else.
//!
//! A run is made in three steps:
//!
//! 1. [`Jobs::check`]: the node accepts the input, and its local pictures are found. Sends
//!    nothing.
//! 2. [`Jobs::submit`]: hands local pictures over to the provider and inserts the job under
//!    its idempotency key. The same key and input is the same job; the same key and another
//!    input is [`JobsError::KeyConflict`].
//! 3. [`Jobs::wait`]: drives the job, or waits for the process that does.
//!
//! [`Jobs::submit_all`] does the second step for many jobs in one commit.
//!
//! Any process can go on with a job from its id: [`Jobs::resume`], [`Jobs::cancel`],
//! [`Jobs::fetch`]; [`Jobs::adopt`] and [`Jobs::mark_never_started`] where the outcome of a
//! submit is unknown; [`Jobs::prune`] removes what is done. After a command, and after an
//! error, [`NextStep`] says how the user can go on.
//!
//! - `check`, `pictures`: from an input to a [`Checked`] one
//! - `submit`: from a checked input to a row
//! - `commands`: [`Jobs`], and commands for jobs that exist
//! - `fetch`, `prune`: commands with files
//! - `error`, `next_step`: how a command fails, and how to go on

mod check;
mod commands;
mod error;
mod fetch;
mod next_step;
mod pictures;
mod prune;
mod submit;
#[cfg(test)]
mod tests;

pub use check::{CheckRequest, Checked, check_context, node_type};
pub use commands::{CancelOutcome, Jobs, find};
pub use error::JobsError;
pub use fetch::Fetched;
pub use next_step::{NextStep, Repair};
pub use prune::{Pruned, prune};
pub use submit::{Destination, Opened, Prepared, SubmitRequest};
