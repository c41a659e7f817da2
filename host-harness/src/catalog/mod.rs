//! What a node type says about itself beyond its published schemas: the schema that forms are
//! made from, and the documentation for people.
//!
//! - [`InputSchema`]: the published schema of the input, merged with the node's rules
//! - [`About`]: fields, documented errors and the usual duration, from the node's `extensions`

mod about;
mod input_schema;

pub use about::{About, DocumentedError, DocumentedField};
pub use input_schema::{InputSchema, property_names};
