//! Submits that the user may not expect: those of a command that resumes jobs.

mod ask;
mod left_out;
mod plan;

pub(crate) use plan::{resume_all, resume_one};
