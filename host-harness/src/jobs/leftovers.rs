//! Unfinished files of results: `<target's name>.<job>.part` and `.complete`, beside the target. A
//! job that ended without its result, or whose process was killed, may have left some.

use std::collections::HashMap;
use std::fs::{OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::cleanup::{self, CRASHED_WRITE, Freed};
use crate::download::job_of;
use crate::ledger::{DoneJob, Ledger, LedgerError, Target};

/// Most ids of one question to the ledger.
const IDS: usize = 500;

/// The unfinished files beside the targets of jobs. Each folder is listed once.
#[derive(Default)]
pub(super) struct Leftovers {
    folders: HashMap<PathBuf, HashMap<String, Vec<PathBuf>>>,
}

impl Leftovers {
    /// Removes the unfinished files of a job that is done. A failure is only logged: the folder is
    /// the user's, and may be gone or read-only.
    pub(super) fn remove_of(&mut self, job: &DoneJob) -> Freed {
        let (Target::File(target) | Target::Stem(target)) = &job.target;
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let listed = self
            .folders
            .entry(folder.to_owned())
            .or_insert_with(|| listed(folder));
        let mut freed = Freed::default();
        for path in listed.remove(&job.id).unwrap_or_default() {
            match remove_unless_busy(&path) {
                Ok(removed) => freed += removed,
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "an unfinished file is not removed");
                }
            }
        }
        freed
    }
}

/// Removes the unfinished files in a folder of this program whose job has no row, if they are a day
/// old.
pub(super) fn remove_orphans(folder: &Path, ledger: &Ledger) -> Result<Freed, OrphanError> {
    let mut orphans: HashMap<String, Vec<PathBuf>> = HashMap::new();
    for (entry, metadata) in cleanup::files_of(folder)? {
        let name = entry.file_name();
        // The id is the same in a name that is not UTF-8.
        if let Some(id) = job_of(&name.to_string_lossy())
            && cleanup::age_of(&metadata) >= CRASHED_WRITE
        {
            orphans.entry(id.to_owned()).or_default().push(entry.path());
        }
    }
    let ids: Vec<String> = orphans.keys().cloned().collect();
    for ids in ids.chunks(IDS) {
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        for present in ledger.present(&ids)? {
            orphans.remove(&present);
        }
    }
    let mut freed = Freed::default();
    for path in orphans.values().flatten() {
        freed += remove_unless_busy(path)?;
    }
    Ok(freed)
}

/// Why orphans were not removed.
pub(super) enum OrphanError {
    File(io::Error),
    Ledger(LedgerError),
}

impl From<io::Error> for OrphanError {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl From<LedgerError> for OrphanError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

/// The unfinished files of a folder, by the ids of their jobs.
fn listed(folder: &Path) -> HashMap<String, Vec<PathBuf>> {
    let mut listed: HashMap<String, Vec<PathBuf>> = HashMap::new();
    for (entry, _) in cleanup::files_of(folder).unwrap_or_default() {
        let name = entry.file_name();
        if let Some(id) = job_of(&name.to_string_lossy())
            && Uuid::try_parse(id).is_ok()
        {
            listed.entry(id.to_owned()).or_default().push(entry.path());
        }
    }
    listed
}

/// A process that writes an unfinished file has locked it.
fn remove_unless_busy(path: &Path) -> io::Result<Freed> {
    let is_file = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    if !is_file {
        return Ok(Freed::default());
    }
    let file = OpenOptions::new().append(true).open(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(Freed::default()),
        // Some network file systems do not support locks.
        Ok(()) | Err(TryLockError::Error(_)) => cleanup::remove(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_file_and_link_are_not_removed() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.part");
        std::fs::write(&path, "x").expect("write");
        let file = OpenOptions::new().append(true).open(&path).expect("open");
        file.try_lock().expect("a lock");
        assert_eq!(remove_unless_busy(&path).expect("busy"), Freed::default());
        drop(file);
        #[cfg(unix)]
        {
            let link = folder.path().join("b.part");
            std::os::unix::fs::symlink(&path, &link).expect("link");
            assert_eq!(remove_unless_busy(&link).expect("a link"), Freed::default());
        }
        assert_eq!(remove_unless_busy(&path).expect("remove").files, 1);
    }
}
