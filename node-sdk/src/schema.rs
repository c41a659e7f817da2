//! Rules for inputs: violations of a published schema, and the rules that a node adds to it.

pub mod draft;
pub mod violations;
