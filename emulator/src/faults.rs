//! Faults on demand: what the practice provider does wrong, so that clients can be tried against it.
//!
//! [`FaultScript`] says which requests meet which fault, as data; `docs/reference/practice-faults.md` is its
//! reference. A request goes through `layer`, which asks `schedule` whether a rule is due. The
//! rule's `fault` replaces the reply, or changes it by a `distortion`.

mod distortion;
mod fault;
mod layer;
mod schedule;
mod script;

pub(crate) use layer::{Faults, dead, inject};
pub(crate) use script::KeyPolicy;
pub use script::{FaultScript, FaultScriptError};
