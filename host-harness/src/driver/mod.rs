//! Drives jobs to their end.
//!
//! One process of those that share a data directory drives: the one that holds the
//! kernel's lock on `driver.lock`, which ends with the process however it ends. The
//! others write rows, wait, and take over when the lock is free.
//!
//! Between two polls a job is a row and nothing else. When its time comes, `decide`
//! says what to do, one of the `steps` does it, what came of it is an `event`, and
//! `decide` says what the row becomes. Whatever may cost money is committed before it
//! leaves, and a ticket before anybody is told of it.
//!
//! Programs give commands with [`Jobs`](crate::jobs::Jobs). A host with timers of its own
//! takes the decisions alone from [`pure`].
//!
//! - `decide`, `event`, `rate_status`: what happens next, as pure functions
//! - `failure`: what an answer means, as a pure function; `redacted`: without the prompt
//! - `builder`, `process`: a [`Driver`]; `shared`: what it shares with its leader
//! - `lead`: the loop over due jobs; `queue`: those of a connection; `admit`: whether one is begun
//! - `steps`: submit, poll, cancel, download
//! - `writer`: commits of many jobs in one transaction
//! - `rate_limiter`: how often a connection is asked
//! - `requester`: who waits, so that nothing is bought for nobody
//! - `packs`, [`resolver`](ConnectionResolver): the component and the connection that a row names
//! - `telling`: what is told of a job in logs

mod admit;
pub(crate) mod backoff;
mod builder;
mod classify;
mod clock;
mod connection_queue;
mod connections;
pub(crate) mod decide;
mod error;
pub(crate) mod event;
mod group_commit;
mod leader;
mod listener;
mod packs;
mod process;
pub mod pure;
mod rate_limit;
mod redact;
mod requester;
mod settings;
mod shared;
mod spans;
mod steps;
mod wait;

pub use builder::DriverBuilder;
pub use clock::{deadline_after, now};
pub use connections::{ConnectionResolver, ResolvedConnection};
pub(crate) use error::AdoptError;
pub use error::DriverError;
pub use listener::{JobUpdate, Listener};
pub use process::Driver;
pub use settings::DriverSettings;
pub use wait::{DriveMode, WaitFor};
