//! Fault injection for tests of clients.
//!
//! A [`FaultScript`] lists which requests get which fault; `docs/reference/practice-faults.md` is its
//! reference. Each request goes through `layer`. `schedule` decides whether a rule is due. The
//! rule's `fault` replaces the reply, or changes it by a `distortion`.

mod distortion;
mod fault;
mod layer;
mod schedule;
mod script;

pub(crate) use layer::{Faults, expired_reply, inject};
pub(crate) use script::KeyPolicy;
pub use script::{FaultScript, FaultScriptError};
