//! The permitted dependencies between crates, and the absence of cycles between modules of a crate.
//!
//! - [`crates`]: the dependencies between the packages of the workspace
//! - [`cycles`]: the modules of each package; [`modules`] finds their cycles

mod crates;
mod cycles;
mod modules;
mod names;

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::root;

/// The output of `cargo metadata` for the packages of the workspace.
fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1"])
        .args(["--no-deps", "--offline", "--locked"])
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "cargo metadata fails");
    serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON")
}
