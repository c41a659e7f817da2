//! Finds cycles of modules inside one crate, from its sources only.
//!
//! Two kinds of cycles count: files that use each other, and children of one module that do, each
//! with all modules below it. Inline modules belong to the file that contains them. An arrow
//! `a.rs -> b.rs` means that `a.rs` uses a name that `b.rs` defines. Paths are resolved as in the
//! compiler, through imports, globs and re-exports, to the file that defines the name.
//!
//! - A module that declares or re-exports (`pub use`) its own descendants does not use them.
//! - A module that uses a name of a descendant in any other way does.
//! - A child uses its ancestor only if the ancestor's file defines the name.
//! - Items under `#[cfg(test)]` and `#[test]` are left out.
//! - Method calls name no path and make no arrow.
//!
//! # Layout
//!
//! - [`tree`]: the modules, what each defines and imports
//! - [`resolve`]: resolves a path to the module that defines its name
//! - [`arrows`]: the dependencies between files, from the paths of a crate
//! - [`components`]: the cycles among these arrows

mod arrows;
mod components;
mod resolve;
mod tree;

use std::path::Path;

pub(crate) use components::{Cycle, Level};
pub(crate) use tree::{Invalid, Sources};

/// The cycles of the crate whose root is the file `root` among `sources`.
///
/// # Errors
///
/// When a file does not parse, or the file of a module is not among `sources`.
pub(crate) fn cycles(sources: &Sources, root: &Path) -> Result<Vec<Cycle>, Invalid> {
    let tree = tree::Tree::of(sources, root)?;
    Ok(components::cycles(&tree, &arrows::of(&tree)))
}
