//! Drives jobs to their end.
//!
//! Several processes can share a data directory. One of them drives: the one that holds the
//! kernel's lock on `driver.lock`. The kernel releases the lock when the process ends. The
//! others insert rows, wait, and take over when the lock is free.
//!
//! Between two polls a job is a row and nothing else. When its time comes, `decide` returns
//! the action, one of the `steps` carries it out, the result is an `event`, and `decide`
//! returns the next row. A request that may cost money is committed before it is sent. A
//! ticket is committed before it is reported.
//!
//! Programs give commands with [`Jobs`](crate::jobs::Jobs). A host with its own timers calls
//! the decisions alone in [`pure`].
//!
//! - `decide`, `event`, `backoff`: the next row and action, as pure functions
//! - `classify`: from a component's answer to an event, as a pure function
//! - `gone`: whether a refusal says that an upload is gone
//! - `redact`: removes the texts of the input from a provider's messages
//! - `builder`, `process`: a [`Driver`]; `shared`: what it shares with its leader
//! - `lock_state`: which process drives, for those who ask
//! - `leader`: the loop over due jobs; `queues`: the due jobs, and whose turn it is; `places`: fair
//!   shares of the concurrent work; `connection_limits`: the limits of one connection; `holds`: what
//!   its provider asked for; `account_refusals`: accounts that it refused; `parked`: jobs that wait for
//!   one; `admit`: whether a due job starts now; `running`: the steps that run
//! - `steps`: upload, submit, poll, cancel, download
//! - `group_commit`: commits of many jobs in one transaction; `busy`: waits while another process
//!   holds the ledger
//! - `term`: the row of the process that drives; `watch`: what a waiting process sees of it;
//!   `others`: what it does about it; [`held_up`](HeldUp): what it says; `this_process`: the name of
//!   a process; `deadlines`: the deadlines of jobs by the
//!   monotonic clock
//! - `key_place`: where the key of a submit counts
//! - `rate_limit`: requests a second of a connection
//! - `requester`: the process that requested a job; without it no job is submitted
//! - `packs`, [`connections`](ConnectionResolver): the component and the connection that a
//!   row names
//! - `spans`: spans and events of a job in logs

mod account_refusals;
mod admit;
pub(crate) mod backoff;
mod builder;
mod busy;
mod classify;
mod clock;
mod connection_limits;
mod connections;
mod deadlines;
pub(crate) mod decide;
mod error;
pub(crate) mod event;
mod gone;
mod group_commit;
mod held_up;
mod holds;
mod key_place;
mod leader;
mod listener;
mod lock_state;
mod others;
mod packs;
mod parked;
mod places;
mod process;
pub mod pure;
mod queues;
mod rate_limit;
mod redact;
mod requester;
mod running;
mod settings;
mod shared;
mod spans;
mod steps;
mod term;
mod this_process;
mod wait;
mod watch;

pub use builder::DriverBuilder;
pub use clock::{Time, deadline_after, now};
pub use connections::{ConnectionResolver, ResolvedConnection, check_connection};
pub(crate) use error::AdoptError;
pub use error::DriverError;
pub use held_up::HeldUp;
pub use listener::{JobUpdate, Listener};
pub use lock_state::{LockState, lock_state};
pub(crate) use packs::remove_others as remove_other_components;
pub use process::Driver;
pub(crate) use requester::remove_ended as remove_ended_requesters;
pub use settings::DriverSettings;
pub(crate) use this_process::name as process_name;
pub use wait::{DriveMode, WaitFor};

#[cfg(test)]
mod purchases;
