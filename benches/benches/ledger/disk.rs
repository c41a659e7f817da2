//! The rate of the disk without a ledger.

use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::path::Path;

use zoetrope_benches::Failure;

/// A page of the ledger.
const PAGE: [u8; 4096] = [0x5a; 4096];

/// A file next to the ledger.
pub(crate) struct Disk(File);

impl Disk {
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        Ok(Self(File::create(path)?))
    }

    /// Appends pages and syncs after each.
    pub(crate) fn append(&mut self, pages: usize) -> Result<(), Failure> {
        for _ in 0..pages {
            self.0.write_all(&PAGE)?;
            self.0.sync_data()?;
        }
        Ok(())
    }

    /// Overwrites the first `pages` pages and syncs, `commits` times.
    pub(crate) fn write_over(&mut self, commits: usize, pages: usize) -> Result<(), Failure> {
        for _ in 0..commits {
            self.0.rewind()?;
            for _ in 0..pages {
                self.0.write_all(&PAGE)?;
            }
            self.0.sync_data()?;
        }
        Ok(())
    }
}

/// The average number of pages that this process writes for a commit.
pub(crate) fn pages_a_commit(
    commits: usize,
    work: impl FnOnce() -> Result<(), Failure>,
) -> Result<usize, Failure> {
    let before = written()?;
    work()?;
    Ok((written()? - before).div_ceil(commits * PAGE.len()))
}

/// Bytes that this process has written, as Linux counts them.
fn written() -> Result<usize, Failure> {
    let counted = fs::read_to_string("/proc/self/io")?;
    let written = counted
        .lines()
        .find_map(|line| line.strip_prefix("wchar: "));
    Ok(written.ok_or("no count of what is written")?.parse()?)
}
