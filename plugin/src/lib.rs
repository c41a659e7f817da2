//! Workflow nodes that turn a still image into a video, as one WASI component.
//!
//! The component holds no state, no credential and no timer: a host asks it to
//! `check` an input, to `start` a job, and later, in any instance on any machine,
//! to `poll` with the ticket that `start` gave. The contract is in `wit/`.
//!
//! # Layout
//!
//! - [`catalog`]: the node types as the contract lists them.
//! - [`input`]: from text to a completed input: [`json`], the [`lax`] profile's
//!   readings, validation ([`violations`]), defaults, notes.
//! - [`nodes`]: one file a node type: its fields, its provider request, its output.
//! - [`providers`]: one file a provider: requests and replies as pure functions.
//! - [`job`]: a run over a provider, call by call; [`run`]: all calls in one, for
//!   hosts without a job driver; [`ticket`]: what is kept between calls;
//!   [`media`]: how local files are handed over.
//! - [`http`]: request and reply as plain data; [`host`]: what the core asks of the
//!   world around it; [`error`]: the contract's errors, made in one place.
//! - `wasi`: the only file that touches `wasi:http` and the clock; `component`: the
//!   exports. Both exist on wasm alone, everything else is tested natively.

pub mod bindings;
pub mod catalog;
pub mod error;
pub mod host;
pub mod http;
pub mod input;
pub mod job;
pub mod json;
pub mod lax;
pub mod media;
pub mod nodes;
pub mod providers;
pub mod run;
pub mod ticket;
pub mod violations;

#[cfg(target_family = "wasm")]
mod component;
#[cfg(test)]
mod fuzz;
#[cfg(target_family = "wasm")]
mod wasi;
