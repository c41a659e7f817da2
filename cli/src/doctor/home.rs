//! Paths with `~` in the place of the home folder.

use std::path::Path;

use directories::BaseDirs;
use zoetrope_host::sanitize::escaped_path;

use crate::shell::quoted;

/// A path for people.
pub(super) fn shown(path: &Path) -> String {
    match below_home(path) {
        Some(rest) if rest.as_os_str().is_empty() => "~".into(),
        Some(rest) => format!("~/{}", escaped_path(rest)),
        None => escaped_path(path),
    }
}

/// A path as a word of a shell command.
pub(super) fn word(path: &Path) -> String {
    match below_home(path) {
        Some(rest) if rest.as_os_str().is_empty() => "~".into(),
        Some(rest) => format!("~/{}", quoted(rest)),
        None => quoted(path),
    }
}

fn below_home(path: &Path) -> Option<&Path> {
    // The command processor of Windows does not replace `~`.
    if cfg!(windows) {
        return None;
    }
    let home = BaseDirs::new()?;
    let home = home.home_dir();
    // In a container, the home folder may be the root.
    home.parent()?;
    path.strip_prefix(home).ok()
}
