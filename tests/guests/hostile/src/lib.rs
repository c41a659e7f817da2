//! A pack that does to its host what its input tells it to.
//!
//! The input is an [`order`]: what to do in `check`, in `start` and in `poll`, and what to answer
//! then. What is not ordered goes well: `check` plans its own input, `start` accepts with its
//! input as the ticket, so that `poll` finds its orders there, and `poll` has succeeded.
//!
//! # Layout
//!
//! - [`order`]: the input as data; [`text`]: texts that would be too long to write down
//! - [`deeds`]: what is done; [`hoard`]: resources that are never given back; [`requests`]: what is
//!   sent, or tried
//! - [`answers`]: what is answered
//! - `component`: the exports; on wasm alone

pub mod answers;
pub mod bindings;
pub mod deeds;
pub mod hoard;
pub mod order;
pub mod requests;
pub mod text;

#[cfg(target_family = "wasm")]
mod component;
