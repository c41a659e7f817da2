//! The disk by itself.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::Path;

use zoetrope_benches::Failure;

/// A page of the ledger's.
const PAGE: [u8; 4096] = [0x5a; 4096];

/// A file beside the ledger.
pub(crate) struct Disk(File);

impl Disk {
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        Ok(Self(File::create(path)?))
    }

    /// Appends pages, each on the disk before the next.
    pub(crate) fn append(&mut self, pages: usize) -> Result<(), Failure> {
        for _ in 0..pages {
            self.0.write_all(&PAGE)?;
            self.0.sync_data()?;
        }
        Ok(())
    }

    /// The same without growing: every page over the first one.
    pub(crate) fn write_over(&mut self, pages: usize) -> Result<(), Failure> {
        for _ in 0..pages {
            self.0.rewind()?;
            self.append(1)?;
        }
        Ok(())
    }
}
