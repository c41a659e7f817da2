//! The durable jobs: one row each in SQLite, committed before anything that may cost
//! money.
//!
//! - [`row`](Job): a job's row; [`stage`](Stage): its stage, with the data of that stage;
//!   [`state`](State): the names of the stages
//! - [`job_error`](JobError): an error of a job, and its text in a row
//! - `columns`: the columns of a row; `record`: conversion between a job and its columns
//! - [`store`](Ledger): the rows, and their transactions; `open`: the file; `schema`: its versions
//! - [`change`](Change): a change of a row; [`due`](QueueId): the jobs whose time has come
//! - [`driving`](DrivingProcess): the process that drives; `latest`: the latest time that was seen;
//!   `terms`: both in the ledger
//! - [`end_hooks`](EndHook): the commands that are run when a job ends; `end_commands`: which one
//! - `earlier`: attempts that ended before a job was submitted again; `provider_jobs`: which job a job
//!   of the provider belongs to
//! - [`brief`](newest_jobs): the newest jobs for a list of candidates
//! - [`charges`](ChargeRecord): what was or may have been charged
//! - `uploads`: the uploads of pictures, before and after their job has a row
//! - `resume`: resumes every job in one commit
//! - [`pictures`](Pictures): pictures stored beside the rows; `placeholders`: the places of those in
//!   base64 in a document; [`local_pictures`](LocalPictures): those that are uploaded
//! - [`path_text`]: paths as text, without loss
//! - `prune`: deletes rows in chunks, and lists the files that rows need; [`hold`](FilesHold): keeps
//!   files that a row is about to name; `removed`: what stays known of deleted
//!   jobs; `restore`: looks these up, puts them back, and forgets them
//!
//! A commit names the revision that it was decided from ([`Change`]), so of two processes that
//! decide from the same row only one can commit.

mod brief;
mod change;
mod charges;
mod columns;
mod driving;
mod due;
mod earlier;
mod end_commands;
mod end_hooks;
mod error;
mod hold;
mod job_error;
mod latest;
mod local_pictures;
mod named;
mod open;
pub mod path_text;
mod pictures;
mod placeholders;
mod provider_jobs;
mod prune;
mod record;
mod removed;
mod restore;
mod resume;
mod row;
mod schema;
mod stage;
mod state;
mod store;
mod terms;
#[cfg(test)]
pub(crate) mod testing;
mod uploads;
mod vacuum;

pub use brief::{JobBrief, newest_jobs};
pub use change::Change;
#[cfg(test)]
pub(crate) use record::round_trip;

pub use charges::ChargeRecord;
pub use driving::DrivingProcess;
pub use due::QueueId;
pub use earlier::EarlierAttempt;
pub use end_hooks::{EndHook, HookEnd};
pub use error::{Damage, DamagedRow, LedgerError, RowProblem};
pub use hold::FilesHold;
pub use job_error::{Failures, JobError};
pub(crate) use latest::latest_seen;
pub use local_pictures::{FieldValue, LocalPicture, LocalPictures};
pub(crate) use pictures::CopyError;
pub use pictures::Pictures;
pub(crate) use prune::DoneJob;
pub use removed::RemovedJob;
pub use row::{Billing, Cost, Job, JobSpec, Schedule, Target};
pub use stage::{
    Attempts, ClipFile, FurtherFile, Media, Millis, PastSubmits, ProviderJob, ResultFile, Stage,
    Submit,
};
pub use state::State;
pub use store::{HistoryEntry, Inserted, Ledger, Rows};
pub use uploads::{StoredReply, UploadKey, UploadRecord};
