//! What holds of an input: by its published schema, and beyond it.

pub mod draft;
pub mod violations;
