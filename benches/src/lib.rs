//! Measures the whole way of a call, next to its peers, and what thousands of jobs in
//! flight take.
//!
//! `cargo bench -p zoetrope-benches`, with `--bench` and a name, prints the tables of
//! `docs/reference/benchmarks.md`; `-- --json FILE` also writes them down. Everything is sent to this
//! machine's own loopback.
//!
//! # Layout
//!
//! - `benches/call/`: the tables: who is measured, and against whom
//! - `benches/start.rs`: whole processes that answer once
//! - `benches/load.rs`, [`load`]: many jobs in one process, killed and begun again
//! - `benches/ledger/`: durable submits, next to the disk alone
//! - `benches/size/`: the component by node, section and crate
//! - [`mod@bench`]: what their programs have in common
//! - [`cargo`]: the target folder, and the release binary in it
//! - [`peers`]: what people would otherwise use, in processes of their own
//! - [`measure`]: contestants that take turns; [`report`]: what is printed and written
//! - [`provider`]: providers that answer from memory
//! - [`native`]: the same requests without a component
//! - [`plain_host`]: the same component in the shortest host that wasmtime allows
//! - [`lines`]: `zoetrope check --jsonl` as a process, and pydantic as another
//! - [`environment`]: what the figures depend on

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "benchmarks print their measurements"
)]

pub mod bench;
pub mod cargo;
pub mod environment;
pub mod jsonl;
pub mod load;
pub mod measure;
pub mod minimal_host;
pub mod native;
pub mod peers;
pub mod provider;
pub mod report;

/// The node that is measured.
pub const NODE: &str = "image_to_video_v3";

/// Its input: every field given, so that what is read is what is sent.
pub const INPUT: &str = r#"{"prompt": "Slow push in over the harbour at dusk; gulls, calm water, lights coming on one by one", "image": "https://pictures.example/harbour.png", "negative_prompt": "text, frames, flicker", "steps": 30, "guidance_scale": 4, "frame_rate": 24}"#;

/// Why a measurement came to nothing.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
