//! Packages of this workspace as components, built when a test needs them.

use std::path::Path;

use super::root;

#[path = "../../bundled-pack/nested_cargo.rs"]
mod nested_cargo;

/// The component that a package's library, or an example of it, is built as.
pub(crate) fn built(package: &str, example: Option<&str>) -> Result<Vec<u8>, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    // What it takes is here since the bundled component was built.
    let file = nested_cargo::built(root(), package, example, &target, &["--offline"])?;
    std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))
}
