//! The fields of a node's input, for people.
//!
//! - [`takes`]: what a field takes, as words: "a whole number from 1 to 50"
//! - [`explain`]: a violation as a sentence with these words
//! - [`settings`]: the option `--set`

pub(crate) mod explain;
pub(crate) mod settings;
mod takes;
