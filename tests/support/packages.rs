//! Packages of this workspace as components, built when a test needs them.

use std::path::Path;

use super::root;

#[path = "../../bundled-pack/nested_cargo.rs"]
mod nested_cargo;

/// Builds a package's library, or an example of it, as a component.
pub(crate) fn built(package: &str, example: Option<&str>) -> Result<Vec<u8>, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    // Its dependencies were fetched for the bundled component, so the build is offline.
    let file = nested_cargo::built(root(), package, example, &target, &["--offline"])?;
    std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))
}
