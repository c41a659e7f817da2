//! The versions of the tables.

/// Each brings the schema from the version of its place to the next one.
pub(super) const MIGRATIONS: [&str; 2] = [include_str!("schema.sql"), include_str!("schema_2.sql")];

/// The version that this program writes.
pub(super) const VERSION: i64 = 2;
