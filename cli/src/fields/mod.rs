//! The fields of a node's input, for people.
//!
//! - [`takes`]: what a field takes, as words: "a whole number from 1 to 50"
//! - [`explain`]: a violation as a sentence with these words
//! - [`missing`]: the options that give missing fields
//! - [`settings`]: the option `--set`
//! - [`picture_value`]: its values in picture fields

pub(crate) mod explain;
pub(crate) mod missing;
mod picture_value;
pub(crate) mod settings;
mod takes;
