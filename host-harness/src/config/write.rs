//! Writes configuration files and the record of trusted files.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::durable::{sync_file, sync_folder};

/// Creates a folder, and those above it, for its owner alone. One that exists is left as it is.
///
/// # Errors
///
/// When it cannot be created.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Writes a file that does not exist yet, for its owner alone.
///
/// # Errors
///
/// When it exists, as a link too, or cannot be written.
pub fn create_file(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    sync_file(&file)
}

/// Writes a file, or replaces it in one step. A new one is for its owner alone; one that exists
/// keeps its permissions. A symbolic link at `path` itself is replaced, not followed.
///
/// # Errors
///
/// When it cannot be written. The former file is unchanged then.
pub fn replace_file(path: &Path, text: &str) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    match fs::symlink_metadata(path) {
        Ok(before) if before.is_file() => file.as_file().set_permissions(before.permissions())?,
        _ => {}
    }
    sync_file(file.as_file())?;
    file.persist(path)?;
    sync_folder(folder)
}
