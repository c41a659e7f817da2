//! Finds cycles of modules inside one crate, from its sources alone.
//!
//! Two cycles count: files that use each other, and children of one module that do, each taken
//! with all modules below it. Inline modules belong to the file that they stand in. An arrow
//! `a.rs -> b.rs` says that `a.rs` uses a name that `b.rs` defines. Paths are resolved as the
//! compiler does, through imports, globs and re-exports, to the file that defines the name.
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
//! - [`resolve`]: from a path to the module that defines its name
//! - [`arrows`]: all paths of a crate, as arrows between files
//! - [`knots`]: the cycles among these arrows

mod arrows;
mod knots;
mod resolve;
mod tree;

use std::path::Path;

pub(crate) use knots::{Cycle, Level};
pub(crate) use tree::{Invalid, Sources};

/// The cycles of the crate whose root is the file `root` among `sources`.
///
/// # Errors
///
/// When a file does not parse, or the file of a module is not among `sources`.
pub(crate) fn cycles(sources: &Sources, root: &Path) -> Result<Vec<Cycle>, Invalid> {
    let tree = tree::Tree::of(sources, root)?;
    Ok(knots::cycles(&tree, &arrows::of(&tree)))
}
