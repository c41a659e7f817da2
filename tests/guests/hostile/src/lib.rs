//! A hostile pack, controlled by its input.
//!
//! The input is a document of [`instructions`]: the actions and the answer of `check`, `start` and
//! `poll`. Without an instruction a function succeeds: `check` plans its own input, `start` accepts
//! with its input as the ticket, so that `poll` and `cancel` read their instruction there, and
//! `poll` returns a success.
//!
//! # Layout
//!
//! - [`instructions`]: the input as data; [`text`]: generated and repeated texts in it
//! - [`actions`]: carries the actions out; [`leaks`]: resources that are never dropped;
//!   [`requests`]: HTTP requests, permitted or not; [`orders`]: several of them, interleaved
//! - [`answers`]: the return values
//! - `component`: the exports, compiled for WebAssembly only

pub mod actions;
pub mod answers;
pub mod bindings;
pub mod instructions;
pub mod leaks;
pub mod orders;
pub mod requests;
pub mod text;

#[cfg(target_family = "wasm")]
mod component;
