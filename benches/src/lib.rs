//! Measures the whole way of a call, next to its peers, and what thousands of jobs in
//! flight take.
//!
//! `cargo bench -p zoetrope-benches`, with `--bench call` or `--bench crowd`, prints the
//! tables of `docs/benchmarks.md`; `-- --json FILE` also writes them down. Everything is
//! sent to this machine's own loopback.
//!
//! # Layout
//!
//! - `benches/call.rs`: the tables: who is measured, and against whom
//! - `benches/crowd.rs`, [`crowd`]: many jobs in one process, killed and begun again
//! - [`measure`]: contestants that take turns; [`report`]: what is printed and written
//! - [`provider`]: providers that answer from memory
//! - [`native`]: the same requests without a component
//! - [`plain_host`]: the same component in the shortest host that wasmtime allows
//! - [`lines`]: `zoetrope check --jsonl` as a process, and pydantic as another
//! - [`environment`]: what the figures depend on

pub mod crowd;
pub mod environment;
pub mod lines;
pub mod measure;
pub mod native;
pub mod plain_host;
pub mod provider;
pub mod report;

/// Why a measurement came to nothing.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
