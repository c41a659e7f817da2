//! Fault injection for tests of clients.
//!
//! A [`FaultScript`] lists which requests get which fault; `docs/reference/practice-faults.md` is its
//! reference; `rule` parses its rules, `written` is their JSON. Each request goes through `layer`.
//! `schedule` decides whether a rule is due. The rule's `fault` replaces the reply, or changes it
//! by a `distortion`: `edits` of JSON, other forms of `clips`, another `encoding`.

mod clips;
mod distortion;
mod edits;
mod encoding;
mod fault;
mod layer;
mod rule;
mod schedule;
mod script;
mod values;
mod written;

pub(crate) use layer::{Faults, expired_reply, inject};
pub(crate) use script::KeyPolicy;
pub use script::{FaultScript, FaultScriptError};
