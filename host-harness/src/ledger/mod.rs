//! The durable jobs: one row each in SQLite, committed before anything that may cost
//! money.
//!
//! - [`row`](Job): what is known of a job
//! - [`store`](Ledger): the rows, and their transactions; `open`: the file; `schema`: its versions
//! - [`change`](Change): a row that becomes another
//! - `resume`: every row at once, wanted again
//! - [`pictures`](Pictures): pictures in base64, kept beside the rows
//!
//! A commit names the revision that it was decided from ([`Change`]): two processes that
//! decide from the same row cannot both win.

mod change;
mod columns;
mod error;
mod open;
mod pictures;
mod resume;
mod row;
mod schema;
mod store;

pub use change::Change;
pub use error::LedgerError;
pub use pictures::Pictures;
pub use row::{ClipFile, Cost, Job, Media, Millis, Order, State, Target, Trouble};
pub use store::{HistoryEntry, Inserted, Ledger};
