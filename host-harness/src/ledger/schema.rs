//! The versions of the tables.
//!
//! A new column takes: `schema_N.sql` with an `ALTER TABLE` and a default, in [`MIGRATIONS`];
//! [`VERSION`]; the list in `columns`; `record`, which reads and writes it; a field in `row` or
//! `stage`; and a dump of the version before it in `tests/ledgers/`, which
//! `tests/upgrade.rs` reads.

/// The migration at index `n` brings the schema from version `n` to `n + 1`.
pub(super) const MIGRATIONS: [&str; 6] = [
    include_str!("schema.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
];

/// The version that this program writes.
pub(super) const VERSION: i64 = 6;
