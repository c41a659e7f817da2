//! Benchmarks of complete calls, next to other programs, and of thousands of jobs in flight.
//!
//! `cargo bench -p zoetrope-benches`, with `--bench` and a name, prints the tables of
//! `docs/reference/benchmarks.md`; `-- --json FILE` also writes them as JSON. All requests go to loopback.
//!
//! # Layout
//!
//! - `benches/call/`: calls and the contestants next to them
//! - `benches/start.rs`: processes that answer once
//! - `benches/load.rs`, [`load`]: many jobs in one process, which is killed and restarted
//! - `benches/ledger/`: durable submits, next to the disk alone
//! - `benches/size/`: the component by node, section and crate
//! - [`mod@bench`]: the main function of the benches
//! - [`cargo`]: the target folder, and the release binary in it
//! - [`peers`]: programs without Zoetrope, in separate processes
//! - [`measure`]: contestants that take turns; [`report`]: tables and JSON
//! - [`provider`]: providers that answer from memory
//! - [`native`]: the same requests without a component
//! - [`minimal_host`]: the same component in a minimal wasmtime host
//! - [`jsonl`]: `zoetrope check --jsonl`, and pydantic, each as a process
//! - [`environment`]: the environment of a measurement

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

/// Its input. It has every field, so that the completed input is the same.
pub const INPUT: &str = r#"{"prompt": "Slow push in over the harbour at dusk; gulls, calm water, lights coming on one by one", "image": "https://pictures.example/harbour.png", "negative_prompt": "text, frames, flicker", "steps": 30, "guidance_scale": 4, "frame_rate": 24}"#;

/// The error of a measurement.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
