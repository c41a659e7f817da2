//! The text and the JSON of a plan, a job, many jobs and a failure.

mod alike;
mod bad_lines;
mod charges;
mod closing;
mod command;
mod continuation;
pub(crate) mod cost;
mod failure;
pub(crate) mod next_step;
pub(crate) mod outcome;
pub(crate) mod plan;
mod removed;
mod solutions;
mod summary;
mod title;
pub(crate) mod unsubmitted;
pub(crate) mod unwritten;
mod violations;

pub(crate) use bad_lines::BadLines;
pub(crate) use closing::closing_line;
pub(crate) use command::of_jobs;
pub(crate) use continuation::Continuation;
pub(crate) use failure::{Failure, Phase, of_driver, of_ledger};
pub(crate) use solutions::{Solutions, missing_credential};
pub(crate) use summary::{Summary, is_held};
pub(crate) use violations::field_name;
