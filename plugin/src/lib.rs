//! Workflow nodes that turn a still image into a video, as one WASI component.
//!
//! The component has no state, no credential and no timer. A host calls it to `check` an
//! input, to `start` a job, and later, in any instance on any machine, to `poll` with the
//! ticket that `start` returned. The contract is in `wit/`; the code that all packs share is
//! in the SDK, [`zoetrope_node_sdk`].
//!
//! # Layout
//!
//! - [`nodes`]: one file a node type: its fields, its provider request, its output; and
//!   [`nodes::PACK`], the table of them.
//! - [`providers`]: one file or folder a provider: requests and replies as pure functions.
//! - [`bindings`]: the typed worlds; `component`: their exports, on wasm only.

pub mod bindings;
pub mod nodes;
pub mod providers;

#[cfg(target_family = "wasm")]
mod component;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

zoetrope_node_sdk::export!(crate::nodes::PACK, manifest: include_bytes!("../manifest.json"));
