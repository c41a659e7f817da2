//! Violations of a published schema, and a node's additional rules.

pub mod draft;
pub mod violations;
