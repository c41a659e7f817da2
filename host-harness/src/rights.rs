//! The rights of the data directory: what this program keeps there is readable by its user alone.
//!
//! New files have mode `0600` and new folders `0700`, whatever the umask is. [`restrict`] does the
//! same to what earlier versions or a permissive umask left behind. It changes what belongs to the
//! user and has a name of this program, and lists the rest. Symbolic links are not followed.
//!
//! On Windows, files inherit the access list of the user's profile, and nothing is changed.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

mod names;
mod open_place;
#[cfg(unix)]
mod restrict;

pub use open_place::{KeptOpen, OpenPlace};

use names::{CLIPS, LEDGER};

use crate::said::{self, Limit};

/// Takes the rights of all other users from the data directory and what this program keeps in it.
/// Returns what other users can still reach, which the caller says: it is not logged any more.
///
/// The content of a folder that is private already is not looked at: other users cannot reach it.
#[must_use]
pub fn restrict(data_dir: &Path) -> Vec<OpenPlace> {
    let open = restricted(data_dir);
    for OpenPlace { path, .. } in &open {
        let _ = said::is_first(Limit::OpenToOthers, path);
    }
    open
}

/// The same; what is left open is logged once in a process.
pub fn restrict_and_log(data_dir: &Path) {
    for OpenPlace { path, why } in restricted(data_dir) {
        if said::is_first(Limit::OpenToOthers, &path) {
            tracing::warn!(
                path = %path.display(),
                "other users can read this place, and its rights were not changed: {why}"
            );
        }
    }
}

#[cfg(unix)]
fn restricted(data_dir: &Path) -> Vec<OpenPlace> {
    restrict::restrict(data_dir)
}

#[cfg(not(unix))]
fn restricted(_: &Path) -> Vec<OpenPlace> {
    Vec::new()
}

/// Creates a folder and its parents, readable by the user alone. A folder that exists stays as it
/// is.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let exists = path.is_dir();
    builder.create(path)?;
    // The umask may have removed rights of the user.
    #[cfg(unix)]
    if !exists {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(path, private)?;
    }
    #[cfg(not(unix))]
    let _ = exists;
    Ok(())
}

/// A new file of these options is readable by the user alone.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Whether a file in this folder is one of the data directory's results. Other results are the
/// user's own files, whose rights the umask decides.
pub(crate) fn has_kept_results(folder: &Path) -> bool {
    let is_named = folder.file_name().is_some_and(|name| name == CLIPS);
    let data_dir = folder.parent().filter(|_| is_named);
    data_dir.is_some_and(|data_dir| data_dir.join(LEDGER).is_file())
}

/// Gives a private file of `folder` the rights of a new file, before it becomes the user's own.
pub(crate) fn make_usual(file: &Path, folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The umask can be read only by what it does to a new file.
        let usual = std::fs::Permissions::from_mode(0o666);
        let sample = tempfile::Builder::new()
            .permissions(usual)
            .tempfile_in(folder)?;
        std::fs::set_permissions(file, sample.as_file().metadata()?.permissions())?;
    }
    #[cfg(not(unix))]
    let _ = (file, folder);
    Ok(())
}

#[cfg(all(test, unix))]
mod tests;
