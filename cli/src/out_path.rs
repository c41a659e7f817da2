//! The paths of files that a user names for results.

use std::path::{Component, Path, PathBuf};

use zoetrope_host::download::windows_fault;
use zoetrope_host::jobs::NextStep;
use zoetrope_host::ledger::Target;
use zoetrope_host::sanitize::escaped_path;

use super::report::Failure;

/// The absolute path of a file or folder for results.
///
/// Windows turns `nul.mp4` into a device and removes a dot at the end of a name when a path becomes
/// absolute, so the names are checked before.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    if cfg!(windows)
        && let Some((name, fault)) = reserved(path)
    {
        let message = format!(
            "no result can be written to `{}`: `{name}` {fault}",
            path.display()
        );
        return Err(Failure::usage(message).then_step(NextStep::FreeDestination, ""));
    }
    std::path::absolute(path).map_err(|error| {
        Failure::usage(format!("`{}`: {error}", path.display()))
            .then_step(NextStep::FreeDestination, "")
    })
}

/// Says that a result that is not on disk yet will be in another place.
pub(super) fn target_note(before: &Target, after: &Target) -> Option<String> {
    let [before, after] = [before, after].map(|target| match target {
        Target::File(path) | Target::Stem(path) => path,
    });
    let [from, to] = [before, after].map(|path| escaped_path(path));
    (before != after).then(|| {
        format!("note: the result of this job is written to {to} from now on, and not to {from}")
    })
}

/// The first name of a path that is reserved on Windows, and why.
fn reserved(path: &Path) -> Option<(String, &'static str)> {
    path.components().find_map(|component| match component {
        Component::Normal(name) => {
            let name = name.to_string_lossy();
            windows_fault(&name).map(|fault| (name.into_owned(), fault))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_name_is_found_in_every_part_of_a_path() {
        for (path, expected) in [
            ("clips/nul.mp4", Some("nul.mp4")),
            ("aux/clip.mp4", Some("aux")),
            ("clips./clip.mp4", Some("clips.")),
            ("./clips/../clip.mp4", None),
        ] {
            let found = reserved(Path::new(path)).map(|(name, _)| name);
            assert_eq!(found.as_deref(), expected, "{path}");
        }
    }
}
