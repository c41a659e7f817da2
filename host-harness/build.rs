//! Builds the component that the host embeds: `plugin/` for `wasm32-wasip2`, in a target
//! folder of its own.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use wasmparser::BinaryReader;

const TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "component";

/// Names a component to embed instead of building one: for packagers, and for machines
/// without the target.
const PREBUILT: &str = "ZOETROPE_PREBUILT_COMPONENT";

/// Cargo's settings that are the user's, not the outer build's; by name or, ending with
/// an underscore, by prefix.
const KEPT: [&str; 7] = [
    "CARGO",
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_TERM_COLOR",
];

/// What else would change the component or how it is built.
const STRIPPED: [&str; 6] = [
    "MAKEFLAGS",
    "MFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

fn main() -> ExitCode {
    match component() {
        Ok(path) => {
            println!("cargo::rustc-env=ZOETROPE_COMPONENT={}", path.display());
            ExitCode::SUCCESS
        }
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
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
    for input in ["plugin", "wit", "schemas", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    provide_target(root)?;
    build(root, &PathBuf::from(variable("OUT_DIR")?))
}

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("cargo did not set {name}"))
}

/// The standard library for the target, through rustup where it is missing.
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
            "rustup added it to another toolchain than the one in use".to_owned()
        }
        Ok(output) => last_line(&output.stderr),
        Err(_) => format!("there is no rustup; or name a built component in {PREBUILT}"),
    };
    Err(format!(
        "the component needs Rust's {TARGET} target, which is missing ({why}): {advice}"
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
    let target = out.join("component");
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .args(["rustc", "--package", "zoetrope-plugin", "--lib", "--locked"])
        .args(["--target", TARGET, "--profile", PROFILE])
        // The crate is a `rlib` too; built as both it would get no link-time optimisation.
        .args(["--crate-type", "cdylib"])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(root);
    for (name, _) in env::vars_os() {
        if is_foreign(&name) {
            cargo.env_remove(name);
        }
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", remapped(root));
    let output = cargo
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        // The whole story, for `-vv` and the output file; the one line comes last.
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return Err(format!(
            "the component does not build ({}): run `cargo build -p zoetrope-plugin --target {TARGET}` to see why",
            first_error(&output.stderr)
        ));
    }
    let built = target
        .join(TARGET)
        .join(PROFILE)
        .join("zoetrope_plugin.wasm");
    let bytes = fs::read(&built).map_err(|error| format!("{}: {error}", built.display()))?;
    let bytes = without_names(&bytes).map_err(|error| format!("{}: {error}", built.display()))?;
    let embedded = out.join("zoetrope_plugin.wasm");
    fs::write(&embedded, bytes).map_err(|error| format!("{}: {error}", embedded.display()))?;
    Ok(embedded)
}

/// Drops the names that the linker gives to a component's parts: a thirtieth of it, read
/// by debuggers alone.
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

/// Whether an environment variable is the outer build's and no concern of the nested
/// one: flags, wrappers, profiles and folders of cargo, clippy, rustdoc or a make.
fn is_foreign(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let is_kept = KEPT
        .iter()
        .any(|kept| name == *kept || (kept.ends_with('_') && name.starts_with(kept)));
    STRIPPED.contains(&name) || (name.starts_with("CARGO") && !is_kept)
}

/// Flags that take this machine's folders out of the component, so that its bytes and
/// digest are the same everywhere.
fn remapped(root: &Path) -> OsString {
    let mut flags = OsString::new();
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let sources = cargo_home.map(|home| home.join("registry").join("src"));
    let registries = sources
        .into_iter()
        .flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    let registries = registries
        .flatten()
        .map(|registry| (registry.path(), "/crates"));
    for (folder, name) in registries.chain([(root.to_owned(), "/zoetrope")]) {
        if !flags.is_empty() {
            flags.push("\x1f");
        }
        flags.push("--remap-path-prefix=");
        flags.push(folder);
        flags.push("=");
        flags.push(name);
    }
    flags
}

fn first_error(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let error = text.lines().find(|line| line.starts_with("error"));
    error.map_or_else(|| last_line(stderr), str::to_owned)
}

fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.unwrap_or("no reason given").trim().to_owned()
}
