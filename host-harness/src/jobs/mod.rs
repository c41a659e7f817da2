//! The commands for jobs, for programs that embed the host: a command line, a server. All
//! rules for accepting a run are in this module.
//!
//! A run is made in three steps:
//!
//! 1. [`Jobs::check`]: the node accepts the input, and its local pictures are found. Sends
//!    nothing.
//! 2. [`Jobs::submit`]: stores local pictures and inserts the job under its idempotency key. The
//!    same key and input return the same job; the same key with another input is a
//!    [`JobsError::KeyConflict`].
//! 3. [`Jobs::wait`]: drives the job, which uploads its pictures and submits it, or waits for the
//!    process that drives.
//!
//! [`Jobs::submit_all`] does the second step for many jobs in one commit.
//!
//! [`Jobs::retry`] submits a job again that ended without a result.
//!
//! Any process can continue a job by its id: [`Jobs::resume`], [`Jobs::cancel`],
//! [`Jobs::fetch`]; [`Jobs::adopt`] and [`Jobs::mark_never_started`] if the outcome of a
//! submit is unknown. [`Jobs::prune`] removes jobs that are done. After a command or an error,
//! [`NextStep`] is the user's next step.
//!
//! - `check`, `pictures`: from an input to a [`Checked`] one
//! - `submit`: from a checked input to a row; `uploads`: copies of the pictures that
//!   are uploaded
//! - `commands`: [`Jobs`], and commands for existing jobs
//! - `find`: the job that a command names; `names`: the shortest beginning of an id
//! - `retry`: submits ended jobs again; `spent`: what they have cost until then
//! - `submission`: which jobs are submitted by a command that resumes them
//! - `fetch`: copies a result; `presence`: whether its files are at their places; `put_back`: puts
//!   them back; `place`: the target of an existing job; `prune`: deletes rows and files; `leftovers`: unfinished files of
//!   results; `removed`: what is known of deleted jobs
//! - `error`, `next_step`: errors of commands, and the user's next step
//! - `credit`: recognizes errors about the account's credit

mod check;
mod commands;
mod credit;
mod error;
mod fetch;
mod find;
mod leftovers;
mod names;
mod next_step;
mod pictures;
mod place;
mod presence;
mod prune;
mod put_back;
mod removed;
mod retry;
mod spent;
mod submission;
mod submit;
#[cfg(test)]
mod tests;
mod uploads;

pub use crate::cleanup::Freed;
pub use crate::download::CLIPS_FOLDER;
pub use check::{CheckRequest, Checked, check_context, node_type};
pub use commands::{CancelOutcome, Jobs};
pub use credit::{error_text, lacks_credit, with_charge};
pub use error::JobsError;
pub use fetch::Fetched;
pub use find::find;
pub use names::{LAST, SHORTEST, short_id};
pub use next_step::{NextStep, Repair, Unconfirmed};
pub use presence::{Comparison, FileState};
pub use prune::{CODE_FOLDER, Keys, PruneProgress, Pruned, open_to_prune, prune, prune_with};
pub use removed::removed_job;
pub use spent::Spent;
pub use submission::Submission;
pub use submit::{Destination, Opened, PlannedPlace, Prepared, SubmitRequest, job_of_key};
