//! Builds the component that this crate holds: `plugin/` for `wasm32-wasip2`, in a target
//! folder of its own.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use sha2::{Digest as _, Sha256};
use wasmparser::BinaryReader;

mod nested_cargo;

use nested_cargo::{TARGET, built, last_line};

/// The variable with the path of a component to embed instead of building one: for packagers,
/// and for machines without the target.
const PREBUILT: &str = "ZOETROPE_PREBUILT_COMPONENT";

fn main() -> ExitCode {
    match component().and_then(|component| Ok((digest_of(&component)?, component))) {
        Ok((digest, component)) => {
            println!(
                "cargo::rustc-env=ZOETROPE_COMPONENT={}",
                component.display()
            );
            println!(
                "cargo::rustc-env=ZOETROPE_COMPONENT_DIGEST={}",
                digest.display()
            );
            ExitCode::SUCCESS
        }
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

/// A file with the SHA-256 of the component, 32 bytes.
fn digest_of(component: &Path) -> Result<PathBuf, String> {
    let bytes = fs::read(component).map_err(|error| format!("{}: {error}", component.display()))?;
    let digest = PathBuf::from(variable("OUT_DIR")?).join("component.sha256");
    fs::write(&digest, Sha256::digest(&bytes))
        .map_err(|error| format!("{}: {error}", digest.display()))?;
    Ok(digest)
}

fn component() -> Result<PathBuf, String> {
    println!("cargo::rerun-if-env-changed={PREBUILT}");
    if let Some(prebuilt) = env::var_os(PREBUILT) {
        let path =
            std::path::absolute(&prebuilt).map_err(|error| format!("{PREBUILT}: {error}"))?;
        println!("cargo::rerun-if-changed={}", path.display());
        return if path.is_file() {
            Ok(path)
        } else {
            Err(format!("{PREBUILT} names no file: {}", path.display()))
        };
    }
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let root = manifest.parent().ok_or("the workspace has no root")?;
    for input in [
        "node-sdk",
        "plugin",
        "wit",
        "schemas",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    provide_target(root)?;
    build(root, &PathBuf::from(variable("OUT_DIR")?))
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("cargo did not set {name}"))
}

/// Checks that the target's standard library is installed; otherwise installs it with rustup.
fn provide_target(root: &Path) -> Result<(), String> {
    let advice = format!("run `rustup target add {TARGET}`");
    if has_target()? {
        return Ok(());
    }
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .current_dir(root)
        .output();
    let why = match added {
        Ok(output) if output.status.success() => {
            if has_target()? {
                return Ok(());
            }
            "rustup added it to a toolchain that is not in use".to_owned()
        }
        Ok(output) => last_line(&output.stderr),
        Err(_) => format!("rustup is not installed; {PREBUILT} can name a built component"),
    };
    Err(format!(
        "the component needs Rust's {TARGET} target, which is not installed ({why}): {advice}"
    ))
}

fn has_target() -> Result<bool, String> {
    let rustc = variable("RUSTC")?;
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| format!("rustc cannot be run: {error}"))?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(folder.trim()).is_dir())
}

fn build(root: &Path, out: &Path) -> Result<PathBuf, String> {
    let built = built(root, "zoetrope-plugin", None, &out.join("component"), &[])?;
    let bytes = fs::read(&built).map_err(|error| format!("{}: {error}", built.display()))?;
    let bytes = without_names(&bytes).map_err(|error| format!("{}: {error}", built.display()))?;
    let embedded = out.join("zoetrope_plugin.wasm");
    fs::write(&embedded, bytes).map_err(|error| format!("{}: {error}", embedded.display()))?;
    Ok(embedded)
}

/// Drops the custom section `component-name`: a thirtieth of the component, which only
/// debuggers read.
fn without_names(component: &[u8]) -> wasmparser::Result<Vec<u8>> {
    const PREAMBLE: usize = 8;
    let mut reader = BinaryReader::new(component, 0);
    let mut kept = reader.read_bytes(PREAMBLE)?.to_vec();
    while !reader.eof() {
        let start = reader.current_position();
        let id = reader.read_u8()?;
        let length = reader.read_var_u32()?;
        let content = reader.read_bytes(length as usize)?;
        let is_names = id == 0 && BinaryReader::new(content, 0).read_string()? == "component-name";
        if !is_names {
            kept.extend_from_slice(&component[start..reader.current_position()]);
        }
    }
    Ok(kept)
}
