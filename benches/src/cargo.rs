//! Cargo's target folder, and the release binary in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

const BUILD: [&str; 5] = ["--release", "-p", "zoetrope-cli", "-p", "zoetrope-benches"];

/// Cargo's target folder.
///
/// # Errors
///
/// When this program is not in it.
pub fn target() -> Result<PathBuf, Failure> {
    let this = std::env::current_exe()?;
    // `target/release/deps/call-…` runs this.
    let target = this.ancestors().nth(3).ok_or("an odd place to run from")?;
    Ok(target.to_owned())
}

/// Builds the release binary and returns its path. It is built together with this package, so
/// that cargo reuses the dependencies of this bench's own build; alone, most of them would be
/// built again with other features.
///
/// # Errors
///
/// When it does not build.
pub fn build_zoetrope(workspace: &Path) -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    eprintln!("building the binary: cargo build {}", BUILD.join(" "));
    let mut build = Command::new(cargo);
    build.arg("build").args(BUILD).current_dir(workspace);
    for (name, _) in std::env::vars_os() {
        // Cargo sets these for this bench; with them some build scripts would run again.
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            build.env_remove(name);
        }
    }
    let status = build.status()?;
    if !status.success() {
        return Err("cannot build the release binary".into());
    }
    // `target/release/deps/call-…` runs this.
    let this = std::env::current_exe()?;
    let release = this.ancestors().nth(2).ok_or("an odd place to run from")?;
    Ok(release.join(format!("zoetrope{}", std::env::consts::EXE_SUFFIX)))
}
