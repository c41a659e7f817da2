//! The notice that every clip and picture carries.

/// The title inside every clip and picture.
pub(crate) const TITLE: &str = "Practice render by Zoetrope, not made by an AI model";
