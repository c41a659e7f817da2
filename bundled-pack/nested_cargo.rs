//! Runs cargo to build a package of this workspace as a component. Shared by the build script
//! and by the tests, which build other components.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target of components.
pub(crate) const TARGET: &str = "wasm32-wasip2";

const PROFILE: &str = "component";

/// The inlining threshold of link-time optimisation. The profile optimises for size and would
/// leave small functions as calls. This costs a twentieth more bytes and saves a third of the
/// component's run time.
const INLINING: &str = "llvm-args=-inline-threshold=60";

/// Addresses are constants. The target's default is code for shared libraries, which adds a base
/// to each address; that would be a twenty-fifth of the component.
const ADDRESSES: &str = "relocation-model=static";

/// The linker writes indices and addresses in as few bytes as they need, not in five each; that
/// is a sixteenth of the component. It can do so only in a profile that strips symbols.
const INDICES: &str = "link-arg=--compress-relocations";

/// Cargo variables that are set by the user, not by the outer build: by name or, ending with an
/// underscore, by prefix.
const KEPT: [&str; 7] = [
    "CARGO",
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_TERM_COLOR",
];

/// Other variables that would change the component.
const STRIPPED: [&str; 6] = [
    "MAKEFLAGS",
    "MFLAGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

/// Builds a package's library, or an example of it, as a component below `target_dir`. Returns
/// its path.
///
/// # Errors
///
/// When it does not build; the error is one line.
#[expect(clippy::print_stderr, reason = "cargo shows what build scripts print")]
pub(crate) fn built(
    root: &Path,
    package: &str,
    example: Option<&str>,
    target_dir: &Path,
    more: &[&str],
) -> Result<PathBuf, String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    cargo
        .args(["rustc", "--package", package, "--locked"])
        .args(["--target", TARGET, "--profile", PROFILE])
        .args(more);
    match example {
        Some(example) => cargo.args(["--example", example]),
        // The crate is also an `rlib`; built as both it would get no link-time optimisation.
        None => cargo.args(["--lib", "--crate-type", "cdylib"]),
    };
    cargo
        .arg("--target-dir")
        .arg(target_dir)
        .args(["--", "-C", INLINING, "-C", ADDRESSES, "-C", INDICES])
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
        // The whole output, for `-vv` and the output file; the error is one line.
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return Err(format!(
            "the component does not build ({}): run `cargo build -p {package} --target {TARGET}` to see why",
            first_error(&output.stderr)
        ));
    }
    let folder = target_dir.join(TARGET).join(PROFILE);
    Ok(match example {
        Some(example) => folder.join("examples").join(format!("{example}.wasm")),
        None => folder.join(format!("{}.wasm", package.replace('-', "_"))),
    })
}

/// Whether an environment variable belongs to the outer build: flags, wrappers, profiles and
/// folders of cargo, clippy, rustdoc or make.
fn is_foreign(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let is_kept = KEPT
        .iter()
        .any(|kept| name == *kept || (kept.ends_with('_') && name.starts_with(kept)));
    STRIPPED.contains(&name) || (name.starts_with("CARGO") && !is_kept)
}

/// Flags that remove this machine's paths from the component, so that its bytes and digest are
/// the same on every machine.
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

/// The last line that is not empty.
pub(crate) fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.unwrap_or("no reason given").trim().to_owned()
}
